"""What the detector finds on pictures whose answer is known."""

import numpy as np
import pytest
from livelens import Frame, Item

from blank_detector import BlankDetector


def picture() -> Item:
    pixels = np.full((240, 320, 3), 128, np.uint8)
    pixels[60:120, 100:200] = (0, 0, 255)
    return Item(Frame.of(pixels))


def test_a_red_patch_is_found_where_it_is() -> None:
    worker = BlankDetector().open()
    (item,) = worker.process([picture()])
    worker.close()
    assert item.detections is not None
    assert item.detections.xyxy.tolist() == [[100, 60, 200, 120]]
    assert list(item.detections.data["class_name"]) == ["blank_detector"]


def test_what_is_too_small_is_not_reported() -> None:
    (item,) = BlankDetector(min_size_px=61).open().process([picture()])
    assert item.detections is not None
    assert len(item.detections) == 0


def test_settings_come_from_a_configuration() -> None:
    from livelens import plugins

    if "blank-detector" not in plugins.installed("stages"):
        pytest.skip("not installed: pip install -e .")
    spec = plugins.stage({"type": "blank-detector", "saturation": 0.9})
    assert spec == BlankDetector(saturation=0.9)
