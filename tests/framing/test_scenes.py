"""Scene changes: found where they are, and nothing else is one."""

import numpy as np
import pytest

from livelens.clock import NS_PER_S
from livelens.framing.scenes import SIZE_PX, Scenes
from livelens.picture import ArrayPicture, luma, thinned
from tests.framing.views import Image, cuts, place, scaled, seen, walking


def noisy(image: Image, seed: int, amount: float = 3.0) -> Image:
    noise = np.random.default_rng(seed).normal(0, amount, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def bright(image: Image, gain: float, more: float = 0.0) -> Image:
    return (image * gain + more).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("fps", [5, 30, 60])
def test_each_scene_begins_once_with_its_first_picture(fps: float) -> None:
    images = [noisy(place(n // 16, (320, 180)), n) for n in range(64)]
    assert cuts(seen(images, fps=fps)) == [16, 32, 48]


def test_dark_scenes_change_too() -> None:
    images = [noisy(bright(place(n // 15), 0.2, 16), n) for n in range(45)]
    assert cuts(seen(images)) == [15, 30]


def test_scenes_of_one_colour_change_too() -> None:
    grey = [place(seed) for seed in (1, 2)]
    for image in grey:
        image[:] = image.mean(axis=2, keepdims=True)
    assert cuts(seen([grey[n // 15] for n in range(30)])) == [15]


@pytest.mark.parametrize(
    "gains",
    [
        [1, 1, 3, 1, 1],
        [1, 1, 1000, 1, 1, 1],
        [1, 1, 1.8, 2, 1.5, 1.2, 1],
        [1, 0.4, 0.4, 0.4, 1],
        [1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1],
        [0, 0, 0, 0.05, 0.1, 0.5, 1],
    ],
    ids=["flash", "white flash", "exposure", "lights out", "fade out and in", "from black"],
)
def test_light_that_changes_begins_no_scene(gains: list[float]) -> None:
    image = place(3)
    for repeats in (1, 4):
        images = [noisy(bright(image, gain), n) for n, gain in enumerate(np.repeat(gains, repeats))]
        assert cuts(seen(images)) == []


def test_through_black_into_another_scene_is_one_change() -> None:
    gains = [1, 0.7, 0.4, 0.1, 0, 0, 0.1, 0.2, 0.4, 0.7, 1, 1]
    images = [bright(place(1 if n < 5 else 2), gain) for n, gain in enumerate(gains)]
    [at] = cuts(seen(images))
    assert 6 <= at <= 8


def test_one_scene_that_dissolves_into_another_is_no_cut() -> None:
    parts = np.linspace(0, 1, 20)
    images = [(place(1) * (1 - p) + place(2) * p).astype(np.uint8) for p in parts]
    assert cuts(seen(images)) == []


@pytest.mark.parametrize("step", [4.0, 40.0, 120.0])
def test_a_pan_is_no_cut_however_fast(step: float) -> None:
    wide = place(5, (5000, 360))
    assert cuts(seen(walking(wide, 30, step))) == []


def test_something_large_that_passes_is_no_cut() -> None:
    images = []
    for n in range(40):
        image = place(7).copy()
        left = -300 + n * 30
        image[40:, max(0, left) : max(0, left + 300)] = (30, 60, 200)
        images.append(image)
    assert cuts(seen(images)) == []


def test_noise_in_the_dark_is_no_cut() -> None:
    images = [noisy(np.full((360, 640, 3), 12, np.uint8), n, 12.0) for n in range(40)]
    assert cuts(seen(images)) == []


def test_a_change_for_a_moment_is_not_two() -> None:
    images = [place(1)] * 10 + [place(2)] * 2 + [place(1)] * 10
    assert cuts(seen(images)) == [10]


def test_times_that_jump_or_stand_still_change_nothing() -> None:
    scenes = Scenes()
    times = [0, 10 * NS_PER_S, 5, 5, 3600 * NS_PER_S, -4, 0]
    small = [thinned(luma(ArrayPicture(place(seed))), *SIZE_PX) for seed in (1, 2)]
    assert [scenes.begins(small[0], pts_ns) for pts_ns in times] == [False] * 7
    assert scenes.begins(small[1], 0)
    assert scenes.begins(small[0], -(10**12))


def test_a_scene_in_another_resolution_is_the_same() -> None:
    images = [scaled(place(4), width) for width in (640, 1280, 320, 64)]
    assert cuts(seen(images)) == []
