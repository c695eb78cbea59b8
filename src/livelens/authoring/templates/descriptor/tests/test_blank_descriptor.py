"""What the descriptor tells of pictures whose answer is known."""

import numpy as np
import pytest
from livelens import Crop, Frame

from blank_descriptor import BlankDescriptor


def crop(brightness: int) -> Crop:
    picture = np.full((120, 160, 3), brightness, np.uint8)
    return Crop(Frame.of(picture), (20.0, 10.0, 80.0, 110.0), "person")


def test_light_and_dark_are_told_apart_in_order() -> None:
    worker = BlankDescriptor().open()
    dark, light = worker.describe([crop(20), crop(230)])
    worker.close()
    assert dark["blank_descriptor"].value == "dark"
    assert light["blank_descriptor"].value == "light"


def test_near_the_threshold_it_is_unsure() -> None:
    (told,) = BlankDescriptor(threshold=0.5).open().describe([crop(128)])
    assert told["blank_descriptor"].score < 0.1


def test_settings_come_from_a_configuration() -> None:
    from livelens import plugins

    if "blank-descriptor" not in plugins.installed("descriptors"):
        pytest.skip("not installed: pip install -e .")
    spec = plugins.stage({"type": "blank-descriptor", "threshold": 0.7})
    assert spec == BlankDescriptor(threshold=0.7)
