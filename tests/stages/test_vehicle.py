import numpy as np
import pytest
import supervision as sv

from livelens import plugins
from livelens.errors import ConfigError
from livelens.flow.graph import check
from livelens.spec import PipelineSpec
from livelens.stages.vehicle import Vehicle, VehicleStage
from livelens.types import Attribute, Frame, Item, no_detections

IMAGE = np.zeros((480, 640, 3), np.uint8)
FRAME_NS = 40_000_000


def item(
    seq: int, box: tuple[float, float, float, float], name: str = "car", *, predicted: bool = False
) -> Item:
    left, top, right, bottom = box
    clipped = [max(left, 0), max(top, 0), min(right, 640), min(bottom, 480)]
    found = sv.Detections(
        xyxy=np.array([clipped], np.float32),
        confidence=np.array([0.8], np.float32),
        class_id=np.array([2]),
        tracker_id=np.array([7]),
        data={"class_name": np.array([name]), "predicted": np.array([predicted])},
    )
    return Item(Frame.of(IMAGE, seq=seq, pts_ns=seq * FRAME_NS), detections=found)


def described(stage: VehicleStage, given: Item) -> dict[str, Attribute]:
    (done,) = stage.process([given])
    return dict(done.attributes.get(7, {}))


def drive(
    right: float, down: float, *, start: tuple[float, float] = (300, 220), frames: int = 30
) -> dict[str, Attribute]:
    """What is told at the end of a drive, in pixels a second."""
    stage = Vehicle().open()
    for seq in range(frames):
        x, y = start[0] + right * seq / 25, start[1] + down * seq / 25
        told = described(stage, item(seq, (x, y, x + 60, y + 40)))
    return told


@pytest.mark.parametrize(
    ("right", "down", "heading", "word"),
    [
        (100, 0, 90, "right"),
        (-100, 0, 270, "left"),
        (0, -100, 0, "up"),
        (0, 100, 180, "down"),
        (70, -70, 45, "up-right"),
        (-70, 70, 225, "down-left"),
    ],
)
def test_heading_is_a_compass_on_the_picture(
    right: float, down: float, heading: float, word: str
) -> None:
    told = drive(right, down)
    assert told["heading"].value == pytest.approx(heading, abs=2)
    assert told["direction"].value == word
    assert told["speed"].value == pytest.approx(np.hypot(right, down), rel=0.05)
    assert told["type"].value == "car"
    assert told["speed"].score == pytest.approx(1.0, abs=0.05)


def test_what_stands_has_a_speed_and_no_direction() -> None:
    told = drive(0, 0)
    assert told["speed"].value == pytest.approx(0, abs=0.5)
    assert "direction" not in told
    assert "heading" not in told


def test_a_car_that_the_edge_cuts_is_as_fast_as_it_is() -> None:
    """It comes in from above: the middle of what is seen moves half as fast as the car."""
    told = drive(0, 100, start=(300, -90), frames=20)
    assert told["speed"].value == pytest.approx(100, rel=0.1)
    assert told["direction"].value == "down"


def test_speed_is_by_time_and_not_by_frames() -> None:
    stage = Vehicle().open()
    for seq in range(0, 40, 4):  # three of four were dropped
        told = described(stage, item(seq, (100 + 4 * seq, 100, 160 + 4 * seq, 140)))
    assert told["speed"].value == pytest.approx(100, rel=0.05)


def test_a_guessed_box_teaches_nothing_and_keeps_what_was_told() -> None:
    stage = Vehicle().open()
    assert described(stage, item(0, (0, 0, 60, 40), predicted=True)) == {}
    for seq in range(1, 20):
        told = described(stage, item(seq, (100 + 4 * seq, 100, 160 + 4 * seq, 140)))
    assert described(stage, item(20, (600, 100, 640, 140), predicted=True)) == told
    assert told["speed"].pts_ns == 19 * FRAME_NS


def test_other_classes_are_left_alone_unless_asked_for() -> None:
    assert described(Vehicle().open(), item(0, (100, 100, 160, 140), "person")) == {}
    asked = Vehicle(classes=("person",)).open()
    assert described(asked, item(0, (100, 100, 160, 140), "person"))["type"].value == "person"
    everything = Vehicle(classes=()).open()
    assert described(everything, item(0, (100, 100, 160, 140), "dog"))["type"].value == "dog"


def test_other_attributes_stay_and_gone_objects_are_forgotten() -> None:
    stage = Vehicle().open()
    given = item(0, (100, 100, 160, 140))
    colour = Attribute("red", 1.0, 0)
    (done,) = stage.process([given.with_(attributes={7: {"colour": colour}})])
    assert done.attributes[7]["colour"] is colour
    assert "type" in done.attributes[7]
    frame = Frame.of(IMAGE, seq=1, pts_ns=20 * 1_000_000_000)
    stage.process([Item(frame, detections=no_detections())])
    assert stage._seen == {}


def test_it_needs_tracks() -> None:
    detect = plugins.stage({"type": "detect"})
    vehicle = plugins.stage({"type": "vehicle"})
    source = plugins.source("pattern:")
    with pytest.raises(ConfigError, match="needs tracks"):
        check(PipelineSpec(source=source, stages=(detect, vehicle)))
    check(PipelineSpec(source=source, stages=(detect, plugins.stage("track"), vehicle)))
    with pytest.raises(ConfigError, match="workers must be 1"):
        plugins.stage({"type": "vehicle", "workers": 2})
