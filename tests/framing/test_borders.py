"""Bars and borders: found to the pixel within a second, and a dark or empty scene is none."""

import cv2
import numpy as np
import pytest

from livelens.framing.geometry import Rect
from livelens.framing.scenery import Scenery
from tests.framing.views import SIZE, Image, place, scaled, seen

WHOLE = Rect(0.0, 0.0, 640.0, 360.0)


def moving(frames: int, size: tuple[int, int], seed: int = 1) -> list[Image]:
    wide = place(seed, (size[0] + 4 * frames + 8, size[1]), detail=12)
    return [np.ascontiguousarray(wide[:, 4 * n : 4 * n + size[0]]) for n in range(frames)]


def barred(
    image: Image, left: int, top: int, right: int, bottom: int, colour: int | tuple[int, ...] = 0
) -> Image:
    """A picture with bars of so many pixels over it."""
    size = SIZE[0] - left - right, SIZE[1] - top - bottom
    canvas = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
    canvas[top : SIZE[1] - bottom, left : SIZE[0] - right] = image[: size[1], : size[0]]
    return canvas


def noisy(image: Image, seed: int, amount: float = 2.0) -> Image:
    noise = np.random.default_rng(seed).normal(0, amount, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("bars", "colour"),
    [
        ((0, 45, 0, 45), 0),
        ((0, 46, 0, 45), 16),
        ((219, 0, 219, 0), 0),
        ((80, 45, 80, 45), 0),
        ((0, 45, 0, 45), 255),
        ((30, 20, 30, 20), (200, 90, 40)),
        ((7, 3, 8, 2), 0),
        ((0, 60, 0, 0), 0),
        ((0, 0, 110, 0), 0),
    ],
)
@pytest.mark.parametrize("fps", [10, 30])
def test_bars_are_found_within_a_second(
    bars: tuple[int, int, int, int], colour: int | tuple[int, ...], fps: int
) -> None:
    frames = fps + fps // 10
    images = [noisy(barred(each, *bars, colour), n) for n, each in enumerate(moving(frames, SIZE))]
    views = seen(images, fps=fps)
    assert views[fps // 2].area == WHOLE, "it takes a moment to be sure"
    left, top, right, bottom = bars
    expected = Rect(left, top, 640 - right, 360 - bottom)
    found = views[-1].area
    for side in ("left", "top", "right", "bottom"):
        assert getattr(found, side) == pytest.approx(getattr(expected, side), abs=1), side


def test_a_picture_without_bars_has_none() -> None:
    assert {view.area for view in seen(moving(60, SIZE))} == {WHOLE}


def test_none_are_looked_for_when_told_so() -> None:
    images = [barred(each, 0, 45, 0, 45) for each in moving(40, SIZE)]
    scenery = Scenery(borders=False)
    assert {view.area for view in seen(images, scenery)} == {WHOLE}
    scenery.renew(borders=True, protect="off")
    assert seen(images, scenery)[-1].area.top == 45
    scenery.renew(borders=False, protect="off")
    assert seen(images, scenery)[-1].area == WHOLE


def test_from_letterboxed_to_full_and_back() -> None:
    boxed = [barred(each, 0, 45, 0, 45) for each in moving(45, SIZE)]
    full = moving(45, SIZE, 2)
    views = seen([*boxed, *full, *boxed])
    assert views[44].area == Rect(0.0, 45.0, 640.0, 315.0)
    assert views[45 + 7].area == WHOLE, "what begins to show something is shown at once"
    assert views[-1].area == Rect(0.0, 45.0, 640.0, 315.0)


@pytest.mark.parametrize("level", [0, 6, 16])
def test_a_dark_scene_is_no_border(level: int) -> None:
    """A lamp in the night, a person in the dark: nothing that ends straight."""
    night = []
    for n in range(90):
        image = np.full((360, 640, 3), level, np.uint8)
        cv2.circle(image, (320 + n, 200), 60, (200, 220, 255), -1)
        cv2.ellipse(image, (150, 330), (60, 90), 0, 0, 360, (60, 60, 90), -1)
        night.append(noisy(image, n))
    assert {view.area for view in seen(night)} == {WHOLE}


def test_a_clear_sky_is_no_border() -> None:
    images = []
    for n in range(60):
        image = np.full((360, 640, 3), 240, np.uint8)
        hills = 150 + 30 * np.sin(np.arange(640) / 40 + n / 9) + 12 * np.sin(np.arange(640) / 7)
        below = np.arange(360)[:, None] > hills[None, :]
        image[below] = place(9)[below]
        images.append(noisy(image, n))
    assert {view.area for view in seen(images)} == {WHOLE}


def test_a_screen_of_one_colour_is_no_border() -> None:
    for level in (0, 128, 255):
        flat = np.full((360, 640, 3), level, np.uint8)
        assert {view.area for view in seen([flat] * 60)} == {WHOLE}


def test_bars_stay_while_the_film_is_dark() -> None:
    images = [barred(each, 0, 45, 0, 45) for each in moving(40, SIZE)]
    dark = [barred((each * 0.05).astype(np.uint8), 0, 45, 0, 45) for each in moving(60, SIZE)]
    black = [np.zeros((360, 640, 3), np.uint8)] * 60
    views = seen([*images, *dark, *black, *images])
    assert {view.area for view in views[39:]} == {Rect(0.0, 45.0, 640.0, 315.0)}


def test_subtitles_in_a_bar_do_not_move_it() -> None:
    images = []
    for n, each in enumerate(moving(120, SIZE)):
        image = barred(each, 0, 45, 0, 45)
        if 50 <= n < 90:
            cv2.putText(
                image,
                "And so it goes",
                (220, 348),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.7,
                (255, 255, 255),
                1,
            )
        images.append(image)
    views = seen(images)
    assert {view.area for view in views[40:]} == {Rect(0.0, 45.0, 640.0, 315.0)}


def test_a_picture_that_changes_its_size_begins_anew() -> None:
    images = [barred(each, 0, 45, 0, 45) for each in moving(40, SIZE)]
    scenery = Scenery()
    assert seen(images, scenery)[-1].area.top == 45
    small = [scaled(each, 320) for each in images]
    views = seen(small, scenery, start=40)
    assert views[0].area == Rect(0.0, 0.0, 320.0, 180.0)
    assert views[-1].area.top == pytest.approx(22.5, abs=1)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (16, 16), (1000, 3)])
def test_any_size_has_an_area(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 255, (size[1], size[0], 3), np.uint8) for _ in range(40)]
    images += [np.zeros((size[1], size[0], 3), np.uint8)] * 40
    for view in seen(images, Scenery(protect="auto")):
        assert view.area.width > 0
        assert view.area.height > 0
        assert view.area.intersection(Rect(0.0, 0.0, *map(float, size))) == view.area
