"""A face as the networks want it, upright and of one size, and whether it is fit for them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.picture import Pixels

# Eyes (that on the picture's left first) and middle of the mouth, as parts of the picture's
# side, where dlib's network was trained to see them: its mean face with a margin of a quarter.
TEMPLATE: NDArray[np.float64] = np.array([[0.3182, 0.3142], [0.6685, 0.3142], [0.4930, 0.6930]])

_SHARPNESS_PX = 150


@dataclass(frozen=True, slots=True)
class Pose:
    """How a face is seen.

    Attributes:
        eyes_px: distance of the eyes in pixels of the frame.
        turn: how far the nose lies beside the middle of the eyes, in parts of that distance:
            0 from the front, about 0.35 when turned by 30° to either side.
    """

    eyes_px: float
    turn: float


def face_points(crop: Crop) -> NDArray[np.float64] | None:
    """The eyes, the nose and the middle of the mouth, (4, 2) px of the frame.

    None where the detector gave no keypoints, or of another layout, or they are no face's.
    Two layouts are known, the eye on the picture's left first: 6 points as BlazeFace tells
    them (eyes, nose, middle of the mouth, ears) and 5 as CenterFace and most others do (eyes,
    nose, corners of the mouth).
    """
    points = crop.keypoints
    if points is None or points.shape not in {(5, 2), (6, 2)} or not np.isfinite(points).all():
        return None
    mouth = points[3] if len(points) == 6 else (points[3] + points[4]) / 2
    four = np.array([points[0], points[1], points[2], mouth], np.float64)
    # All in one place: a detector's way to say that it does not know.
    return four if np.linalg.norm(four[1] - four[0]) >= 1 else None


def pose(points: NDArray[np.float64]) -> Pose:
    """How the face with these `face_points` is seen."""
    across = points[1] - points[0]
    eyes_px = float(np.linalg.norm(across))
    beside = (points[2] - (points[0] + points[1]) / 2) @ across / eyes_px**2
    return Pose(eyes_px, float(beside))


def chip(crop: Crop, points: NDArray[np.float64], size_px: int, zoom: float = 1.0) -> Pixels:
    """The face as a square picture, (size, size, 3) uint8 RGB, its points near `TEMPLATE`.

    Args:
        crop: the face.
        points: its `face_points`.
        size_px: side of the square.
        zoom: below 1 shows more around the face.
    """
    target = ((TEMPLATE - 0.5) * zoom + 0.5) * size_px
    return crop.warped(similarity(points[[0, 1, 3]], target), size_px, size_px)


def sharpness(crop: Crop, points: NDArray[np.float64]) -> float:
    """How much fine detail the face shows, of all that it shows; below 0.01 it is a blur.

    The variance of the Laplacian (Pech-Pacheco and others, 2000) of a face of 100 pixels,
    in parts of the variance of its brightness, so that contrast does not count.
    """
    grey = cv2.cvtColor(chip(crop, points, _SHARPNESS_PX), cv2.COLOR_RGB2GRAY)[30:130, 25:125]
    spread = float(grey.var())
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / spread if spread > 1 else 0.0


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
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
