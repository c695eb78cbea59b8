"""Faces brought into one position by their keypoints."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from livelens.crop import Crop
from livelens.stages.describe.align import (
    MEAN_FACE,
    chip_matrix,
    face_points,
    roll_deg,
    similarity,
)
from livelens.types import Frame

BOX = (20.0, 30.0, 80.0, 90.0)
FIVE = np.array([[40, 50], [60, 50], [50, 62], [42, 72], [58, 72]], np.float32)
SIX = np.array([[40, 50], [60, 50], [50, 62], [50, 72], [30, 52], [70, 52]], np.float32)


def crop(keypoints: NDArray[np.float32] | None) -> Crop:
    return Crop(Frame.of(np.zeros((100, 100, 3), np.uint8)), BOX, keypoints=keypoints)


def apply(matrix: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("points", [FIVE, SIX])
def test_both_layouts_come_down_to_the_same_four_points(
    points: NDArray[np.float32],
) -> None:
    four = face_points(crop(points))
    assert four is not None
    np.testing.assert_allclose(four, [[40, 50], [60, 50], [50, 62], [50, 72]])


@pytest.mark.parametrize(
    "points",
    [None, np.zeros((5, 2)), np.full((6, 2), np.nan), np.ones((17, 2)), np.ones((0, 2))],
)
def test_what_is_no_face_has_no_points(
    points: NDArray[np.float32] | None,
) -> None:
    assert face_points(crop(points)) is None
    matrix = chip_matrix(crop(points), 64)
    # The box taken as upright: its middle comes into the middle.
    np.testing.assert_allclose(apply(matrix, [50, 60]), [32, 32])
    assert np.isfinite(matrix).all()


def test_a_similarity_is_found_again() -> None:
    angle, scale, shift = 0.7, 3.0, np.array([5.0, -2.0])
    cos, sin = np.cos(angle), np.sin(angle)
    target = scale * MEAN_FACE @ np.array([[cos, -sin], [sin, cos]]).T + shift
    matrix = similarity(MEAN_FACE, target)
    np.testing.assert_allclose(apply(matrix, MEAN_FACE), target, atol=1e-9)


def test_a_chip_shows_the_eyes_level_at_their_place() -> None:
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    middle = np.array([50.0, 60.0])
    face = ((MEAN_FACE - 0.5) * 40) @ turn.T + middle
    points = np.vstack([face[:3], face[3] - turn[:, 0] * 8, face[3] + turn[:, 0] * 8])
    tilted = crop(points.astype(np.float32))
    placed = apply(chip_matrix(tilted, 150, margin=0.25), face)
    np.testing.assert_allclose(placed, (MEAN_FACE + 0.25) * 100, atol=1e-3)
    roll = roll_deg(tilted)
    assert roll is not None
    assert roll == pytest.approx(np.degrees(0.4), abs=0.01)
    assert roll_deg(crop(None)) is None
