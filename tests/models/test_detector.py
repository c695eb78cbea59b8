"""The shipped models on real pictures: a clip, and photographs with known objects.

The models are fetched into the user's cache, once.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray

from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.models.manifest import manifest
from livelens.models.runner import RuntimeName

Image = NDArray[np.uint8]
COCO = manifest().labels["coco80"]


def names(found: sv.Detections) -> list[str]:
    return [str(name) for name in found.data["class_name"]]


def rgb(path: Path) -> Image:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[:, :, ::-1], np.uint8)


def clip_frame(number: int) -> Image:
    video = cv2.VideoCapture(str(zoo.clip("bikes")))
    video.set(cv2.CAP_PROP_POS_FRAMES, number)
    _, frame = video.read()
    video.release()
    return np.ascontiguousarray(np.asarray(frame)[:, :, ::-1], np.uint8)


@pytest.fixture(scope="module", params=["openvino", "onnxruntime"])
def coco(request: pytest.FixtureRequest) -> Iterator[Detector]:
    runtime: RuntimeName = request.param
    detector = zoo.load("coco-ssd", runtime=runtime, precision="f32")
    yield detector
    detector.close()


def recall(found: NDArray[np.floating[Any]], boxes: NDArray[np.float64]) -> float:
    """The part of the boxes that a found one covers with an IoU of 0.5."""
    if len(found) == 0:
        return 0.0
    return float((sv.box_iou_batch(boxes, found).max(axis=1) >= 0.5).mean())


def test_persons_and_vehicles_in_the_clip(coco: Detector) -> None:
    walker, cyclist, parked = coco([clip_frame(30), clip_frame(120), clip_frame(225)])
    assert {"person", "car"} <= set(names(walker))
    assert names(cyclist)[0] == "person"
    left, top, right, bottom = cyclist.xyxy[0]
    assert 340 < left < right < 500, "he stands right of the middle"
    assert top < 40
    assert bottom > 240
    assert names(parked) == ["bicycle"]


def test_a_batch_gives_what_its_pictures_give(coco: Detector) -> None:
    pictures = [clip_frame(105), clip_frame(135), clip_frame(60)[:200, :300]]
    for alone, together in zip(
        [coco([picture])[0] for picture in pictures], coco(pictures), strict=True
    ):
        assert names(alone) == names(together)
        np.testing.assert_allclose(alone.xyxy, together.xyxy, atol=0.05)


def test_the_caller_may_resize(coco: Detector) -> None:
    picture = clip_frame(105)
    assert not coco.letterbox
    assert coco.input_size_px == coco.resized_px((640, 272)) == (300, 300)
    small = np.asarray(cv2.resize(picture, (300, 300)), np.uint8)
    (resized,) = coco.detect([small], [(640, 272)])
    (whole,) = coco([picture])
    np.testing.assert_allclose(resized.xyxy, whole.xyxy)
    with pytest.raises(ValueError, match=r"must be resized to \(300, 300\), got \(640, 272\)"):
        coco.detect([picture], [(640, 272)])


def test_no_pictures(coco: Detector) -> None:
    assert coco([]) == []
    assert coco.detect([], []) == []


def test_runtimes_agree() -> None:
    picture = clip_frame(105)
    runtimes: tuple[RuntimeName, ...] = ("openvino", "onnxruntime")
    for model in ("coco-ssd", "face-centerface"):
        detectors = [
            zoo.load(model, runtime=runtime, precision="f32", confidence=0.2)
            for runtime in runtimes
        ]
        one, other = (detector([picture])[0] for detector in detectors)
        assert len(one) > 0
        assert names(one) == names(other)
        np.testing.assert_allclose(one.xyxy, other.xyxy, atol=0.1)


def labelled(folder: Path, name: str, image: Image) -> NDArray[np.float64]:
    """The boxes xyxy px of one class in a COCO photograph, big ones only."""
    path = folder / "coco" / "labels" / f"{name}.txt"
    rows = np.loadtxt(path, ndmin=2) if path.is_file() else np.zeros((0, 5))
    rows = rows[(rows[:, 0] == COCO.index("person")) & (rows[:, 3] * rows[:, 4] > 0.05)]
    height, width = image.shape[:2]
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    boxes = np.hstack([centre - half, centre + half])
    return np.asarray(boxes * [width, height, width, height], np.float64)


@pytest.mark.parametrize(
    ("model", "least"), [("coco-ssd", 0.75), ("person-ssdlite", 0.6)], ids=["coco", "person"]
)
def test_persons_in_photographs(model: str, least: float, photographs: Path) -> None:
    detector = zoo.load(model)
    found = total = 0.0
    for path in sorted((photographs / "coco" / "images").iterdir())[:60]:
        image = rgb(path)
        boxes = labelled(photographs, path.stem, image)
        if len(boxes):
            (every,) = detector([image])
            persons = every.xyxy[np.array(names(every), np.str_) == "person"]
            found += recall(persons, boxes) * len(boxes)
            total += len(boxes)
    detector.close()
    assert total > 30
    assert found / total >= least


@pytest.mark.parametrize(("model", "points"), [("face-blaze", 6), ("face-centerface", 5)])
def test_faces_in_photographs(model: str, points: int, photographs: Path) -> None:
    detector = zoo.load(model)
    folder = photographs / "faces" / "boxes"
    seen = total = 0
    for sheet in ("testing.xml", "training.xml"):
        for image in ET.parse(folder / sheet).iter("image"):
            path = folder / image.attrib["file"]
            if not path.is_file():
                continue
            (found,) = detector([rgb(path)])
            marks = np.asarray(found.data["keypoints"])
            assert marks.shape == (len(found), points, 2)
            inside = (marks >= found.xyxy[:, None, :2]) & (marks <= found.xyxy[:, None, 2:])
            # BlazeFace's last two points are the ears, which the box leaves out.
            assert inside[:, :4].mean() > 0.95
            for box in image.iter("box"):
                left, top = float(box.attrib["left"]), float(box.attrib["top"])
                centre = (
                    left + float(box.attrib["width"]) / 2,
                    top + float(box.attrib["height"]) / 2,
                )
                hit = (found.xyxy[:, :2] < centre) & (found.xyxy[:, 2:] > centre)
                seen += bool(hit.all(axis=1).any())
                total += 1
    detector.close()
    assert total >= 40
    assert seen / total >= 0.9


def test_no_faces_where_there_are_none(photographs: Path) -> None:
    dogs = rgb(photographs / "faces" / "boxes" / "dogs.jpg")
    for model in ("face-blaze", "face-centerface"):
        (found,) = zoo.load(model)([dogs])
        assert len(found) == 0
