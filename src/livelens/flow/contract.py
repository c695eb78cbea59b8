"""What a stage may answer. Checked where it answers, so that the blame falls on the right one."""

from collections.abc import Mapping, Sequence

import supervision as sv

from livelens.errors import StageError
from livelens.picture import Picture
from livelens.types import Frame, Item


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


def _is_of(given: Frame, result: object) -> bool:
    """Whether a frame is the given one, perhaps with another picture."""
    if result is given:
        return True
    return (
        isinstance(result, Frame)
        and (result.stream_id, result.seq) == (given.stream_id, given.seq)
        and isinstance(result.picture, Picture)
    )
