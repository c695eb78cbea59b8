"""What every decoder ends with: suppression, frame coordinates, names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.errors import ModelError
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv

Tensor = NDArray[np.float32]

# Bounds the time of suppression on a picture full of candidates.
_MOST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is kept.

    Attributes:
        confidence: least score, 0..1.
        iou: boxes of one class that overlap more are one object, 0..1.
        limit: most detections in a picture.
        classes: ids of the classes that compete for a box; None lets all of them.
    """

    confidence: float = 0.5
    iou: float = 0.5
    limit: int = 300
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes of one picture before suppression, in input pixels.

    Attributes:
        xyxy: (n, 4) float32.
        confidence: (n,) float32.
        class_id: (n,) int64.
        keypoints: (n, k, 2) float32, where the model gives them.
    """

    xyxy: Tensor
    confidence: Tensor
    class_id: NDArray[np.int64]
    keypoints: Tensor | None = None

    def take(self, index: NDArray[np.intp]) -> "Candidates":
        """The candidates at `index`, in that order."""
        points = None if self.keypoints is None else self.keypoints[index]
        return Candidates(self.xyxy[index], self.confidence[index], self.class_id[index], points)


def mismatch(decoder: str, wanted: str, outputs: Sequence[Tensor]) -> ModelError:
    """The error for outputs that a decoder cannot read."""
    shapes = ", ".join("x".join(map(str, output.shape)) for output in outputs)
    return ModelError(f"decoder {decoder} needs {wanted}; the model gives {shapes}")


def check_classes(decoder: str, count: int, labels: Sequence[str]) -> None:
    """Refuses a list of labels that does not fit the model.

    Raises:
        ModelError: the model scores another number of classes than there are labels.
    """
    if count != len(labels):
        raise ModelError(f"decoder {decoder}: the model has {count} classes, {len(labels)} labels")


def best_class(
    scores: Tensor, thresholds: Thresholds
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Rows of (anchors, classes) whose best score is high enough, and that class.

    Only the classes that are asked for compete: who watches a road wants the car, however
    much its roof from above may look like a telephone.
    """
    if thresholds.classes is None:
        rows = np.flatnonzero(scores.max(axis=1) >= thresholds.confidence)
        return rows, scores[rows].argmax(axis=1).astype(np.int64)
    chosen = np.array(thresholds.classes, np.int64)
    asked = scores[:, chosen]
    rows = np.flatnonzero(asked.max(axis=1, initial=-1) >= thresholds.confidence)
    if not len(rows):
        return rows, np.zeros(0, np.int64)
    return rows, chosen[asked[rows].argmax(axis=1)]


def suppress(found: Candidates, thresholds: Thresholds) -> Candidates:
    """Non-maximum suppression class by class, best first."""
    if len(found.confidence) > _MOST_CANDIDATES:
        best = np.argpartition(found.confidence, -_MOST_CANDIDATES)[-_MOST_CANDIDATES:]
        found = found.take(best)
    if len(found.confidence) == 0:
        return found
    corner, far = found.xyxy[:, :2], found.xyxy[:, 2:]
    kept = cv2.dnn.NMSBoxesBatched(
        np.hstack([corner, far - corner]).astype(np.float64).tolist(),
        found.confidence.tolist(),
        found.class_id.tolist(),
        thresholds.confidence,
        thresholds.iou,
    )
    index = np.asarray(kept, np.intp).reshape(-1)
    order = np.argsort(-found.confidence[index], kind="stable")
    return found.take(index[order])


def strongest(found: Candidates, limit: int) -> Candidates:
    """The `limit` best, best first: for models that suppress by themselves."""
    return found.take(np.argsort(-found.confidence, kind="stable")[:limit])


def to_detections(
    found: Candidates, place: Placement, labels: Sequence[str], limit: int
) -> "sv.Detections":
    """Detections in frame pixels, clipped to the frame, with class names.

    Classes with an empty name and boxes wholly outside the frame are left out.
    """
    import supervision as sv

    names = np.asarray(labels, dtype=np.str_)
    offset = np.array([place.left_px, place.top_px], np.float32)
    scale = np.array([place.scale_x, place.scale_y], np.float32)
    corners = (found.xyxy.reshape(-1, 2, 2) - offset) * scale
    np.clip(corners, 0, np.array(place.frame_px, np.float32), out=corners)
    inside = (corners[:, 1] > corners[:, 0]).all(axis=1)
    index = np.flatnonzero(inside & (names[found.class_id] != ""))[:limit]
    data: dict[str, NDArray[np.generic] | list[object]] = {
        "class_name": names[found.class_id[index]]
    }
    if found.keypoints is not None:
        data["keypoints"] = ((found.keypoints[index] - offset) * scale).astype(np.float32)
    return sv.Detections(
        xyxy=corners[index].reshape(-1, 4).astype(np.float32),
        confidence=found.confidence[index].astype(np.float32),
        class_id=found.class_id[index].astype(np.int_),
        data=data,
    )
