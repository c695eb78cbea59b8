"""What a stage answers is checked before anything else works with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from livelens.errors import StageError
from livelens.flow.contract import check_results
from livelens.types import Frame, Item, no_detections

PIXELS = np.zeros((4, 4, 3), np.uint8)
ITEMS = [Item(Frame.of(PIXELS.copy(), stream_id="a", seq=seq)) for seq in (3, 4)]


def test_changed_items_of_the_same_frames_pass() -> None:
    drawn = [replace(item.frame, picture=Frame.of(PIXELS.copy()).picture) for item in ITEMS]
    check_results(ITEMS, ITEMS)
    check_results(
        ITEMS,
        [
            item.with_(frame=frame, detections=no_detections(), extra={"count": 1})
            for item, frame in zip(ITEMS, drawn, strict=True)
        ],
    )


def of_another_stream(item: Item) -> Item:
    return item.with_(frame=replace(item.frame, stream_id="b"))


def of_another_time(item: Item) -> Item:
    return item.with_(frame=replace(item.frame, seq=item.frame.seq + 1))


def without_picture(item: Item) -> Item:
    wrong: Any = None
    return item.with_(frame=replace(item.frame, picture=wrong))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_another_stream, "one Item for each given one"),
        (of_another_time, "one Item for each given one"),
        (without_picture, "one Item for each given one"),
        (lambda item: item.with_(frame=None), "one Item for each given one"),
        (lambda item: item.frame, "one Item for each given one"),
        (lambda item: item.with_(detections=[1, 2]), "sv.Detections or None, not list"),
        (lambda item: item.with_(extra=5), "extra are a mapping, not int"),
        (lambda item: item.with_(attributes=[]), "attributes are a mapping, not list"),
    ],
)
def test_what_cannot_be_worked_with_is_refused(change: Callable[[Item], object], said: str) -> None:
    with pytest.raises(StageError, match=said):
        check_results(ITEMS, [change(item) for item in ITEMS])
