"""Brings faces into one position: eyes level, of one size, by the detector's keypoints.

Detectors tell different points. Two layouts are known, both seen from the picture, so that
the eye on its left (the subject's right eye) comes first:

- 6 points, BlazeFace: eyes, nose, middle of the mouth, ears.
- 5 points, CenterFace and most others: eyes, nose, corners of the mouth.

Both come down to four: eyes, nose, middle of the mouth.
"""

import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop

Points = NDArray[np.floating]

# Where the four points lie in an upright face seen from the front, in a square that reaches
# from the brows to just under the mouth and as wide: x, y as parts of its side. From the mean
# of many annotated faces (dlib's, of 68 points each).
MEAN_FACE: NDArray[np.float64] = np.array(
    [[0.226, 0.216], [0.755, 0.216], [0.49, 0.53], [0.49, 0.78]]
)

# How far detectors' boxes reach beyond that square, per side, as a part of it.
_BOX_MARGIN = 0.25


def face_points(crop: Crop) -> NDArray[np.float64] | None:
    """The eyes, the nose and the middle of the mouth, (4, 2) px of the frame.

    None where the detector gave no keypoints, or of another layout, or they are no face's.
    """
    points = crop.keypoints
    if points is None or points.shape not in {(5, 2), (6, 2)} or not np.isfinite(points).all():
        return None
    mouth = points[3] if len(points) == 6 else (points[3] + points[4]) / 2
    four = np.array([points[0], points[1], points[2], mouth], np.float64)
    # All in one place: a detector's way to say that it does not know.
    return four if np.ptp(four, axis=0).max() >= 1 else None


def similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """The rotation, scale and shift that bring points nearest to others.

    Least squares, after Umeyama, "Least-Squares Estimation of Transformation Parameters
    Between Two Point Patterns", 1991; in the plane it is one complex division. Points are
    never mirrored.

    Args:
        source, target: (k, 2) each, k at least 2, not all in one place.

    Returns:
        (2, 3), for `Crop.warped`.
    """
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    here = (source - middle) @ np.array([1, 1j])
    there = (target - aim) @ np.array([1, 1j])
    turn = np.vdot(here, there) / np.vdot(here, here).real
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, aim - linear @ middle])


def chip_matrix(
    crop: Crop, size_px: int, *, margin: float = 0.25, template: Points = MEAN_FACE
) -> NDArray[np.float64]:
    """The map from the frame to an upright square picture of the face, for `Crop.warped`.

    Args:
        crop: the face; without keypoints its box is taken as upright.
        size_px: side of the picture.
        margin: what is shown around the square of `template` on every side, in parts of the
            whole picture's side before it (dlib calls it padding): 0.25 makes that square
            two thirds of the picture.
        template: (4, 2), where the points should come to lie, as `MEAN_FACE`.

    Returns:
        (2, 3), from pixels of the frame to pixels of the picture.
    """
    scale = size_px / (1 + 2 * margin)
    points = face_points(crop)
    if points is not None:
        return similarity(points, (template + margin) * scale)
    left, top, right, bottom = crop.box
    side = max(right - left, bottom - top) / (1 + 2 * _BOX_MARGIN)
    middle = np.array([left + right, top + bottom]) / 2
    factor = scale / side
    return np.column_stack([np.eye(2) * factor, size_px / 2 - middle * factor])


def roll_deg(crop: Crop) -> float | None:
    """How far the face is turned in the picture, clockwise positive; None without keypoints."""
    points = face_points(crop)
    if points is None:
        return None
    turn = similarity(MEAN_FACE, points)
    return float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
