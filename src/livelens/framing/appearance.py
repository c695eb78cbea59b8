"""What somebody looks like: the colours of their clothes, to know them again."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.framing.candidates import Box
from livelens.types import Frame

# The picture that colours are taken from is at most so wide.
_WIDE_PX = 320
_LEAST_PX = 3
# Hue, saturation, value: fine where clothes differ, coarse where light does.
_BINS = [12, 4, 4]
_RANGES = [0.0, 180.0, 0.0, 256.0, 0.0, 256.0]
# A new look counts so much against what was known.
_NEWS = 0.25
# Above and below the waist of somebody who stands: parts of the box.
_TOP = (0.2, 0.15, 0.8, 0.5)
_BOTTOM = (0.2, 0.55, 0.8, 0.9)

Histogram = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of the upper and the lower half of somebody; each sums to 1."""

    upper: Histogram
    lower: Histogram

    def blended(self, newer: "Look") -> "Look":
        """What is known with what was just seen."""
        return Look(
            self.upper + _NEWS * (newer.upper - self.upper),
            self.lower + _NEWS * (newer.lower - self.lower),
        )


def difference(one: Look, other: Look) -> float:
    """From 0, the same, to 1, nothing in common: the mean of two Hellinger distances."""
    return (
        cv2.compareHist(one.upper, other.upper, cv2.HISTCMP_BHATTACHARYYA)
        + cv2.compareHist(one.lower, other.lower, cv2.HISTCMP_BHATTACHARYYA)
    ) / 2


class Glance:
    """The colours of a frame, made small at the first look."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._hsv: NDArray[np.uint8] | None = None
        self._scale = 1.0

    def at(self, box: Box) -> Look | None:
        """The look of who is in a box; None if that is too small to tell."""
        if self._hsv is None:
            self._hsv = self._small()
        upper = self._colours(box, _TOP)
        lower = self._colours(box, _BOTTOM)
        return Look(upper, lower) if upper is not None and lower is not None else None

    def _small(self) -> NDArray[np.uint8]:
        width, height = self._frame.size_px
        self._scale = min(1.0, _WIDE_PX / width)
        small = self._frame.picture.rgb_resized(
            max(1, round(width * self._scale)), max(1, round(height * self._scale))
        )
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2HSV), np.uint8)

    def _colours(self, box: Box, part: Box) -> Histogram | None:
        assert self._hsv is not None
        width, height = box[2] - box[0], box[3] - box[1]
        left, right = ((box[0] + width * each) * self._scale for each in (part[0], part[2]))
        top, bottom = ((box[1] + height * each) * self._scale for each in (part[1], part[3]))
        patch = self._hsv[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
        if min(patch.shape[:2]) < _LEAST_PX:
            return None
        counts = cv2.calcHist([patch], [0, 1, 2], None, _BINS, _RANGES).ravel()
        total = float(counts.sum())
        return np.asarray(counts / total, np.float32) if total > 0 else None
