"""Ultralytics-style heads: v8 and later, with or without suppression in the graph.

Raw: (N, 4 + C, A), centre x, y, width, height in input pixels, then class scores in 0..1.
End to end: (N, K, 6), x1, y1, x2, y2 in input pixels, score, class.
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

_WANTED = "one Nx(4+C)xA, or NxKx6"


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    if len(outputs) != 1 or outputs[0].ndim != 3:
        raise mismatch("ultralytics", _WANTED, outputs)
    head = outputs[0]
    if head.shape[2] == 6 and head.shape[1] != 4 + len(labels):
        return [_final(head[i], place, labels, thresholds) for i, place in enumerate(placements)]
    if head.shape[1] < 5:
        raise mismatch("ultralytics", _WANTED, outputs)
    check_classes("ultralytics", head.shape[1] - 4, labels)
    return [_raw(head[i].T, place, labels, thresholds) for i, place in enumerate(placements)]


def _raw(
    rows: Tensor, place: Placement, labels: Sequence[str], limits: Thresholds
) -> "sv.Detections":
    kept, class_id = best_class(rows[:, 4:], limits)
    centre, half = rows[kept, :2], rows[kept, 2:4] / 2
    found = Candidates(
        np.hstack([centre - half, centre + half]), rows[kept, 4 + class_id], class_id
    )
    return to_detections(suppress(found, limits), place, labels, limits.limit)


def _final(
    rows: Tensor, place: Placement, labels: Sequence[str], limits: Thresholds
) -> "sv.Detections":
    class_id = np.rint(rows[:, 5]).astype(np.int64)
    kept = np.flatnonzero((rows[:, 4] >= limits.confidence) & (class_id < len(labels)))
    found = Candidates(rows[kept, :4], rows[kept, 4], class_id[kept])
    return to_detections(strongest(found, limits.limit), place, labels, limits.limit)
