"""A person and the joints: where in the picture the trunk, the limbs and bare skin are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels
from livelens.stages.describe.colors import to_lab

Lab = NDArray[np.float32]

# Points of the body network: (left, right).
SHOULDERS, ELBOWS, WRISTS = (11, 12), (13, 14), (15, 16)
HIPS, KNEES, ANKLES = (23, 24), (25, 26), (27, 28)
EYES, MOUTH, FINGERS = (2, 5), (9, 10), (19, 20)
NOSE, EARS = 0, (7, 8)

# Least visibility of a joint, and fewest pixels, that something is told by.
SEEN = 0.5
LEAST_PIXELS = 24
_WHITE, _MOST_GAIN = 240.0, 1.4


def exposed(picture: Pixels) -> Pixels:
    """The picture as bright as if something in it were white; dark ones by a little only."""
    brightest = float(np.percentile(picture.max(axis=2), 97))
    gain = float(np.clip(_WHITE / max(brightest, 1.0), 1.0, _MOST_GAIN))
    return np.asarray(np.clip(picture * gain, 0, 255), np.uint8)


@dataclass(frozen=True, slots=True)
class Figure:
    """A person and the joints.

    Attributes:
        picture: (h, w, 3) uint8 RGB.
        points: (33, 2) in its pixels.
        seen: (33,) in 0..1.
        turned_away: seen from behind.
    """

    picture: Pixels
    points: NDArray[np.floating]
    seen: NDArray[np.floating]
    turned_away: bool = False

    def has(self, *joints: int) -> bool:
        """Whether all of the joints are seen."""
        return bool(min(self.seen[list(joints)]) >= SEEN)

    @property
    def length(self) -> float:
        """About the length of the trunk in pixels; what is narrow is told by it."""
        shoulders, hips = (self.points[list(pair)] for pair in (SHOULDERS, HIPS))
        trunk = float(np.hypot(*(shoulders.mean(axis=0) - hips.mean(axis=0))))
        return max(trunk, 1.3 * float(np.hypot(*(shoulders[0] - shoulders[1]))), 8.0)

    def along(self, start: int, end: int, first: float, last: float, width: float) -> Lab:
        """CIELAB pixels about a stretch of the way between two joints.

        Args:
            first, last: where the stretch begins and ends, 0..1.
            width: of it, in parts of `length`.
        """
        a, b = self.points[start], self.points[end]
        way = b - a
        steps = max(6, round(float(np.hypot(*way)) * abs(last - first)))
        across = np.array([-way[1], way[0]]) / max(float(np.hypot(*way)), 1e-6)
        sides = max(3, round(width * self.length))
        t = np.linspace(first, last, min(steps, 60))[:, None, None]
        s = np.linspace(-0.5, 0.5, min(sides, 24))[None, :, None] * width * self.length
        return self._at((a + t * way + s * across).reshape(-1, 2))

    def _at(self, places: NDArray[np.floating]) -> Lab:
        height, width = self.picture.shape[:2]
        columns, rows = np.round(places).astype(int).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        return to_lab(self.picture[rows[inside], columns[inside]])

    def trunk(self) -> Lab:
        """CIELAB pixels of the garment over the chest and the belly."""
        a, b = self.points[SHOULDERS[0]], self.points[SHOULDERS[1]]
        c, d = self.points[HIPS[0]], self.points[HIPS[1]]
        if not self.has(*HIPS):
            # Cut off below the chest: straight down from the shoulders as far as they are apart.
            down = np.array([0, 0.8 * max(float(np.hypot(*(a - b))), 0.4 * self.length)])
            c, d = a + down, b + down
        t = np.linspace(0.18, 0.85, 40)[:, None, None]
        s = np.linspace(0.15, 0.85, 24)[None, :, None]
        top, bottom = a + s * (b - a), c + s * (d - c)
        return self._at((top + t * (bottom - top)).reshape(-1, 2))

    def skin(self) -> Lab:
        """CIELAB pixels of the face between eyes and mouth, else of the hands."""
        if not self.turned_away and self.has(*EYES, *MOUTH):
            eyes = self.points[list(EYES)].mean(axis=0)
            mouth = self.points[list(MOUTH)].mean(axis=0)
            wide = self.points[EYES[1]] - self.points[EYES[0]]
            t = np.linspace(0.25, 0.9, 16)[:, None, None]
            s = np.linspace(-0.7, 0.7, 16)[None, :, None]
            face = self._at((eyes + t * (mouth - eyes) + s * wide).reshape(-1, 2))
            if len(face) >= LEAST_PIXELS:
                return face
        hands = [
            self.along(wrist, finger, 0.0, 0.8, 0.08)
            for wrist, finger in zip(WRISTS, FINGERS, strict=True)
            if self.has(wrist, finger)
        ]
        return np.concatenate(hands) if hands else np.zeros((0, 3), np.float32)
