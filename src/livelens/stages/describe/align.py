"""Brings faces into one position: eyes level, of one size, by the detector's keypoints."""

import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.faces.chip import face_points, similarity

__all__ = ["MEAN_FACE", "chip_matrix", "face_points", "roll_deg", "similarity"]

Points = NDArray[np.floating]

# Where the four points lie in an upright face seen from the front, in a square that reaches
# from the brows to just under the mouth and as wide: x, y as parts of its side. From the mean
# of many annotated faces (dlib's, of 68 points each).
MEAN_FACE: NDArray[np.float64] = np.array(
    [[0.226, 0.216], [0.755, 0.216], [0.49, 0.53], [0.49, 0.78]]
)

# How far detectors' boxes reach beyond that square, per side, as a part of it.
_BOX_MARGIN = 0.25


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
