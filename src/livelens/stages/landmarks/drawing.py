"""Draws landmarks on a picture."""

from collections.abc import Iterable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels
from livelens.stages.landmarks.connections import (
    BODY,
    FACE,
    HAND,
    HEAD_POINTS,
    IRISES,
    Path,
)
from livelens.types import Landmarks, Part

Color = tuple[int, int, int]
"""Blue, green, red."""

_WHITE: Color = (255, 255, 255)
_LEAST_VISIBILITY = 0.5
# A part of this size is drawn with lines of one pixel, of twice the size with two.
_EXTENT_PX: dict[Part, float] = {"body": 90, "face": 120, "left_hand": 40, "right_hand": 40}
# Sub-pixels of OpenCV's drawing: coordinates are given in sixteenths.
_SHIFT = 4


def draw(
    scene: Pixels, landmarks: Landmarks, color: Color, thickness: int, *, head: bool = True
) -> None:
    """Draws a body, a face or a hand.

    Args:
        scene: (H, W, 3) uint8 BGR, drawn upon.
        landmarks: in pixels of the scene; points of a body that are not visible are left out.
        color: of the lines, BGR.
        thickness: of the lines at most, px; what is small is drawn with thinner ones.
        head: draw the head of a body, too; not where its face is drawn anyway.
    """
    flat = landmarks.points[:, :2]
    if not np.isfinite(flat).all():
        return
    extent = float(np.ptp(flat, axis=0).max())
    thickness = max(1, min(thickness, round(extent / _EXTENT_PX[landmarks.part])))
    if landmarks.part == "face":
        thickness = (thickness + 1) // 2
        for paths in FACE.values():
            _lines(scene, flat, paths, color, thickness)
        if len(flat) > IRISES[-1][0]:
            _lines(scene, flat, IRISES, _WHITE, thickness)
        return
    seen = np.ones(len(flat), dtype=bool)
    if landmarks.visibility is not None:
        seen = landmarks.visibility >= _LEAST_VISIBILITY
    if landmarks.part == "body" and not head:
        seen = seen & (np.arange(len(flat)) >= HEAD_POINTS)
    paths = BODY if landmarks.part == "body" else HAND
    _lines(scene, flat, _seen(paths, seen), color, thickness)
    radius = max(1, round(thickness * 0.7)) << _SHIFT
    for x, y in _fixed(flat[seen]):
        cv2.circle(scene, (int(x), int(y)), radius, _WHITE, -1, cv2.LINE_AA, _SHIFT)


def _seen(paths: Iterable[Path], seen: NDArray[np.bool_]) -> list[Path]:
    """The lines between points that are both seen."""
    return [
        (one, other) for path in paths for one, other in pairwise(path) if seen[one] and seen[other]
    ]


def _lines(
    scene: Pixels, flat: NDArray[np.float32], paths: Iterable[Path], color: Color, thickness: int
) -> None:
    lines = [_fixed(flat[list(path)])[:, None] for path in paths]
    if lines:
        cv2.polylines(scene, lines, False, color, thickness, cv2.LINE_AA, _SHIFT)


def _fixed(flat: NDArray[np.float32]) -> NDArray[np.int32]:
    # Far outside the picture a point would overflow OpenCV's fixed-point numbers.
    limited = np.clip(flat, -20_000, 20_000)
    return np.asarray(np.round(limited * (1 << _SHIFT)), np.int32)
