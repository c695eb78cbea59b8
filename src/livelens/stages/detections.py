"""Choosing among detections and joining them."""

from typing import Any, TypeVar

import numpy as np
import supervision as sv
from numpy.typing import NDArray

# Classes that detectors take for one another, from frame to frame or at once. All other
# classes are never taken for the same object.
ALIKE = (
    ("car", "truck", "bus", "train", "van"),
    ("bicycle", "motorcycle"),
    ("cat", "dog"),
    ("horse", "cow", "sheep"),
)
_SAME_IOU = 0.7


def select(found: sv.Detections, places: NDArray[np.bool_] | NDArray[np.intp]) -> sv.Detections:
    """The detections at these places (a mask or indices)."""
    chosen = found[places]
    assert isinstance(chosen, sv.Detections)
    return chosen


def one_of_alike(found: sv.Detections) -> sv.Detections:
    """Without the weaker of two boxes of classes in `ALIKE` that lie on each other.

    A detector suppresses class by class: what it half takes for a car and half for a truck it
    finds twice.
    """
    names = found.data.get("class_name")
    if names is None or found.confidence is None or len(found) < 2:
        return found
    group = {name: number for number, alike in enumerate(ALIKE) for name in alike}
    numbers = np.array([group.get(str(name), -1) for name in names])
    keep = np.ones(len(found), dtype=bool)
    for number in set(numbers.tolist()) - {-1}:
        places = np.flatnonzero(numbers == number)
        if len(places) < 2:
            continue
        overlap = sv.box_iou_batch(found.xyxy[places], found.xyxy[places])
        best_first = np.argsort(-found.confidence[places], kind="stable")
        for rank, one in enumerate(best_first):
            if keep[places[one]]:
                weaker = best_first[rank + 1 :]
                keep[places[weaker[overlap[one, weaker] > _SAME_IOU]]] = False
    return found if keep.all() else select(found, keep)


def joined(first: sv.Detections | None, second: sv.Detections) -> sv.Detections:
    """The detections of two stages as one, the first ones first.

    A `data` array that only one of them has is filled up with "" or NaN, or with
    empty arrays where an entry is more than a number (keypoints).
    """
    if first is None or not len(first):
        return second
    if not len(second):
        return first
    counts = (len(first), len(second))
    data: dict[str, NDArray[np.generic] | list[Any]] = {
        key: _stacked(first.data.get(key), second.data.get(key), counts)
        for key in dict.fromkeys([*first.data, *second.data])
    }
    masks = [found.mask for found in (first, second) if found.mask is not None]
    return sv.Detections(
        xyxy=np.vstack([first.xyxy, second.xyxy]),
        mask=np.vstack(masks) if len(masks) == 2 else None,
        confidence=_filled(first.confidence, second.confidence, counts, 1.0),
        class_id=_filled(first.class_id, second.class_id, counts, 0),
        tracker_id=_filled(first.tracker_id, second.tracker_id, counts, -1),
        data=data,
    )


Number = TypeVar("Number", bound=np.generic)


def _filled(
    first: NDArray[Number] | None,
    second: NDArray[Number] | None,
    counts: tuple[int, int],
    missing: float,
) -> NDArray[Number] | None:
    known = first if first is not None else second
    if known is None:
        return None
    parts = [
        np.full(count, missing, dtype=known.dtype) if part is None else part
        for part, count in zip((first, second), counts, strict=True)
    ]
    return np.concatenate(parts)


def _stacked(first: object, second: object, counts: tuple[int, int]) -> NDArray[np.generic]:
    one = np.asarray(first) if first is not None else None
    two = np.asarray(second) if second is not None else None
    if one is not None and two is not None and one.shape[1:] == two.shape[1:]:
        return np.concatenate([one, two])
    known = one if one is not None else two
    if known is not None and known.ndim == 1 and (one is None or two is None):
        empty = "" if known.dtype.kind in "US" else np.nan
        parts = [
            np.full(count, empty) if part is None else part
            for part, count in zip((one, two), counts, strict=True)
        ]
        return np.concatenate(parts)
    rows: NDArray[np.object_] = np.empty(sum(counts), dtype=object)
    entries = [
        row
        for part, count in zip((one, two), counts, strict=True)
        for row in (part if part is not None else [()] * count)
    ]
    for index, row in enumerate(entries):
        rows[index] = row
    return rows
