"""Sizes of shots, and what is shown of frames without a viewport."""

import numpy as np

from livelens.sinks.shots import Shots
from livelens.types import Frame, Item, Viewport


def item(viewport: Viewport | None, size: tuple[int, int] = (320, 180)) -> Item:
    """A ramp from left to right, which tells where a shot looks."""
    ramp = np.linspace(0, 255, size[0], dtype=np.uint8)
    frame = Frame.of(np.ascontiguousarray(np.tile(ramp[None, :, None], (size[1], 1, 3))))
    return Item(frame, viewports={} if viewport is None else {"follow": viewport})


def tall(x: float, *, size: float = 1.0, largest: tuple[float, float] = (101.25, 180)) -> Viewport:
    return Viewport(x, 0, largest[0] * size, largest[1] * size, 9 / 16, largest)


def looks_at(shots: Shots, one: Item) -> float:
    """The middle of what is shown, as part of the picture's width."""
    size_px = shots.see(one)
    return float(shots.picture(one.frame.picture, size_px).bgr().mean()) / 255


def test_the_natural_size_is_even_and_stays_while_the_camera_zooms() -> None:
    shots = Shots("follow")
    assert [shots.see(item(tall(10, size=size))) for size in (1, 0.5, 0.7)] == [(100, 180)] * 3


def test_borders_that_are_found_later_change_no_size() -> None:
    shots = Shots("follow")
    shots.see(item(tall(10)))
    assert shots.see(item(tall(10, largest=(90, 160)))) == (100, 180)
    assert shots.see(item(tall(10, largest=(101.25, 180)))) == (100, 180)
    dark = Shots("follow")
    dark.see(item(tall(10, largest=(9, 16))))  # a dark beginning is taken for borders
    assert dark.see(item(tall(10))) == (100, 180)


def test_another_aspect_or_picture_is_another_size() -> None:
    shots = Shots("follow")
    shots.see(item(tall(10)))
    assert shots.see(item(Viewport(0, 0, 90, 90, 1.0, (180, 180)))) == (180, 180)
    small = (160, 90)
    assert shots.see(item(Viewport(0, 0, 90, 90, 1.0, (90, 90)), small)) == (90, 90)


def test_a_frame_without_a_viewport_is_shown_as_the_last_was() -> None:
    shots = Shots("follow")
    there = looks_at(shots, item(tall(200)))
    assert abs(there - 250 / 320) < 0.02
    assert looks_at(shots, item(None)) == there
    other = Item(item(None).frame, viewports={"other": tall(0)})
    assert looks_at(shots, other) == there


def test_and_from_the_middle_where_there_was_none_or_the_size_is_another() -> None:
    shots = Shots("follow")
    assert shots.see(item(None)) == (320, 180)
    shots.see(item(tall(200)))
    after = item(None, (640, 360))
    assert shots.see(after) == (202, 360)
    assert abs(looks_at(shots, after) - 0.5) < 0.01
