"""What the stage adds to items whose answer is known."""

import numpy as np
import pytest
import supervision as sv
from livelens import Frame, Item

from blank_stage import BlankStage


def street() -> Item:
    found = sv.Detections(
        xyxy=np.array([[0, 0, 9, 9], [9, 9, 19, 19], [5, 5, 15, 15]], np.float32),
        confidence=np.array([0.9, 0.8, 0.3], np.float32),
        class_id=np.array([0, 2, 2]),
        data={"class_name": np.array(["person", "car", "car"])},
    )
    return Item(Frame.of(np.zeros((24, 32, 3), np.uint8)), detections=found)


def test_objects_are_counted_by_class() -> None:
    worker = BlankStage(confidence=0.2).open()
    (item,) = worker.process([street()])
    worker.close()
    assert item.extra["blank_stage"] == {"person": 1, "car": 2}


def test_of_what_the_detector_is_unsure_does_not_count() -> None:
    (item,) = BlankStage().open().process([street()])
    assert item.extra["blank_stage"] == {"person": 1, "car": 1}


def test_settings_come_from_a_configuration() -> None:
    from livelens import plugins

    if "blank-stage" not in plugins.installed("stages"):
        pytest.skip("not installed: pip install -e .")
    spec = plugins.stage({"type": "blank-stage", "confidence": 0.7})
    assert spec == BlankStage(confidence=0.7)
