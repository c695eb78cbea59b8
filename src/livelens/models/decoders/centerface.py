"""CenterFace: a heat map of face centres with size, offset and five landmarks.

Outputs at a quarter of the input: heat (N, 1, h, w) in 0..1, log size (N, 2, h, w) and
offset (N, 2, h, w), each y before x, and landmarks (N, 10, h, w), five pairs y, x as
fractions of the box.

Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from livelens.models.decoders.boxes import (
    Candidates,
    Tensor,
    Thresholds,
    check_classes,
    mismatch,
    suppress,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_STRIDE = 4
_WANTED = "heat Nx1xhxw, size Nx2xhxw, offset Nx2xhxw, landmarks Nx10xhxw"


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` with ``data["keypoints"]`` (n, 5, 2) px for each picture."""
    if [output.shape[1:2] for output in outputs] != [(1,), (2,), (2,), (10,)]:
        raise mismatch("centerface", _WANTED, outputs)
    if any(output.shape[2:] != outputs[0].shape[2:] for output in outputs):
        raise mismatch("centerface", _WANTED, outputs)
    check_classes("centerface", 1, labels)
    detections = []
    for index, place in enumerate(placements):
        heat, size, offset, marks = (output[index] for output in outputs)
        row, column = np.nonzero(heat[0] >= thresholds.confidence)
        cell = np.stack([column, row], axis=1).astype(np.float32)
        side = np.exp(size[::-1, row, column].T) * _STRIDE
        centre = (cell + offset[::-1, row, column].T + 0.5) * _STRIDE
        near = centre - side / 2
        points = marks[:, row, column].T.reshape(-1, 5, 2)[..., ::-1]
        found = Candidates(
            xyxy=np.hstack([near, near + side]),
            confidence=heat[0, row, column],
            class_id=np.zeros(len(row), np.int64),
            keypoints=near[:, None] + points * side[:, None],
        )
        detections.append(
            to_detections(suppress(found, thresholds), place, labels, thresholds.limit)
        )
    return detections
