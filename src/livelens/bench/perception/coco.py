"""How well detectors find persons and vehicles: photographs, and persons on a video."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import supervision as sv
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from supervision.metrics import MeanAveragePrecision

from livelens.bench.perception.sequences import Box, boxes, sequences
from livelens.bench.report import CannotMeasure, note
from livelens.bench.stats import Row
from livelens.flow.run import run
from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.models.manifest import manifest
from livelens.stages.detect import Detect
from livelens.stages.vehicle import VEHICLES

TASK = "coco"
# The first one is what is recommended; bars hold for it.
MODELS = ("centernet", "nanodet", "coco-ssd", "person-ssdlite")
BARS = (
    ("coco/coco/map50_person", 0.6, "higher"),
    ("coco/coco/map50_vehicle", 0.4, "higher"),
    ("coco/PETS09-S2L1/persons_missed", 0.2, "lower"),
    ("coco/PETS09-S2L1/persons_false_per_frame", 1.0, "lower"),
)
# Average precision looks at all that a model finds, however unsure.
_ALL = 0.01
_SAME_IOU = 0.5
_TIMED = 32
# Successive frames tell nothing new.
_EVERY = 8


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture and what is in it.

    Attributes:
        file: the picture.
        truth: `class_id` counts as COCO's 80 names do.
    """

    file: Path
    truth: sv.Detections


def measure(data: Path) -> Iterator[Row]:
    """mAP50 and speed on photographs; persons missed and false on sequences.

    Raises:
        CannotMeasure: neither photographs with labels nor sequences are there.
    """
    photographs = _photographs(data / "coco")
    try:
        filmed = sequences(data)
    except CannotMeasure:
        filmed = []
    if not photographs and not filmed:
        raise CannotMeasure(f"no images/ and labels/ in {data / 'coco'}")
    for model in MODELS:
        note(f"  {model}")
        if photographs:
            yield from _precision(model, photographs)
        for sequence in filmed:
            truth = boxes(sequence.folder / "gt" / "gt.txt")
            stage = Detect(model=model, classes=("person",), every=_EVERY)
            found = {
                item.frame.seq + 1: item.detections.xyxy.astype(np.float32)
                for item in run(sequence.source, stages=[stage])
                if item.detections is not None and not item.undetected
            }
            yield from _missed(model, sequence.name, truth, found)


def _photographs(folder: Path) -> list[Photograph]:
    photographs = []
    for file in sorted((folder / "images").glob("*")):
        label = folder / "labels" / f"{file.stem}.txt"
        image = cv2.imread(str(file))
        if image is None:
            continue
        rows = label.read_text(encoding="utf-8").split("\n") if label.is_file() else []
        values = np.array([row.split()[:5] for row in rows if row.strip()], float).reshape(-1, 5)
        height, width = image.shape[:2]
        centre = values[:, 1:3] * [width, height]
        half = values[:, 3:5] * [width, height] / 2
        truth = sv.Detections(
            xyxy=np.hstack([centre - half, centre + half]).astype(np.float32),
            class_id=values[:, 0].astype(int),
        )
        photographs.append(Photograph(file, truth))
    return photographs


def _precision(model: str, photographs: Sequence[Photograph]) -> Iterator[Row]:
    names = manifest().labels["coco80"]
    detector = zoo.load(model)
    try:
        took_ms = _took_ms(detector, photographs)
        detector.thresholds = replace(detector.thresholds, confidence=_ALL)
        found = _found(detector, photographs, names)
    finally:
        detector.close()
    truth = [each.truth for each in photographs]
    result = MeanAveragePrecision().update(found, truth).compute()
    by_name = {
        names[class_id]: float(result.ap_per_class[row, 0])
        for row, class_id in enumerate(result.matched_classes)
    }
    known = [name for name in names if name in detector.labels]
    ids_seen = np.concatenate([each.class_id for each in truth if each.class_id is not None])
    counts = {name: int((ids_seen == i).sum()) for i, name in enumerate(names)}
    for label, wanted in (("person", ("person",)), ("vehicle", VEHICLES), ("all", known)):
        values = [by_name[name] for name in wanted if name in by_name and name in known]
        if values and (label != "all" or len(known) > 1):
            n = sum(counts[name] for name in wanted)
            yield _row("coco", model, f"map50_{label}", float(np.mean(values)), n)
    if set(VEHICLES) <= set(known):
        ids = [names.index(name) for name in VEHICLES]
        one = MeanAveragePrecision().update(_merged(found, ids), _merged(truth, ids)).compute()
        n = sum(counts[name] for name in VEHICLES)
        yield _row("coco", model, "map50_any_vehicle", float(one.map50), n)
    yield _row("coco", model, "picture_ms", took_ms, _TIMED)


def _found(
    detector: Detector, photographs: Sequence[Photograph], names: Sequence[str]
) -> list[sv.Detections]:
    """What the detector finds, classes numbered by `names`."""
    number = {name: i for i, name in enumerate(names)}
    found = []
    for photograph in photographs:
        (each,) = detector([_rgb(photograph.file)])
        ids = [number[str(name)] for name in each.data["class_name"]]
        found.append(
            sv.Detections(each.xyxy, confidence=each.confidence, class_id=np.array(ids, int))
        )
    return found


def _took_ms(detector: Detector, photographs: Sequence[Photograph]) -> float:
    """Median time for a picture, with the model's own confidence."""
    images = [_rgb(each.file) for each in photographs[:_TIMED]]
    detector.warm_up()
    took_s = []
    for image in images:
        began_s = time.perf_counter()
        detector([image])
        took_s.append(time.perf_counter() - began_s)
    return 1000 * float(np.median(took_s))


def _rgb(file: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(file))
    assert image is not None
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


def _merged(detections: Sequence[sv.Detections], ids: Sequence[int]) -> list[sv.Detections]:
    """Those of the classes, all as one class."""
    merged = []
    for each in detections:
        assert each.class_id is not None
        kept = np.isin(each.class_id, ids)
        merged.append(
            sv.Detections(
                each.xyxy[kept],
                confidence=each.confidence[kept] if each.confidence is not None else None,
                class_id=np.zeros(int(kept.sum()), int),
            )
        )
    return merged


def _missed(
    model: str,
    dataset: str,
    truth: Mapping[int, list[Box]],
    found: Mapping[int, NDArray[np.float32]],
) -> Iterator[Row]:
    """With the model's own confidence: what part of the persons it misses, and its false ones."""
    total = missed = false = 0
    for number, boxes_found in found.items():
        true_boxes = np.array([box.xyxy for box in truth.get(number, [])]).reshape(-1, 4)
        pairs = 0
        if len(true_boxes) and len(boxes_found):
            overlap = sv.box_iou_batch(true_boxes, boxes_found.astype(float))
            rows, columns = linear_sum_assignment(-overlap)
            pairs = int((overlap[rows, columns] >= _SAME_IOU).sum())
        total += len(true_boxes)
        missed += len(true_boxes) - pairs
        false += len(boxes_found) - pairs
    if total:
        yield _row(dataset, model, "persons_missed", missed / total, total)
        yield _row(dataset, model, "persons_false_per_frame", false / len(found), len(found))


def _row(dataset: str, model: str, metric: str, value: float, n: int) -> Row:
    return {
        "task": TASK,
        "dataset": dataset,
        "model": model,
        "metric": metric,
        "value": value,
        "n": n,
    }
