"""What somebody looks like: the colours of their clothes, to know them again."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.framing.candidates import Box
from livelens.picture import part
from livelens.types import Frame

# Of a part of somebody so many pixels in a row are enough, and fewer than this tell nothing.
_MOST_PX = 32
_LEAST_PX = 3
# Hue, saturation, value: fine where clothes differ, coarse where light does.
_BINS = [12, 4, 4]
_RANGES = [0.0, 180.0, 0.0, 256.0, 0.0, 256.0]
# A new look counts so much against what was known.
_NEWS = 0.25
# Above and below the waist of somebody who stands: parts of the box.
_TOP = (0.2, 0.15, 0.8, 0.5)
_BOTTOM = (0.2, 0.55, 0.8, 0.9)

# What two looks at somebody differ by, until more is known of them.
USUALLY_UNLIKE = 0.35

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


def look(frame: Frame, box: Box) -> Look | None:
    """The look of who is in a box of a frame; None if too little of it can be seen."""
    upper, lower = _colours(frame, box, _TOP), _colours(frame, box, _BOTTOM)
    return Look(upper, lower) if upper is not None and lower is not None else None


def _colours(frame: Frame, box: Box, share: Box) -> Histogram | None:
    left, top, width, height = box[0], box[1], box[2] - box[0], box[3] - box[1]
    patch = part(
        frame.picture,
        int(left + width * share[0]),
        int(top + height * share[1]),
        int(left + width * share[2]) + 1,
        int(top + height * share[3]) + 1,
    )
    high, wide = patch.shape[:2]
    if min(high, wide) < _LEAST_PX:
        return None
    if max(high, wide) > _MOST_PX:
        size = min(wide, _MOST_PX), min(high, _MOST_PX)
        patch = np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    hsv = cv2.cvtColor(patch, cv2.COLOR_BGR2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, _BINS, _RANGES).ravel()
    return np.asarray(counts / counts.sum(), np.float32)
