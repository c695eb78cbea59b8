import numpy as np
import pytest

from livelens.stages.landmarks.body import refined, region_of


def test_points_move_to_the_heat() -> None:
    heat = np.full((64, 64, 3), -20, np.float32)
    heat[30:33, 40:43, 0] = 5
    heat[10, 10, 1] = -1  # below one half: cold
    points = np.array([[0.64, 0.5], [0.15, 0.15], [1.4, -0.2]], np.float32)
    moved = refined(points, heat)
    assert moved[0] * 64 == pytest.approx([41, 31], abs=0.01)
    assert np.array_equal(moved[1:], points[1:])


def test_heat_at_the_edge() -> None:
    heat = np.full((64, 64, 1), -20, np.float32)
    heat[0, 0, 0] = 5
    assert refined(np.array([[0.02, 0.02]], np.float32), heat)[0] == pytest.approx([0, 0], abs=1e-3)


def test_a_lying_body_turns_its_region() -> None:
    region = region_of(np.array([100, 100], np.float32), np.array([180, 100], np.float32))
    assert (region.x, region.y) == (100, 100)
    assert region.size == pytest.approx(2 * 80 * 1.25)
    assert np.degrees(region.angle) == pytest.approx(90)
