"""What stands behind the persons of a picture, blurred or replaced by a colour."""

import re
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
# A blur is as good, and far cheaper, on a small copy.
_BLUR_HEIGHT_PX = 90

Behind = Callable[[Pixels], Pixels]


def behind(setting: str) -> Behind | None:
    """What makes a background, (H, W, 3) BGR each way: None for `none`.

    Raises:
        ValueError: the setting is neither `none`, `blur` nor `#rrggbb`.
    """
    if setting == "none":
        return None
    if setting == "blur":
        return _blurred
    if not _COLOR.fullmatch(setting):
        raise ValueError(f"background must be none, blur or #rrggbb, not {setting!r}")
    color = np.array([int(setting[i : i + 2], 16) for i in (5, 3, 1)], np.uint8)
    return lambda scene: np.broadcast_to(color, scene.shape)


def composed(scene: Pixels, mask: NDArray[np.uint8], make: Behind) -> Pixels:
    """The persons of a picture before another background.

    Args:
        scene: (H, W, 3) uint8 BGR.
        mask: (h, w) uint8 of any size, 255 where a person is.
        make: from `behind`.
    """
    height, width = scene.shape[:2]
    share = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    whole = cv2.cvtColor(share, cv2.COLOR_GRAY2BGR)
    front = cv2.multiply(scene, whole, scale=1 / 255)
    back = cv2.multiply(np.ascontiguousarray(make(scene)), cv2.bitwise_not(whole), scale=1 / 255)
    return np.asarray(cv2.add(front, back), np.uint8)


def _blurred(scene: Pixels) -> Pixels:
    height, width = scene.shape[:2]
    scale = min(1.0, _BLUR_HEIGHT_PX / min(height, width))
    small_px = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(scene, small_px, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 3.0)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
