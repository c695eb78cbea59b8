"""What the descriptor tells of pictures whose answer is known."""

import numpy as np
import pytest
from livelens import Crop, Frame

from dominant_colour import SHADES, DominantColour


def painted(rgb: tuple[int, int, int], around: int = 128) -> Crop:
    picture = np.full((200, 200, 3), around, np.uint8)
    picture[60:140, 60:140] = rgb[::-1]  # frames are BGR
    return Crop(Frame.of(picture), (50.0, 50.0, 150.0, 150.0), "car")


@pytest.mark.parametrize("name", SHADES)
def test_a_painted_object_is_called_by_its_colour(name: str) -> None:
    (told,) = DominantColour().open().describe([painted(SHADES[name][0])])
    assert told["colour"].value == name
    assert sum(told["colour"].scores.values()) == pytest.approx(1)


def test_several_are_answered_in_order() -> None:
    worker = DominantColour().open()
    told = worker.describe([painted((220, 20, 20)), painted((20, 60, 210))])
    worker.close()
    assert [each["colour"].value for each in told] == ["red", "blue"]


def test_the_background_counts_less_than_the_middle() -> None:
    half = painted((220, 20, 20), around=20)
    wide = Crop(half.frame, (45.0, 45.0, 155.0, 155.0), "car")
    (flat,) = DominantColour(centre=0).open().describe([wide])
    (middle,) = DominantColour(centre=1).open().describe([wide])
    assert middle["colour"].scores["red"] > flat["colour"].scores["red"] + 0.1
