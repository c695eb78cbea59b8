"""SSD heads: raw scores and boxes, or detections with suppression inside the graph.

Raw: scores (N, A, C) in 0..1 and boxes (N, A, 4). Suppressed, as the TensorFlow object
detection API exports it: boxes (N, K, 4), classes (N, K) from 1, scores (N, K), count (N,).
Boxes are ymin, xmin, ymax, xmax as fractions of the input.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from livelens.models.decoders.boxes import (
    Candidates,
    Tensor,
    Thresholds,
    best_class,
    check_classes,
    mismatch,
    strongest,
    suppress,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_WANTED = "scores NxAxC and boxes NxAx4, or boxes NxKx4, classes NxK, scores NxK, count N"


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    cubes = [output for output in outputs if output.ndim == 3]
    flats = [output for output in outputs if output.ndim == 2 and output.shape[1] > 1]
    boxes = next((cube for cube in reversed(cubes) if cube.shape[2] == 4), None)
    if boxes is None or len(cubes) + len(flats) < 2:
        raise mismatch("ssd", _WANTED, outputs)
    if len(cubes) == 2:
        scores = cubes[0] if cubes[1] is boxes else cubes[1]
        if scores.shape[:2] != boxes.shape[:2]:
            raise mismatch("ssd", _WANTED, outputs)
        check_classes("ssd", scores.shape[2], labels)
        return [
            _raw(scores[i], boxes[i], place, labels, thresholds)
            for i, place in enumerate(placements)
        ]
    if len(flats) != 2 or any(flat.shape != boxes.shape[:2] for flat in flats):
        raise mismatch("ssd", _WANTED, outputs)
    classes, scores = flats
    return [
        _suppressed(boxes[i], classes[i], scores[i], place, labels, thresholds)
        for i, place in enumerate(placements)
    ]


def _corners(boxes: Tensor, place: Placement) -> Tensor:
    width, height = place.input_px
    return boxes[:, [1, 0, 3, 2]] * np.array([width, height, width, height], np.float32)


def _raw(
    scores: Tensor, boxes: Tensor, place: Placement, labels: Sequence[str], limits: Thresholds
) -> "sv.Detections":
    rows, class_id = best_class(scores, limits)
    found = Candidates(_corners(boxes[rows], place), scores[rows, class_id], class_id)
    return to_detections(suppress(found, limits), place, labels, limits.limit)


def _suppressed(
    boxes: Tensor,
    classes: Tensor,
    scores: Tensor,
    place: Placement,
    labels: Sequence[str],
    limits: Thresholds,
) -> "sv.Detections":
    class_id = np.rint(classes).astype(np.int64) - 1
    rows = np.flatnonzero(
        (scores >= limits.confidence) & (class_id >= 0) & (class_id < len(labels))
    )
    found = Candidates(_corners(boxes[rows], place), scores[rows], class_id[rows])
    return to_detections(strongest(found, limits.limit), place, labels, limits.limit)
