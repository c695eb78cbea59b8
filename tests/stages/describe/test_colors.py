"""Names of colours."""

import numpy as np
import pytest

from livelens.stages.describe.colors import NAMES, Shade, name_of, name_shares, shades, to_lab


def lab_of(*rgb: int) -> tuple[float, float, float]:
    lightness, a, b = (float(value) for value in to_lab(np.array([rgb], np.uint8))[0])
    return lightness, a, b


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((10, 10, 12), "black"),
        ((30, 30, 34), "black"),
        ((250, 250, 250), "white"),
        ((225, 222, 215), "white"),
        ((128, 128, 128), "grey"),
        ((90, 92, 95), "grey"),
        ((200, 20, 30), "red"),
        ((110, 20, 30), "red"),
        ((240, 130, 30), "orange"),
        ((245, 215, 40), "yellow"),
        ((30, 140, 60), "green"),
        ((30, 70, 40), "green"),
        ((40, 80, 190), "blue"),
        ((25, 32, 75), "blue"),
        ((130, 180, 225), "blue"),
        ((110, 50, 140), "purple"),
        ((240, 160, 185), "pink"),
        ((110, 70, 40), "brown"),
        ((180, 160, 130), "brown"),
    ],
)
def test_clear_colours(rgb: tuple[int, int, int], name: str) -> None:
    assert name_of(lab_of(*rgb)) == name
    shares = name_shares([Shade(lab_of(*rgb), 1.0)])
    assert max(shares, key=lambda each: shares[each]) == name


def test_shares_are_of_every_name_and_sum_to_one() -> None:
    shares = name_shares([Shade(lab_of(200, 20, 30), 0.7), Shade(lab_of(250, 250, 250), 0.2)])
    assert set(shares) == set(NAMES)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["red"] > 0.6
    assert shares["white"] > 0.15


def test_a_colour_between_two_names_counts_for_both() -> None:
    shares = name_shares([Shade(lab_of(215, 62, 35), 1.0)])
    assert min(shares["orange"], shares["red"]) > 0.02


def test_the_shades_of_a_striped_shirt() -> None:
    pixels = np.repeat(np.array([[250, 250, 250], [30, 60, 160]], np.uint8), [700, 300], axis=0)
    noise = np.random.default_rng(0).integers(-5, 6, pixels.shape)
    lab = to_lab(np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8))
    parts = shades(lab, 2)
    assert [name_of(part.lab) for part in parts] == ["white", "blue"]
    assert [part.share for part in parts] == pytest.approx([0.7, 0.3], abs=0.02)


def test_shades_are_the_same_every_time() -> None:
    lab = to_lab(np.random.default_rng(1).integers(0, 255, (500, 3), np.uint8))
    assert shades(lab) == shades(lab)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_pixels_have_few_shades(count: int) -> None:
    parts = shades(to_lab(np.full((count, 3), 200, np.uint8)))
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert name_of(parts[0].lab) == "white"


def test_no_pixels() -> None:
    assert to_lab(np.zeros((0, 3), np.uint8)).shape == (0, 3)
