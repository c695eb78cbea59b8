"""Which objects are described when, and what is told of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import supervision as sv

from livelens.clock import nanoseconds
from livelens.descriptor import DescriptorSpec
from livelens.flow.memory import Memory
from livelens.types import Attribute, Frame, Item

PIXELS = np.zeros((200, 200, 3), np.uint8)


class Shape(DescriptorSpec, frozen=True, kw_only=True):
    describes = ("face",)


def item(
    seq: int,
    boxes: dict[int, tuple[float, float, float, float]],
    *,
    fps: float = 10,
    **data: list[Any],
) -> Item:
    found = sv.Detections(
        xyxy=np.array(list(boxes.values()), np.float32).reshape(-1, 4),
        confidence=np.ones(len(boxes), np.float32),
        tracker_id=np.array(list(boxes), int),
        data={"class_name": np.array(["face"] * len(boxes)), **data},
    )
    return Item(Frame.of(PIXELS, seq=seq, pts_ns=nanoseconds(seq / fps)), detections=found)


def answer(asked: Item, **values: str | float) -> Item:
    """The item as the descriptor gives it back, all objects with these values."""
    assert asked.detections is not None
    assert asked.detections.tracker_id is not None
    read = {n: Attribute(v, 1.0, asked.frame.pts_ns) for n, v in values.items()}
    return asked.with_(attributes={int(i): read for i in asked.detections.tracker_id})


NEAR = (50.0, 50.0, 150.0, 150.0)
FAR = (10.0, 10.0, 40.0, 40.0)


def described(memory: Memory, seconds: float, fps: float = 10) -> list[int]:
    """Frames on which the object was asked for, each answered before the next frame."""
    asked = []
    for seq in range(round(seconds * fps)):
        each = item(seq, {1: NEAR}, fps=fps)
        if len(memory.due(each)):
            asked.append(seq)
            memory.learn(answer(each, age=30.0))
    return asked


def test_a_known_object_is_described_at_its_refresh_rate_not_on_every_frame() -> None:
    asked = described(Memory(Shape(refresh_s=1.0)), 10)
    assert asked[0] == 0
    assert 11 <= len(asked) <= 14, "three at first, then one a second"


def test_the_rate_goes_by_time_not_by_frames() -> None:
    slow, fast = (len(described(Memory(Shape()), 10, fps)) for fps in (8, 60))
    assert abs(slow - fast) <= 2


def test_zero_describes_every_frame() -> None:
    assert len(described(Memory(Shape(refresh_s=0)), 2)) == 20


def test_an_object_is_not_asked_for_twice_at_once_and_again_when_the_answer_is_lost() -> None:
    memory = Memory(Shape())
    first = item(0, {1: NEAR})
    assert memory.due(first).tolist() == [0]
    assert memory.due(item(1, {1: NEAR})).tolist() == []
    memory.lost(first)
    assert memory.due(item(2, {1: NEAR})).tolist() == [0]


def test_the_new_come_first_then_the_larger_and_no_more_than_allowed() -> None:
    memory = Memory(Shape(max_objects=1, refresh_s=0))
    first = item(0, {1: FAR, 2: NEAR})
    assert memory.due(first).tolist() == [1]
    memory.learn(answer(first, age=1.0))
    assert memory.due(item(1, {1: FAR, 2: NEAR})).tolist() == [0], "2 is known already"


@pytest.mark.parametrize(
    "unwanted",
    [
        item(0, {-1: NEAR}),
        item(0, {1: (0.0, 0.0, 100.0, 10.0)}),
        item(0, {1: NEAR}, class_name=["cat"]),
        item(0, {1: NEAR}, predicted=[True]),
        item(0, {}),
        Item(Frame.of(PIXELS)),
    ],
    ids=["no track", "too small", "another class", "a guess", "nothing", "no detector"],
)
def test_what_is_not_described(unwanted: Item) -> None:
    assert memory_of(unwanted).tolist() == []


def memory_of(one: Item) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return Memory(Shape()).due(one)


def test_a_much_better_view_need_not_wait() -> None:
    memory = Memory(Shape(refresh_s=10))
    for seq in range(0, 90, 30):  # known, from afar
        far = item(seq, {1: FAR})
        assert len(memory.due(far)) == 1
        memory.learn(answer(far, age=1.0))
    assert len(memory.due(item(100, {1: FAR}))) == 0
    assert len(memory.due(item(101, {1: NEAR}))) == 1


def test_what_is_told_is_smoothed_over_the_window_and_dated() -> None:
    memory = Memory(Shape(refresh_s=0, window_s=0.15))
    for seq, age in enumerate([90.0, 20.0, 40.0]):
        each = item(seq, {1: NEAR})
        memory.due(each)
        memory.learn(answer(each, age=age))
    (told,) = memory.attributes(item(9, {1: NEAR})).values()
    assert told["age"].value == pytest.approx(30)
    assert told["age"].pts_ns == nanoseconds(0.2), "of the frame it was measured on"


def test_others_attributes_stay() -> None:
    memory = Memory(Shape())
    each = item(0, {1: NEAR})
    memory.due(each)
    memory.learn(answer(each, age=5.0))
    known: Mapping[int, Mapping[str, Attribute]] = {1: {"name": Attribute("Ada", 1, 0)}}
    told = memory.attributes(item(1, {1: NEAR}).with_(attributes=known))
    assert {name: a.value for name, a in told[1].items()} == {"name": "Ada", "age": 5.0}


def test_a_track_that_is_gone_is_forgotten() -> None:
    memory = Memory(Shape())
    each = item(0, {1: NEAR})
    memory.due(each)
    memory.learn(answer(each, age=5.0))
    memory.due(item(1, {2: NEAR}))
    assert 1 in memory.attributes(item(2, {1: NEAR}))
    memory.due(item(100, {2: NEAR}))
    assert memory.attributes(item(101, {1: NEAR})) == {}


def test_an_answer_from_before_the_numbers_changed_is_not_given_to_another() -> None:
    memory = Memory(Shape())
    each = item(0, {1: NEAR})
    memory.due(each)
    memory.clear()
    memory.due(item(1, {1: FAR}))
    memory.learn(answer(each, age=5.0))
    assert memory.attributes(item(2, {1: FAR})) == {}


def test_what_follows_from_the_smoothed_values_is_told_too() -> None:
    class Concluding(Shape, frozen=True, kw_only=True):
        def concluded(self, attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
            age = attributes["age"]
            assert isinstance(age.value, float)
            return {**attributes, "old": Attribute(age.value > 50, age.score, age.pts_ns)}

    memory = Memory(Concluding())
    each = item(0, {1: NEAR})
    memory.due(each)
    memory.learn(answer(each, age=80.0))
    assert memory.attributes(item(1, {1: NEAR}))[1]["old"].value is True


def test_of_ever_new_names_the_latest_are_kept() -> None:
    memory = Memory(Shape(refresh_s=0))
    for seq in range(300):
        asked = item(seq, {1: NEAR})
        assert len(memory.due(asked))
        memory.learn(answer(asked, age=30.0, **{f"n{seq}": 1.0}))
    told = memory.attributes(item(300, {1: NEAR}))[1]
    assert len(told) == 100
    assert {"age", "n299", "n201"} < set(told)
