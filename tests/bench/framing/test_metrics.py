"""What is said of a path, on paths whose figures are known."""

import numpy as np
import pytest

from livelens.bench.framing import metrics
from livelens.bench.framing.metrics import Array, Path

WIDTH = 200.0


def path(x: Array, times_s: Array, cuts: tuple[int, ...] = ()) -> Path:
    """A viewport of 200×400 whose middle is at x."""
    x = np.asarray(x, dtype=float)
    views = np.column_stack([x - 100, np.zeros_like(x), x + 100, np.full_like(x, 400.0)])
    jumped = np.zeros(len(x), dtype=bool)
    jumped[[0, *cuts]] = True
    return Path(np.asarray(times_s, dtype=float), views, jumped, WIDTH, (True, False))


def uneven(count: int) -> Array:
    """Times of a camera that loses some frames."""
    steps = np.where(np.arange(count) % 3 == 0, 0.08, 0.04)
    return np.cumsum(steps)


@pytest.mark.parametrize("times_s", [np.arange(50) / 25, uneven(50)])
def test_derivatives_of_a_cubic_path_are_those_of_the_curve(times_s: Array) -> None:
    moving = path(1000 + 30 * times_s**3, times_s)
    # Its third derivative is 180 px/s³ everywhere.
    assert metrics.rms(moving, 3) == pytest.approx(180 / WIDTH, rel=1e-6)
    values, at_s = metrics.derivative(moving, 2)
    middle = len(values) // 2
    assert values[middle] == pytest.approx(180 * at_s[middle] / WIDTH, rel=0.05)


def test_a_cut_counts_as_such_and_jerks_nothing() -> None:
    times_s = np.arange(40) / 25
    x = np.where(np.arange(40) < 20, 300.0, 900.0)
    assert metrics.rms(path(x, times_s, cuts=(20,)), 3) == 0
    assert metrics.rms(path(x, times_s, cuts=(20,)), 2) == 0
    assert metrics.cuts(path(x, times_s, cuts=(20,))) == 1
    assert metrics.cuts(path(x, times_s)) == 0
    jerk = metrics.rms(path(x, times_s), 3)
    assert jerk is not None
    assert jerk > 1000


def test_no_frames_between_cuts_no_figures() -> None:
    times_s = np.arange(6) / 25
    hopping = path(np.arange(0.0, 300.0, 50.0), times_s, cuts=(1, 2, 3, 4, 5))
    assert metrics.rms(hopping, 3) is None
    assert metrics.still(hopping) is None
    assert metrics.rms(path(np.zeros(2), times_s[:2]), 3) is None


def test_still_is_slower_than_a_hundredth_of_its_width_a_second() -> None:
    times_s = np.arange(21) / 10
    slow, fast = 0.5 * metrics.STILL_PER_S, 2 * metrics.STILL_PER_S
    x = 500 + WIDTH * np.concatenate([times_s[:11] * slow, slow + (times_s[1:11]) * fast])
    assert metrics.still(path(x, times_s)) == pytest.approx(0.5)


def test_inside_counts_boxes_that_would_fit() -> None:
    times_s = np.arange(5) / 25
    looking = path(np.full(5, 500.0), times_s)
    boxes = np.array(
        [
            [450, 10, 550, 390],  # inside
            [399.7, 10, 550, 390],  # out by less than a pixel
            [380, 10, 480, 390],  # cut off
            [100, 10, 900, 390],  # wider than the viewport
            [np.nan] * 4,  # unknown
        ]
    )
    assert metrics.inside(looking, boxes) == pytest.approx(2 / 3)
    assert metrics.inside(looking, np.tile(boxes[3], (5, 1))) is None


def test_centre_error_is_of_the_directions_that_are_free() -> None:
    times_s = np.arange(3) / 25
    looking = path(np.full(3, 500.0), times_s)
    boxes = np.array([[540, 0, 560, 20], [500, 0, 500, 20], [np.nan] * 4])
    assert metrics.centre_error(looking, boxes) == pytest.approx((50 + 0) / 2 / WIDTH)
    assert metrics.centre_error(looking, np.full((3, 4), np.nan)) is None
