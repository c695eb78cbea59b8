"""How many faces the detectors find, on photographs with boxes in dlib's format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.models import zoo
from livelens.models.detector import Detector

# The recommended one first: the bars hold it to account.
_MODELS = ("face", "face-centerface", "face-blaze")
_IOU = 0.4
# Files with landmarks repeat the boxes of those without.
_SAME = 0.5
_PHOTOGRAPH, _PHOTOGRAPH_FACES = "multi_face.jpg", 5

BARS = (
    ("face/boxes/recall", 0.95, "higher"),
    ("face/boxes/false", 1, "lower"),
    ("face/multi_face/found", _PHOTOGRAPH_FACES, "higher"),
)

Boxes = NDArray[np.float32]
Picture = NDArray[np.uint8]


def measure(data: Path) -> Iterator[Row]:
    """Recall, false boxes and overlap on ``faces/boxes``; faces found in one of the zoo's.

    Photographs without a person, of ``coco``, tell more about false boxes where they are here.
    """
    folder = data / "faces" / "boxes"
    truth = annotated(folder)
    if not truth:
        raise CannotMeasure(f"no pictures with boxes (*.xml) in {folder}")
    pictures = {path: _read(path) for path in truth}
    faceless = [_read(path) for path in without_persons(data / "coco")]
    clip = zoo.clip("faces").with_name(_PHOTOGRAPH)
    for model in _MODELS:
        detector = zoo.load(model)
        try:
            for row in _measured(detector, truth, pictures):
                yield {**row, "model": model}
            found = len(detector([_read(clip)])[0])
            yield _row("multi_face", "found", found, _PHOTOGRAPH_FACES) | {"model": model}
            if faceless:
                false = sum(len(detector([picture])[0]) for picture in faceless)
                yield _row("coco_no_person", "false", false, len(faceless)) | {"model": model}
        finally:
            detector.close()


def _measured(
    detector: Detector, truth: dict[Path, Boxes], pictures: dict[Path, Picture]
) -> Iterator[Row]:
    overlaps: list[float] = []
    false = 0
    for path, boxes in truth.items():
        found = detector([pictures[path]])[0].xyxy
        matched = matches(boxes, np.asarray(found, np.float32))
        overlaps += matched
        false += len(found) - len(matched)
    faces = sum(map(len, truth.values()))
    yield _row("boxes", "recall", len(overlaps) / faces, faces)
    yield _row("boxes", "false", false, len(truth))
    yield _row("boxes", "mean_iou", float(np.mean(overlaps)) if overlaps else 0.0, len(overlaps))


def _row(dataset: str, metric: str, value: float, n: int) -> Row:
    return {"task": "face", "dataset": dataset, "metric": metric, "value": value, "n": n}


def annotated(folder: Path) -> dict[Path, Boxes]:
    """Pictures and their faces' boxes (n, 4) px, of all imglab files in a folder.

    Boxes that imglab marks ``ignore`` are left out, and pictures that are not there.
    """
    boxes: dict[Path, list[list[float]]] = {}
    for file in sorted(folder.glob("*.xml")):
        for image in ElementTree.parse(file).getroot().iter("image"):
            path = folder / Path(image.get("file", "")).name
            if not path.is_file():
                continue
            known = boxes.setdefault(path, [])
            for box in image.iter("box"):
                if box.get("ignore") == "1":
                    continue
                left, top, width, height = (
                    float(box.get(key, "0")) for key in ("left", "top", "width", "height")
                )
                one = [left, top, left + width, top + height]
                if not known or overlap(one, known).max() < _SAME:
                    known.append(one)
    return {path: np.array(found, np.float32) for path, found in boxes.items() if found}


def without_persons(folder: Path) -> list[Path]:
    """Pictures under `folder` whose YOLO labels name no person (class 0)."""
    chosen = []
    for label in sorted(folder.rglob("*.txt")):
        place = str(label.with_suffix(".jpg"))
        picture = Path(place[::-1].replace("labels"[::-1], "images"[::-1], 1)[::-1])
        if picture.is_file() and not any(
            line.split()[:1] == ["0"] for line in label.read_text().splitlines()
        ):
            chosen.append(picture)
    return chosen


def overlap(box: Sequence[float] | Boxes, others: Sequence[Sequence[float]] | Boxes) -> Boxes:
    """Intersection over union of a box (4,) with others (n, 4): (n,)."""
    one, many = np.asarray(box, np.float32), np.asarray(others, np.float32)
    near, far = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    shared = np.clip(far - near, 0, None).prod(axis=1)
    areas = (many[:, 2:] - many[:, :2]).prod(axis=1) + (one[2:] - one[:2]).prod() - shared
    return np.asarray(shared / np.maximum(areas, 1e-9), np.float32)


def matches(truth: Boxes, found: Boxes) -> list[float]:
    """Overlaps of the boxes found that hit a face of their own, best first."""
    free = list(range(len(truth)))
    hits = []
    for box in found:
        if not free:
            break
        overlaps = overlap(box, truth[free])
        best = int(overlaps.argmax())
        if overlaps[best] >= _IOU:
            hits.append(float(overlaps[best]))
            del free[best]
    return hits


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        raise CannotMeasure(f"{path} is no picture")
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)
