"""Turned squares of a picture: where a network looks, and the way back from its pixels.

Coordinates are continuous: pixel i covers i to i + 1, and its centre is i + 0.5.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.picture import Pixels
from livelens.types import Frame

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the frame, turned about its centre.

    Attributes:
        x, y: centre in pixels of the frame.
        size: side in pixels of the frame.
        angle: radians clockwise from upright.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether there is anything to look at: finite, and two pixels at least."""
        return bool(np.isfinite([self.x, self.y, self.size, self.angle]).all()) and self.size >= 2

    def scaled(self, factor: float) -> "Region":
        """The same centre, another size."""
        return replace(self, size=self.size * factor)

    def cut(self, frame: Frame, side: int) -> Pixels:
        """The region turned upright, as (side, side, 3) uint8 RGB.

        What lies outside the frame shows the frame's edge.
        """
        box = (0.0, 0.0, float(frame.size_px[0]), float(frame.size_px[1]))
        return Crop(frame, box).warped(self.matrix(side), side, side)

    def matrix(self, side: int) -> NDArray[np.float64]:
        """(2, 3), from pixel indices of the frame to those of the cut picture."""
        scale = side / self.size
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        turn = np.array([[cos, sin], [-sin, cos]])
        # Half a pixel, there and back: an index names a pixel by its corner.
        shift = side / 2 - 0.5 - turn @ (np.array([self.x, self.y]) - 0.5)
        return np.hstack([turn, shift[:, None]])

    def to_frame(self, points: NDArray[np.floating], side: int) -> Points:
        """Points of the cut picture in pixels of the frame.

        Args:
            points: (n, 2) or (n, 3), in pixels of the cut picture; z has their scale.
            side: of the cut picture.
        """
        flat = turned((points[:, :2] / side - 0.5) * self.size, self.angle)
        flat += np.array([self.x, self.y], np.float32)
        if points.shape[1] == 2:
            return flat
        depth = points[:, 2:] * np.float32(self.size / side)
        return np.hstack([flat, depth]).astype(np.float32)

    def overlap(self, other: "Region") -> float:
        """Shared area over joint area, as if both stood upright."""
        half, others = self.size / 2, other.size / 2
        sides = [
            min(a + half, b + others) - max(a - half, b - others)
            for a, b in ((self.x, other.x), (self.y, other.y))
        ]
        shared = max(0.0, sides[0]) * max(0.0, sides[1])
        return shared / max(self.size**2 + other.size**2 - shared, 1e-9)


def turned(points: NDArray[np.floating], angle: float) -> Points:
    """(n, 2) points turned clockwise about the origin."""
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]], np.float32)
    return np.asarray(points[:, :2] @ turn, np.float32)


def angle_up(low: Points, high: Points) -> float:
    """Angle at which the way from `low` to `high` points upwards."""
    x, y = (float(value) for value in (high - low)[:2])
    return math.atan2(x, -y)


def angle_right(left: Points, right: Points) -> float:
    """Angle at which the way from `left` to `right` points to the right."""
    x, y = (float(value) for value in (right - left)[:2])
    return math.atan2(y, x)


def around(points: NDArray[np.floating], angle: float, *, scale: float, up: float = 0.0) -> Region:
    """The square around points.

    Args:
        points: (n, 2 or more) in pixels of the frame.
        angle: of the square.
        scale: its side, in parts of the longer side of the points' own turned box.
        up: how far to move it upwards, in parts of that box's height.
    """
    upright = turned(points, -angle)
    low, high = upright.min(axis=0), upright.max(axis=0)
    width, height = (float(value) for value in high - low)
    middle = (low + high) / 2 - np.array([0, up * height], np.float32)
    x, y = (float(value) for value in turned(middle[None].astype(np.float32), angle)[0])
    return Region(x, y, max(width, height) * scale, angle)
