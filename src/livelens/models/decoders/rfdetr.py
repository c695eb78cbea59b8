"""DETR-style heads with sigmoid scores, RF-DETR's among them. Nothing to suppress.

Outputs boxes (N, Q, 4), centre x, y, width, height as fractions of the input, and class
logits (N, Q, C). The published RF-DETR weights have 91 classes, COCO's own ids, the first
of them unused: label set ``coco91``. A model trained on other classes usually has one
logit more than classes: give it an empty name.

Sources: Carion et al., "End-to-End Object Detection with Transformers", 2020; Zhu et al.,
"Deformable DETR", 2021, for choosing the best of all query-class pairs.
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
    strongest,
    to_detections,
)
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

_WANTED = "boxes NxQx4 and logits NxQxC"


def decode(
    outputs: Sequence[Tensor],
    placements: Sequence[Placement],
    labels: Sequence[str],
    thresholds: Thresholds,
) -> "list[sv.Detections]":
    """One `Detections` for each picture of the batch."""
    if len(outputs) < 2 or any(output.ndim != 3 for output in outputs[:2]):
        raise mismatch("rfdetr", _WANTED, outputs)
    boxes, logits = outputs[:2]
    if boxes.shape[2] != 4:
        boxes, logits = logits, boxes
    if boxes.shape[2] != 4 or boxes.shape[:2] != logits.shape[:2]:
        raise mismatch("rfdetr", _WANTED, outputs)
    check_classes("rfdetr", logits.shape[2], labels)
    # Compared as logits, so that only what is kept goes through the exponential.
    least = np.log(thresholds.confidence) - np.log1p(-min(thresholds.confidence, 1 - 1e-6))
    detections = []
    for index, place in enumerate(placements):
        query, class_id = np.nonzero(logits[index] >= least)
        confidence = 1 / (1 + np.exp(-logits[index, query, class_id]))
        size = np.array(place.input_px, np.float32)
        centre, half = boxes[index, query, :2] * size, boxes[index, query, 2:] * size / 2
        found = Candidates(
            np.hstack([centre - half, centre + half]),
            confidence.astype(np.float32),
            class_id.astype(np.int64),
        )
        detections.append(
            to_detections(strongest(found, thresholds.limit), place, labels, thresholds.limit)
        )
    return detections
