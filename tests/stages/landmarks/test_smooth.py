import numpy as np
import pytest

from livelens.stages.landmarks.smooth import Smoother

STEP_NS = 33_333_333


def run(positions: np.ndarray, step_ns: int = STEP_NS) -> np.ndarray:
    smoother = Smoother()
    return np.array(
        [
            smoother(np.full((1, 2), x, np.float32), n * step_ns, 100.0)[0, 0]
            for n, x in enumerate(positions)
        ]
    )


def test_points_at_rest_become_still() -> None:
    noise = np.random.default_rng(1).normal(50, 0.5, 200)
    calm = run(noise)
    assert np.abs(np.diff(calm)).mean() < 0.25 * np.abs(np.diff(noise)).mean()
    assert calm[-100:].mean() == pytest.approx(50, abs=0.2)


def test_points_that_move_fast_are_not_late() -> None:
    way = np.arange(60) * 10.0  # 10 % of the object's size in each frame
    assert way[-1] - run(way)[-1] < 1.0


def test_a_gap_in_time_counts() -> None:
    smoother = Smoother()
    smoother(np.zeros((1, 2), np.float32), 0, 100.0)
    soon = smoother(np.ones((1, 2), np.float32), STEP_NS, 100.0)[0, 0]
    smoother = Smoother()
    smoother(np.zeros((1, 2), np.float32), 0, 100.0)
    late = smoother(np.ones((1, 2), np.float32), 20 * STEP_NS, 100.0)[0, 0]
    assert 0 < soon < late < 1


def test_another_number_of_points_begins_anew() -> None:
    smoother = Smoother()
    smoother(np.zeros((5, 2), np.float32), 0, 100.0)
    points = np.ones((6, 2), np.float32)
    assert np.array_equal(smoother(points, STEP_NS, 100.0), points)
