"""CenterNet heads: a heat map for each class and the sides of the box around every cell.

Outputs: heat (N, h, w, C) in 0..1 and sides (N, h, w, 4), left, top, right, bottom in input
pixels from the cell's corner. A cell is an object where its heat is the highest of the nine
cells around it.

Source: Zhou et al., "Objects as Points", 2019.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
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

_WANTED = "heat NxHxWxC and sides NxHxWx4"
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    heat = next((output for output in outputs if output.shape[-1:] == (len(labels),)), None)
    sides = next((output for output in outputs if output.shape[-1:] == (4,)), None)
    if heat is None or sides is None or heat.ndim != 4 or sides.shape[:3] != heat.shape[:3]:
        raise mismatch("centernet", f"{_WANTED}, C = {len(labels)} labels", outputs)
    detections = []
    for index, place in enumerate(placements):
        rows, columns = heat.shape[1:3]
        scores = _peaks(heat[index], thresholds).reshape(rows * columns, -1)
        cells, class_id = best_class(scores, thresholds)
        stride = np.array([place.input_px[0] / columns, place.input_px[1] / rows], np.float32)
        corner = np.stack([cells % columns, cells // columns], axis=1) * stride
        reach = sides[index].reshape(-1, 4)[cells]
        found = Candidates(
            np.hstack([corner - reach[:, :2], corner + reach[:, 2:]]).astype(np.float32),
            scores[cells, class_id],
            class_id,
        )
        detections.append(
            to_detections(suppress(found, thresholds), place, labels, thresholds.limit)
        )
    return detections


def _peaks(heat: Tensor, thresholds: Thresholds) -> Tensor:
    """The heat of cells that no neighbour exceeds, 0 elsewhere; only of classes asked for."""
    asked = range(heat.shape[2]) if thresholds.classes is None else thresholds.classes
    hottest = heat.max(axis=(0, 1))
    warm = np.array([i for i in asked if hottest[i] >= thresholds.confidence], np.intp)
    peaks = np.zeros_like(heat)
    if len(warm):
        some = np.ascontiguousarray(heat[..., warm])
        highest = cv2.dilate(some, _NEIGHBOURS).reshape(some.shape)
        peaks[..., warm] = np.where(highest == some, some, 0)
    return peaks
