"""NanoDet heads: class scores and box sides as distributions over distances.

Outputs, per level, scores (N, A_i, C) in 0..1 and sides (N, A_i, 4 * B); or one tensor
(N, A, C + 4 * B) with all levels. A side (left, top, right, bottom) is the mean of the
softmax over its B bins, in strides from the anchor's centre.

Sources: Li et al., "Generalized Focal Loss", 2020, for the distributions; the anchors of
NanoDet (strides 8 to 32, centres in the middle of a cell) and of NanoDet-Plus (strides 8
to 64, centres at its corner).
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
    mismatch,
    suppress,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_WANTED = "scores NxAxC and sides NxAx4B of each level, or one NxAx(C+4B)"
_LEAST_BINS = 2


@cache
def _anchors(count: int, width: int, height: int) -> tuple[Tensor, Tensor] | None:
    """Centres (A, 2) px and strides (A, 1) px of a head with `count` anchors."""
    for strides, middle in (((8, 16, 32), 0.5), ((8, 16, 32, 64), 0.0)):
        centres, sizes = [], []
        for stride in strides:
            rows, columns = -(-height // stride), -(-width // stride)
            y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
            centres.append((np.stack([x, y], axis=-1).reshape(-1, 2) + middle) * stride)
            sizes.append(np.full((rows * columns, 1), stride, np.float32))
        if sum(map(len, sizes)) == count:
            return np.concatenate(centres).astype(np.float32), np.concatenate(sizes)
    return None


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    scores, sides = _heads(outputs, len(labels))
    detections = []
    for index, place in enumerate(placements):
        anchors = _anchors(scores.shape[1], *place.input_px)
        if anchors is None:
            raise mismatch("nanodet", _WANTED, outputs)
        centres, strides = anchors
        rows, class_id = best_class(scores[index], thresholds)
        reach = _distances(sides[index, rows]) * strides[rows]
        near, far = centres[rows] - reach[:, :2], centres[rows] + reach[:, 2:]
        confidence = scores[index, rows, class_id]
        found = Candidates(np.hstack([near, far]), confidence, class_id)
        detections.append(
            to_detections(suppress(found, thresholds), place, labels, thresholds.limit)
        )
    return detections


def _heads(outputs: Sequence[Tensor], classes: int) -> tuple[Tensor, Tensor]:
    """Scores (N, A, C) and sides (N, A, 4B), levels joined from fine to coarse."""
    if any(output.ndim != 3 for output in outputs) or not outputs:
        raise mismatch("nanodet", _WANTED, outputs)
    if len(outputs) == 1:
        bins = outputs[0].shape[2] - classes
        if bins < 4 * _LEAST_BINS or bins % 4:
            raise mismatch("nanodet", f"{_WANTED}, C = {classes} labels", outputs)
        return outputs[0][..., :classes], outputs[0][..., classes:]
    fine_first = sorted(outputs, key=lambda output: -output.shape[1])
    scores = [output for output in fine_first if output.shape[2] == classes]
    sides = [output for output in fine_first if output.shape[2] != classes]
    widths = {output.shape[2] for output in sides}
    if len(scores) != len(sides) or len(widths) != 1 or widths.pop() % 4:
        raise mismatch("nanodet", f"{_WANTED}, C = {classes} labels", outputs)
    return np.concatenate(scores, axis=1), np.concatenate(sides, axis=1)


def _distances(sides: Tensor) -> Tensor:
    bins = sides.reshape(len(sides), 4, sides.shape[1] // 4)
    weight = np.exp(bins - bins.max(axis=2, keepdims=True))
    weight /= weight.sum(axis=2, keepdims=True)
    mean: Tensor = weight @ np.arange(bins.shape[2], dtype=np.float32)
    return mean
