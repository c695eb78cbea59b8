"""Glasses, sunglasses or none, on real photographs."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livelens.bench.perception.glasses import face_in
from livelens.crop import Crop
from livelens.errors import ModelError
from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.stages.describe.glasses import BAND_PX, Glasses, GlassesDescriptor, band_of
from livelens.types import Frame
from tests.faces.photographs import photograph, several_faces

WORDS = ("none", "glasses", "sunglasses")


@pytest.fixture(scope="module")
def glasses() -> Iterator[GlassesDescriptor]:
    one = Glasses(threads=1).open()
    yield one
    one.close()


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    one = zoo.load("face-centerface", threads=1)
    yield one
    one.close()


@pytest.fixture(scope="module")
def friends(detector: Detector) -> list[Crop]:
    """Five persons from left to right; the first wears sunglasses, the others nothing."""
    image = cv2.imread(str(several_faces()))
    assert image is not None
    frame = Frame.of(np.asarray(image, np.uint8))
    (found,) = detector([np.ascontiguousarray(image[:, :, ::-1])])
    crops = [
        Crop(frame, tuple(float(value) for value in box), "face", keypoints=points)  # type: ignore[arg-type]
        for box, points in zip(found.xyxy, found.data["keypoints"], strict=True)
    ]
    assert len(crops) == 5
    return sorted(crops, key=lambda crop: crop.box[0])


def words(glasses: GlassesDescriptor, crops: list[Crop]) -> list[object]:
    return [description["glasses"].value for description in glasses.describe(crops)]


def test_sunglasses_among_friends(glasses: GlassesDescriptor, friends: list[Crop]) -> None:
    assert words(glasses, friends) == ["sunglasses", "none", "none", "none", "none"]


def test_faces_are_told_alike_alone_and_together(
    glasses: GlassesDescriptor, friends: list[Crop]
) -> None:
    together = glasses.describe(friends)
    for crop, expected in zip(friends, together, strict=True):
        (alone,) = glasses.describe([crop])
        assert alone["glasses"].scores == pytest.approx(expected["glasses"].scores, abs=1e-4)


def test_scores_are_of_every_word_and_sum_to_one(
    glasses: GlassesDescriptor, friends: list[Crop]
) -> None:
    for description in glasses.describe(friends):
        reading = description["glasses"]
        assert set(reading.scores) == set(WORDS)
        assert sum(reading.scores.values()) == pytest.approx(1)
        assert reading.score == max(reading.scores.values())


@pytest.mark.parametrize(
    ("person", "word"), [(2, "glasses"), (14, "glasses"), (37, "glasses"), (8, "none"), (9, "none")]
)
def test_small_grey_photographs(
    person: int, word: str, glasses: GlassesDescriptor, detector: Detector
) -> None:
    pictures = [cv2.imencode(".png", photograph(person, n))[1].tobytes() for n in range(1, 6)]
    crops = [face_in(picture, detector)[0] for picture in pictures]
    assert words(glasses, crops).count(word) >= 4


def test_nothing_to_describe(glasses: GlassesDescriptor) -> None:
    assert glasses.describe([]) == []


@pytest.mark.parametrize("box", [(0.0, 0.0, 64.0, 64.0), (30.0, 30.0, 33.0, 34.0)])
def test_any_face_gets_an_answer(
    box: tuple[float, float, float, float], glasses: GlassesDescriptor
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    (description,) = glasses.describe([Crop(Frame.of(noise), box, "face")])
    assert description["glasses"].value in WORDS


def test_without_keypoints_the_box_tells_where_the_eyes_are(
    glasses: GlassesDescriptor, friends: list[Crop]
) -> None:
    bare = [Crop(crop.frame, crop.box, "face") for crop in friends]
    assert words(glasses, bare)[0] == "sunglasses"
    assert words(glasses, bare).count("none") >= 3


@pytest.mark.parametrize("turn_deg", [-30, 0, 45])
def test_the_band_levels_the_eyes(turn_deg: float) -> None:
    face = np.array([[100.0, 80], [160, 80], [130, 110], [130, 140]])
    turn = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = face @ rotation.T
    band = band_of(points)
    left, right = points[:2] @ band[:, :2].T + band[:, 2]
    assert left[1] == pytest.approx(right[1])
    assert (left + right) / 2 == pytest.approx([(BAND_PX[0] - 1) / 2, 25])
    assert right[0] - left[0] == pytest.approx(40)


def test_the_band_of_a_profile_stays_as_large() -> None:
    front = band_of(np.array([[100.0, 80], [160, 80], [130, 110], [130, 140]]))
    side = band_of(np.array([[120.0, 80], [140, 80], [100, 110], [130, 140]]))
    scales = [np.sqrt(abs(np.linalg.det(band[:, :2]))) for band in (front, side)]
    assert scales[1] == pytest.approx(scales[0], rel=0.1)


def test_the_weights_come_with_livelens(monkeypatch: pytest.MonkeyPatch) -> None:
    card = zoo.model_card("glasses")
    assert card.package is None
    assert zoo.pull("glasses").stat().st_size < 1_000_000
    zoo.verify("glasses")
    monkeypatch.setattr("livelens.models.fetch.sha256_of", lambda path: "0")
    with pytest.raises(ModelError, match=r"glasses: .*has changed"):
        zoo.verify("glasses")
