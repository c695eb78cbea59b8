"""Moving pictures, before and after."""

from pathlib import Path

import av
import numpy as np
import pytest

from livelens.bench.framing import gifs
from livelens.bench.report import CannotMeasure
from livelens.types import Frame, Item, Viewport


def framed() -> Item:
    """A picture of two halves, of which the viewport shows the right one."""
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, 200:] = (30, 40, 200)
    viewport = Viewport(250.0, 0.0, 100.0, 200.0, 0.5, (100.0, 200.0))
    return Item(Frame.of(image), viewports={"reframe": viewport})


def test_wide_and_framed_shots_stand_side_by_side() -> None:
    picture = gifs.beside(framed(), "reframe", 100)
    assert picture.shape == (100, 200 + 8 + 50, 3)
    shot = picture[10:-10, -40:-10].reshape(-1, 3).mean(axis=0)
    assert np.abs(shot - (30, 40, 200)).max() < 6
    # What the viewport shows keeps its brightness in the wide shot; around it goes dim.
    assert picture[50, 150, 2] > 190
    assert picture[50, 190, 2] < 110


def test_a_gif_has_every_picture_and_its_pace(tmp_path: Path) -> None:
    file = tmp_path / "some.gif"
    pictures = []
    for number in range(6):
        pixels = np.full((40, 60, 3), 20, np.uint8)
        pixels[:, number * 10 : number * 10 + 10] = (200, 100, 10 * number)
        pictures.append(pixels)
    gifs.encode(file, pictures, 10)
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 6
        assert [round(frame.time, 2) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
        shown = frames[5].to_ndarray(format="bgr24")
    assert np.abs(shown[20, 55].astype(int) - (200, 100, 50)).max() < 12
    assert np.abs(shown[20, 5].astype(int) - 20).max() < 12
    with pytest.raises(CannotMeasure, match="no pictures"):
        gifs.encode(file, [], 10)
