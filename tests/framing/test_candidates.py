"""Who could be shown."""

import numpy as np
import pytest
import supervision as sv

from livelens.framing.candidates import Candidate, Candidates, Choice
from livelens.types import Attribute, Item

from .scenes import AREA, Found, item

FACE = Found(300, 290, 40, 50, "face", number=7)


def found(*given: Found, choice: Choice | None = None) -> list[Candidate]:
    return Candidates(choice or Choice()).of(item(given, 0.0), AREA)


def test_a_face_inside_its_person_counts_once() -> None:
    (only,) = found(Found(300, number=3), FACE)
    assert (only.kind, only.box, only.face) == ("person", Found(300).box, FACE.box)
    assert (only.tracker_id, only.face_id) == (3, 7)


def test_a_face_counts_more_than_a_person_from_behind() -> None:
    seen, behind = found(Found(300), FACE, Found(800))
    assert seen.weight > behind.weight


def test_each_of_two_who_overlap_has_their_own_face() -> None:
    left, right = found(
        Found(300), Found(360), Found(358, 285, 40, 50, "face"), Found(305, 285, 40, 50, "face")
    )
    assert left.face is not None
    assert left.face[0] == 285
    assert right.face is not None
    assert right.face[0] == 338


def test_a_face_of_nobody_stands_for_itself() -> None:
    far = Found(900, 100, 40, 50, "face")
    assert [each.kind for each in found(Found(300), far)] == ["person", "face"]


def test_knows_animals_and_balls_and_leaves_things_to_those_who_ask() -> None:
    kinds = found(
        Found(100, name="giraffe"), Found(300, name="sports ball"), Found(500, name="car")
    )
    assert [(each.kind, each.weight > 0) for each in kinds] == [
        ("animal", True),
        ("ball", True),
        ("other", False),
    ]


@pytest.mark.parametrize("key", ["animal", "dog"])
def test_weights_are_of_kinds_or_of_class_names(key: str) -> None:
    (dog,) = found(Found(100, name="dog"), choice=Choice(weights={key: 5.0}))
    assert dog.weight == 5.0


def test_what_has_the_weight_0_is_never_shown() -> None:
    assert found(Found(100), choice=Choice(weights={"person": 0.0})) == []


def test_a_face_without_weight_still_tells_where_the_head_is() -> None:
    (only,) = found(Found(300), FACE, choice=Choice(weights={"face": 0.0}))
    assert only.kind == "person"
    assert only.face == FACE.box


def test_classes_leave_out_all_others() -> None:
    given = (Found(100), Found(300, name="car"), Found(500, name="dog"))
    (car,) = found(*given, choice=Choice(classes=("car",)))
    assert car.weight > 0


def test_faces_alone_are_shown_where_persons_are_left_out() -> None:
    (face,) = found(Found(300), FACE, choice=Choice(classes=("face",)))
    assert face.kind == "face"


def test_identity_of_a_face_is_that_of_its_person() -> None:
    told = {7: {"identity": Attribute("Ada", 0.9, 0)}, 3: {"identity": Attribute("unknown", 1, 0)}}
    given = item((Found(300, number=3), FACE), 0.0, told)
    assert Candidates(Choice()).of(given, AREA)[0].identity == "Ada"


def test_only_what_can_be_seen_counts() -> None:
    beyond, huge = found(Found(10, 400, 100, 300), Found(640, 360, 1e9, 1e9))
    assert beyond.box[0] == 0.0
    assert beyond.box[2] == 60.0
    assert huge.box == (0.0, 0.0, 1280.0, 720.0)


@pytest.mark.parametrize(
    "corners",
    [
        (np.nan, 0, 10, 10),
        (0, 0, np.nan, 10),
        (10, 10, 10, 10),
        (50, 50, 10, 10),
        (-100, -100, -50, -50),
        (2000, 10, 2100, 50),
        (-np.inf, 0, np.inf, 10),
    ],
)
def test_what_is_no_place_in_the_picture_is_nothing(corners: tuple[float, ...]) -> None:
    boxes = sv.Detections(np.zeros((1, 4), np.float32))
    boxes.xyxy[0] = corners  # not checked any more
    assert Candidates(Choice()).of(Item(item((), 0).frame, boxes), AREA) == []


def test_what_nobody_named_may_be_anybody() -> None:
    bare = sv.Detections(np.array([(10, 10, 60, 160)], np.float32))
    (one,) = Candidates(Choice()).of(Item(item((), 0).frame, bare), AREA)
    assert (one.kind, one.tracker_id, one.score, one.predicted) == ("unnamed", -1, 1.0, False)
    assert one.weight > 0
