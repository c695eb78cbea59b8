"""YOLOX heads, as its own exporter writes them: boxes relative to a grid, scores in 0..1.

Output (N, A, 5 + C): centre offset x, y and log size w, h in strides, objectness, then a
score for each class. Strides 8, 16, 32 (and 64 for the P6 models).

Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021".
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from livelens.models.decoders.boxes import (
    Candidates,
    Tensor,
    Thresholds,
    best_class,
    check_classes,
    mismatch,
    suppress,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_WANTED = "one NxAx(5+C), A the cells of strides 8, 16, 32"


@cache
def _grid(count: int, width: int, height: int) -> tuple[Tensor, Tensor] | None:
    """Cells (A, 2) and strides (A, 1) px of a head with `count` anchors."""
    for strides in ((8, 16, 32), (8, 16, 32, 64)):
        cells, sizes = [], []
        for stride in strides:
            y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32)
            cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
            sizes.append(np.full((len(cells[-1]), 1), stride, np.float32))
        if sum(map(len, sizes)) == count:
            return np.concatenate(cells), np.concatenate(sizes)
    return None


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[2] < 6:
        raise mismatch("yolox", _WANTED, outputs)
    head = outputs[0]
    check_classes("yolox", head.shape[2] - 5, labels)
    detections = []
    for index, place in enumerate(placements):
        grid = _grid(head.shape[1], *place.input_px)
        if grid is None:
            raise mismatch("yolox", _WANTED, outputs)
        cells, strides = grid
        # The product is at most the objectness: most cells are out by that alone.
        likely = np.flatnonzero(head[index, :, 4] >= thresholds.confidence)
        part = head[index, likely]
        scores = part[:, 5:] * part[:, 4:5]
        if len(likely):
            rows, class_id = best_class(scores, thresholds)
        else:
            rows, class_id = likely, np.zeros(0, np.int64)
        stride = strides[likely[rows]]
        centre = (part[rows, :2] + cells[likely[rows]]) * stride
        half = np.exp(part[rows, 2:4]) * stride / 2
        found = Candidates(
            np.hstack([centre - half, centre + half]), scores[rows, class_id], class_id
        )
        detections.append(
            to_detections(suppress(found, thresholds), place, labels, thresholds.limit)
        )
    return detections
