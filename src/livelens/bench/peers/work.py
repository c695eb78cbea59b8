"""What every peer does to a picture, and the rate at which all of them encode."""

from types import ModuleType

import cv2
import numpy as np
from numpy.typing import NDArray

# The boxes that the simulated detector of the bench finds, as fractions of the picture.
BOXES = ((0.10, 0.30, 0.30, 0.90), (0.60, 0.40, 0.90, 0.80))


def annotated(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The (H, W, 3) picture with two boxes and their labels, drawn in place."""
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in BOXES:
        corner = (round(x0 * width), round(y0 * height))
        cv2.rectangle(image, corner, (round(x1 * width), round(y1 * height)), (0, 255, 0), 3)
        cv2.putText(
            image, "object", (corner[0], corner[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0)
        )
    return image


def limit_bitrate(codec: ModuleType, kbps: int) -> None:
    """Let aiortc's encoder run at the rate that all systems are measured at.

    Its limits are constants of the module; at the defaults (0.25 to 1.5 Mbit/s) a
    comparison would be of pictures of different quality.
    """
    for name in ("DEFAULT_BITRATE", "MIN_BITRATE", "MAX_BITRATE"):
        setattr(codec, name, kbps * 1000)
