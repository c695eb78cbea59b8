"""BlazeFace, and its kin for palms and bodies: boxes and keypoints as offsets from anchors.

Outputs boxes (N, A, 4 + 2k) and score logits (N, A, 1). A row holds centre x, y, width,
height, then k keypoints x, y, all in input pixels relative to the anchor's centre.
Anchors all have size 1, so that only their centres matter; A tells the grid.

Source: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile
GPUs", 2019, with the anchor layouts of the MediaPipe models; overlapping boxes are
blended by score, as the paper does, since that steadies the box from frame to frame.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from livelens.models.decoders.boxes import (
    Candidates,
    Tensor,
    Thresholds,
    check_classes,
    mismatch,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_WANTED = "boxes NxAx(4+2k) and scores NxAx1 with the anchors of a BlazeFace model"

# Anchors by their number and the input size: (stride, anchors in a cell) of each level.
_LAYOUTS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((4, 1),),  # full range, 192
    ((8, 2), (16, 6)),  # short range, 128
    ((16, 2), (32, 6)),  # back camera, 256
    ((8, 2), (16, 6)),  # palms, 192
    ((8, 2), (16, 2), (32, 6)),  # bodies, 224
)


@cache
def _anchors(count: int, width: int, height: int) -> Tensor | None:
    for layout in _LAYOUTS:
        levels = []
        for stride, repeat in layout:
            y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32)
            centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
            levels.append(np.repeat(centres, repeat, axis=0))
        anchors = np.concatenate(levels).astype(np.float32)
        if len(anchors) == count:
            return anchors
    return None


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` with ``data["keypoints"]`` (n, k, 2) px for each picture."""
    scores = next((o for o in outputs if o.ndim == 3 and o.shape[2] == 1), None)
    boxes = next((o for o in outputs if o.ndim == 3 and o.shape[2] >= 4), None)
    if scores is None or boxes is None or scores.shape[1] != boxes.shape[1] or boxes.shape[2] % 2:
        raise mismatch("blazeface", _WANTED, outputs)
    check_classes("blazeface", 1, labels)
    anchors = _anchors(boxes.shape[1], *placements[0].input_px) if placements else None
    if placements and anchors is None:
        raise mismatch("blazeface", _WANTED, outputs)
    detections = []
    for index, place in enumerate(placements):
        # 1 / (1 + e^-x) of a clipped x: float32 overflows past 88.
        confidence: Tensor = np.float32(1) / (
            np.float32(1) + np.exp(-np.clip(scores[index, :, 0], -80, 80))
        )
        rows = np.flatnonzero(confidence >= thresholds.confidence)
        found = _points(boxes[index, rows], confidence[rows], anchors, rows)
        found = _blend(found, thresholds.iou)
        detections.append(to_detections(found, place, labels, thresholds.limit))
    return detections


def _points(
    raw: Tensor,
    confidence: Tensor,
    anchors: Tensor | None,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> Candidates:
    assert anchors is not None
    pairs = raw.reshape(len(raw), raw.shape[1] // 2, 2).copy()
    origin = anchors[rows]
    centre, half = pairs[:, 0] + origin, pairs[:, 1] / 2
    return Candidates(
        xyxy=np.hstack([centre - half, centre + half]).astype(np.float32),
        confidence=confidence.astype(np.float32),
        class_id=np.zeros(len(raw), np.int64),
        keypoints=pairs[:, 2:] + origin[:, None],
    )


def _blend(found: Candidates, iou: float) -> Candidates:
    """Merges each group of overlapping boxes into their mean, weighted by score."""
    order = np.argsort(-found.confidence, kind="stable")
    left = found.take(order)
    boxes, points, scores = [], [], []
    while len(left.confidence):
        overlap = _iou(left.xyxy[0], left.xyxy)
        # A box of no area overlaps nothing, not even itself; it still has to go.
        same = (overlap > iou) | (np.arange(len(overlap)) == 0)
        weight = left.confidence[same] / left.confidence[same].sum()
        assert left.keypoints is not None
        boxes.append(weight @ left.xyxy[same])
        points.append(np.einsum("n,nkc->kc", weight, left.keypoints[same]))
        scores.append(left.confidence[0])
        left = left.take(np.flatnonzero(~same))
    if not boxes:
        return found
    return Candidates(
        np.asarray(boxes, np.float32),
        np.asarray(scores, np.float32),
        np.zeros(len(boxes), np.int64),
        np.asarray(points, np.float32),
    )


def _iou(box: Tensor, others: Tensor) -> Tensor:
    near = np.maximum(box[:2], others[:, :2])
    far = np.minimum(box[2:], others[:, 2:])
    shared = np.clip(far - near, 0, None).prod(axis=1)
    area = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    overlap: Tensor = shared / np.maximum(area, np.float32(1e-9))
    return overlap
