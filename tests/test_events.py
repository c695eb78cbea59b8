"""The JSON Schema of the messages is checked by a validator that is not ours."""

import json
from typing import Any

import jsonschema
import numpy as np
import pytest
import supervision as sv

from livelens.clock import now_ns
from livelens.events import (
    Message,
    Problem,
    Result,
    State,
    decoded,
    encoded,
    for_drawing,
    json_schema,
    result_of,
)
from livelens.types import Attribute, Frame, Item, Landmarks, Timing


def item() -> Item:
    """A street with two people, one of them tracked and described."""
    captured_ns = now_ns() - 40_000_000
    frame = Frame(
        stream_id="street",
        seq=17,
        pts_ns=2_000_000_000,
        captured_ns=captured_ns,
        picture=Frame.of(np.zeros((120, 160, 3), np.uint8)).picture,
        ntp_ns=1_700_000_000_000_000_000,
    )
    found = sv.Detections(
        xyxy=np.array([[10.04, 20, 40, 90], [60, 20, 90, 90]], dtype=np.float32),
        confidence=np.array([0.91, 0.5], dtype=np.float32),
        class_id=np.array([0, 0]),
        tracker_id=np.array([4, -1]),
        data={
            "class_name": np.array(["person", "person"]),
            "keypoints": np.ones((2, 5, 2), dtype=np.float32),
        },
    )
    return Item(
        frame,
        detections=found,
        attributes={4: {"age": Attribute(31.5, 0.8, 1_900_000_000)}},
        timings=(Timing("detect", captured_ns + 1_000_000, captured_ns + 21_000_000),),
    )


MESSAGES: dict[str, Message] = {
    "result": result_of(item(), {"detect/late": 3}),
    "empty result": result_of(Item(Frame.of(np.zeros((4, 4, 3), np.uint8))), {}),
    "problem": Problem("street", "stages.detect", "the model failed", 1),
    "state": State("street", "running", 1),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_is_what_the_schema_says(name: str) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(encoded(MESSAGES[name])))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", "seventeen"),
        ("size_px", [160]),
        ("objects", [{"box": [1, 2, 3], "class_name": "", "class_id": 0, "confidence": 1}]),
        ("type", "outcome"),
        ("stages", [{"stage": "detect"}]),
    ],
)
def test_the_schema_refuses_what_is_no_message(field: str, value: object) -> None:
    data: dict[str, Any] = json.loads(encoded(MESSAGES["result"]))
    data[field] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema()).validate(data)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_survives_the_wire(name: str) -> None:
    line = encoded(MESSAGES[name])
    assert b"\n" not in line
    assert decoded(line) == MESSAGES[name]


def test_a_result_tells_all_that_is_known() -> None:
    result = MESSAGES["result"]
    assert isinstance(result, Result)
    assert (result.stream, result.seq, result.size_px) == ("street", 17, (160, 120))
    assert result.rtp_timestamp == 2 * 90_000
    assert result.latency_ns == 21_000_000
    assert [(t.stage, t.began_ns, t.took_ns) for t in result.stages] == [
        ("detect", 1_000_000, 20_000_000)
    ]
    assert result.dropped == {"detect/late": 3}
    assert result.ntp_ns == 1_700_000_000_000_000_000
    tracked, untracked = result.objects
    assert tracked.box == (10.0, 20.0, 40.0, 90.0)
    assert (tracked.tracker_id, untracked.tracker_id) == (4, None)
    assert tracked.attributes["age"].value == 31.5
    assert untracked.attributes == {}
    assert len(tracked.keypoints) == 5


def test_numpys_numbers_among_the_extras_are_told() -> None:
    extra = {"mean": np.float32(1.5), "map": np.arange(3), "pair": [np.int64(1), np.bool_(True)]}
    told = json.loads(encoded(result_of(item().with_(extra=extra), {})))
    assert told["extra"] == {"mean": 1.5, "map": [0, 1, 2], "pair": [1, True]}


@pytest.mark.parametrize("odd", [object(), "half a \ud800", {1.5j: 2}])
def test_what_json_cannot_tell_becomes_a_problem(odd: object) -> None:
    told = decoded(encoded(result_of(item().with_(extra={"odd": odd}), {})))
    assert isinstance(told, Problem)
    assert (told.stream, told.where) == ("street", "result")
    assert told.message.startswith("frame 17 cannot be told: ")


def test_attributes_landmarks_and_masks_are_told() -> None:
    face = Landmarks("face", np.array([[80, 60, -16]], np.float32), 0.9, person=1)
    mask = np.zeros((3, 2), np.uint8)
    mask[1:, 0] = 255
    known = {4: {"emotion": Attribute("sad", 0.61, 5, {"sad": 0.61, "happy": 0.39})}}
    full = result_of(item().with_(landmarks=(face,), mask=mask, attributes=known), {})
    told = json.loads(encoded(full))
    jsonschema.validate(told, json_schema())
    assert told["objects"][0]["attributes"]["emotion"]["scores"] == {"sad": 0.61, "happy": 0.39}
    (points,) = told["landmarks"]
    assert points["points"] == [[80.0, 60.0, -16.0]]
    assert points["normalised"] == [[0.5, 0.5, -0.1]]
    assert told["mask"] == {"size": [3, 2], "counts": [1, 2, 3]}


@pytest.mark.parametrize("filled", [0, 255])
def test_runs_of_a_mask_begin_with_what_is_outside(filled: int) -> None:
    mask = np.full((2, 2), filled, np.uint8)
    told = result_of(item().with_(mask=mask), {}).mask
    assert told is not None
    assert told.counts == ([0, 4] if filled else [4])


def test_what_is_only_drawn_is_told_in_short() -> None:
    face = Landmarks(
        "face", np.zeros((478, 3), np.float32), 0.9, world=np.zeros((478, 3), np.float32)
    )
    full = result_of(item().with_(landmarks=(face,)), {})
    lean = for_drawing(full)
    assert isinstance(lean, Result)
    assert len(encoded(lean)) < len(encoded(full)) / 2
    assert lean.landmarks[0].points == full.landmarks[0].points
    assert for_drawing(MESSAGES["state"]) is MESSAGES["state"]


def test_a_box_that_the_tracker_carried_is_marked() -> None:
    found = item().detections
    assert found is not None
    found.data["predicted"] = np.array([True, False])
    told = result_of(item().with_(detections=found), {})
    assert [each.predicted for each in told.objects] == [True, False]
