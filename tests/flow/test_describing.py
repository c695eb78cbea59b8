"""A descriptor as a stage: what it gets, and what it may answer."""

from collections.abc import Sequence

import numpy as np
import pytest
import supervision as sv

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.errors import StageError
from livelens.flow.describing import Describing, checked, crops_of
from livelens.types import Frame, Item

PIXELS = np.zeros((100, 200, 3), np.uint8)


class Wide:
    """Tells the width of a box, and how many were asked for at once."""

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        return [{"width": Reading(crop.size_px[0]), "batch": Reading(len(crops))} for crop in crops]

    def close(self) -> None:
        pass


def item(*boxes: tuple[float, float, float, float], seq: int = 0, pts_ns: int = 0) -> Item:
    found = sv.Detections(
        xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        tracker_id=np.arange(1, len(boxes) + 1),
        data={"class_name": np.array(["face"] * len(boxes))},
    )
    return Item(Frame.of(PIXELS, seq=seq, pts_ns=pts_ns), detections=found)


def test_all_objects_of_all_items_are_described_in_one_call() -> None:
    stage = Describing(DescriptorSpec(), Wide())
    one, none, two = stage.process(
        [item((0, 0, 10, 10)), item(), item((0, 0, 20, 9), (5, 5, 35, 50), pts_ns=7)]
    )
    assert one.attributes[1]["width"].value == 10
    assert none.attributes == {}
    assert [two.attributes[i]["width"].value for i in (1, 2)] == [20, 30]
    assert two.attributes[1]["batch"].value == 3
    assert two.attributes[1]["width"].pts_ns == 7


def test_boxes_are_clipped_and_those_outside_are_left_out() -> None:
    crops = crops_of(item((-50, -5, 20, 30), (300, 10, 320, 20), (190, 90, 400, 400)))
    assert [(crop.tracker_id, crop.box) for crop in crops] == [
        (1, (0.0, 0.0, 20.0, 30.0)),
        (3, (190.0, 90.0, 200.0, 100.0)),
    ]


def test_numbers_of_numpy_become_pythons() -> None:
    (told,) = checked([{"age": Reading(np.float32(3.5), np.float64(0.5))}], 1)  # type: ignore[arg-type]
    assert type(told["age"].value) is float
    assert type(told["age"].score) is float


def test_a_score_that_rounding_has_moved_is_put_right() -> None:
    (told,) = checked([{"mood": Reading("a", np.float32(1.0000001), {"a": 1.0000001})}], 1)  # type: ignore[arg-type]
    assert told["mood"].score == told["mood"].scores["a"] == 1.0


def test_points_become_lists() -> None:
    (told,) = checked([{"pose": Reading(np.zeros((2, 3)))}], 1)  # type: ignore[arg-type]
    assert told["pose"].value == [[0.0, 0.0, 0.0]] * 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "must return a list of 1"),
        ([], "list of 1 descriptions, not 0"),
        ([{}, {}], "not 2"),
        ([None], "empty if nothing can be told"),
        ([{"age": 5}], "age: expected a Reading, not int"),
        ([{3: Reading(1)}], "name is a word"),
        ([{"age": Reading(float("nan"))}], "age: expected a finite number"),
        ([{"age": Reading(1.0, float("inf"))}], "age: expected a finite number"),
        ([{"age": Reading({"a": 1})}], "age: a value is"),  # type: ignore[arg-type]
        ([{"age": Reading([[1.0], [1.0, 2.0]])}], "age: points are"),
        ([{"age": Reading(10**400)}], "age: a whole number is at most"),
        ([{"age": Reading("x" * 10_000)}], "age: a word of 10000 characters"),
        ([{"age": Reading("\ud800")}], "age: .* cannot be written"),
        ([{"age": Reading(np.zeros((5000, 3)))}], "age: points of 15000 numbers"),  # type: ignore[arg-type]
        ([{"age": Reading(1, -5.0)}], "age: a score is within 0 and 1, not -5"),
        ([{"age": Reading("a", scores={"a": 7.0})}], "age: a score is within 0 and 1, not 7"),
        ([{str(i): Reading(i) for i in range(200)}], "200 attributes of one object"),
    ],
)
def test_what_a_descriptor_may_not_answer(answer: object, said: str) -> None:
    with pytest.raises(StageError, match=said):
        checked(answer, 1)
