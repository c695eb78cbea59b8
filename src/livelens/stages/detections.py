"""Choosing among detections and joining them."""

from typing import Any, TypeVar

import numpy as np
import supervision as sv
from numpy.typing import NDArray


def select(found: sv.Detections, places: NDArray[np.bool_] | NDArray[np.intp]) -> sv.Detections:
    """The detections at these places (a mask or indices)."""
    chosen = found[places]
    assert isinstance(chosen, sv.Detections)
    return chosen


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
