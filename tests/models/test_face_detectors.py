"""The face detectors of the zoo on photographs: sizes, edges, nothing to find."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.models.preprocess import Image
from tests.stages.describe.faces import photograph


@pytest.fixture(scope="module", params=["face", "face-centerface", "face-blaze"])
def detector(request: pytest.FixtureRequest) -> Iterator[Detector]:
    opened = zoo.load(request.param)
    yield opened
    opened.close()


def rgb(name: str) -> Image:
    return np.ascontiguousarray(photograph(name)[:, :, ::-1])


def test_every_face_of_a_group(detector: Detector) -> None:
    picture = rgb("multi_face.jpg")
    (found,) = detector([picture])
    assert len(found) == 5
    points = np.asarray(found.data["keypoints"])
    assert points.shape == (5, 6 if detector.name == "face-blaze" else 5, 2)
    # Eyes, the picture's left one first, above the nose, all inside the box.
    for (left, top, right, bottom), (eye, other, nose) in zip(
        found.xyxy, points[:, :3], strict=True
    ):
        assert left < eye[0] < other[0] < right
        assert top < max(eye[1], other[1]) < nose[1] < bottom


@pytest.mark.parametrize("size", [(3840, 2160), (320, 180)])
def test_frames_large_and_small(detector: Detector, size: tuple[int, int]) -> None:
    picture = rgb("single_face.jpg")
    canvas = np.full((size[1], size[0], 3), 120, np.uint8)
    side = size[1] * 2 // 3
    canvas[:side, :side] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    (found,) = detector([canvas])
    assert len(found) == 1
    (whole,) = detector([picture])
    scale = side / np.array([picture.shape[1], picture.shape[0]])
    expected = whole.xyxy[0] * np.tile(scale, 2)
    np.testing.assert_allclose(found.xyxy[0], expected, atol=0.08 * side)


def test_a_face_cut_by_the_edge_stays_inside_the_frame(detector: Detector) -> None:
    picture = rgb("single_face.jpg")
    (whole,) = detector([picture])
    left, _, right, _ = whole.xyxy[0]
    cut = np.ascontiguousarray(picture[:, int(left + 0.3 * (right - left)) :])
    (found,) = detector([cut])
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, 2] <= cut.shape[1]).all()


def test_where_there_is_no_face_none_is_found(detector: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    flat = np.full((2160, 3840, 3), 30, np.uint8)
    assert [len(found) for found in detector([noise, flat])] == [0, 0]


def test_grey_pictures(detector: Detector) -> None:
    grey = cv2.cvtColor(rgb("multi_face.jpg"), cv2.COLOR_RGB2GRAY)
    (found,) = detector([np.repeat(np.asarray(grey, np.uint8)[:, :, None], 3, axis=2)])
    assert len(found) == 5
