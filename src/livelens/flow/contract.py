"""What a stage may answer. Checked where it answers, so that the blame falls on the right one."""

from collections.abc import Mapping, Sequence

import numpy as np
import supervision as sv

from livelens.errors import StageError
from livelens.picture import Picture
from livelens.types import Attribute, Frame, Item, Landmarks, Viewport


def check_results(items: Sequence[Item], results: object) -> None:
    """Refuse an answer that the rest of the pipeline could not work with.

    Args:
        items: what the stage was given.
        results: what `process` returned.

    Raises:
        StageError: says what was expected and what came.
    """
    if not isinstance(results, list) or len(results) != len(items):
        got = f"{len(results)} items" if isinstance(results, list) else type(results).__name__
        raise StageError(f"process() must return a list of {len(items)} items, not {got}")
    for item, result in zip(items, results, strict=True):
        if not isinstance(result, Item) or not _is_of(item.frame, result.frame):
            raise StageError("process() must return one Item for each given one, in order")
        if not isinstance(result.detections, sv.Detections | None):
            got = type(result.detections).__name__
            raise StageError(f"an item's detections are sv.Detections or None, not {got}")
        for name, value in (("attributes", result.attributes), ("extra", result.extra)):
            if not isinstance(value, Mapping):
                raise StageError(f"an item's {name} are a mapping, not {type(value).__name__}")
        # What a stage has left as it was has been looked at before.
        if result.detections is not item.detections:
            _check_detections(result.detections)
        if result.attributes is not item.attributes:
            _check_attributes(result.attributes)
        _check_rest(item, result)


def _check_detections(found: sv.Detections | None) -> None:
    if found is None:
        return
    count = len(found)
    columns = {"class_id": found.class_id, "tracker_id": found.tracker_id, **found.data}
    for name, values in {"confidence": found.confidence, **columns}.items():
        if values is not None and len(values) != count:
            raise StageError(f"detections have {count} boxes and {len(values)} of {name}")
    ids = found.tracker_id
    if count and ids is not None and np.asarray(ids).dtype.kind not in "iu":
        raise StageError(f"tracker_ids are integers, -1 for none, not {np.asarray(ids).dtype}")


def _check_attributes(attributes: Mapping[int, object]) -> None:
    for known in attributes.values():
        if not isinstance(known, Mapping):
            got = type(known).__name__
            raise StageError(f"an object's attributes are a mapping by name, not {got}")
        for name, attribute in known.items():
            if not isinstance(attribute, Attribute):
                got = type(attribute).__name__
                raise StageError(f"the attribute {name!r} is an Attribute, not {got}")


def _check_rest(item: Item, result: Item) -> None:
    if result.timings is not item.timings and not isinstance(result.timings, tuple):
        raise StageError(f"an item's timings are a tuple, not {type(result.timings).__name__}")
    if not isinstance(result.landmarks, tuple) or not all(
        isinstance(part, Landmarks) for part in result.landmarks
    ):
        raise StageError("an item's landmarks are a tuple of Landmarks")
    if result.viewports is not item.viewports and not (
        isinstance(result.viewports, Mapping)
        and all(isinstance(each, Viewport) for each in result.viewports.values())
    ):
        raise StageError("an item's viewports are Viewports by the name of their stage")
    mask: object = result.mask
    if mask is not None and not (isinstance(mask, np.ndarray) and mask.ndim == 2):
        raise StageError(f"an item's mask is (h, w) uint8 or None, not {type(mask).__name__}")


def _is_of(given: Frame, result: object) -> bool:
    """Whether a frame is the given one, perhaps with another picture."""
    if result is given:
        return True
    return (
        isinstance(result, Frame)
        and (result.stream_id, result.seq) == (given.stream_id, given.seq)
        and isinstance(result.picture, Picture)
    )
