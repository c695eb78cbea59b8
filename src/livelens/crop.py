"""One object of one frame, to be described: its pixels as a descriptor wants them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels
from livelens.types import Frame


@dataclass(frozen=True, slots=True)
class Crop:
    """An object and the frame it is in.

    Attributes:
        frame: the whole frame.
        box: x_min, y_min, x_max, y_max in pixels of the frame; not empty, inside the frame.
        class_name: what the detector called it.
        confidence: of the detector, 0..1.
        tracker_id: the object's number in its stream.
        keypoints: (k, 2) float32 in pixels of the frame, where the detector gives them.
    """

    frame: Frame
    box: tuple[float, float, float, float]
    class_name: str = ""
    confidence: float = 1.0
    tracker_id: int = 0
    keypoints: NDArray[np.float32] | None = None

    @property
    def size_px(self) -> tuple[float, float]:
        """(width, height) of the box."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    def image(self, margin: float = 0.0) -> Pixels:
        """The box as (h, w, 3) uint8 RGB, clipped to the frame; at least one pixel.

        Args:
            margin: how far to grow the box on every side, in parts of its longer side.
        """
        width, height = self.frame.size_px
        grow = margin * max(self.size_px)
        left = int(np.clip(np.floor(self.box[0] - grow), 0, width - 1))
        top = int(np.clip(np.floor(self.box[1] - grow), 0, height - 1))
        right = int(np.clip(np.ceil(self.box[2] + grow), left + 1, width))
        bottom = int(np.clip(np.ceil(self.box[3] + grow), top + 1, height))
        part = self.frame.image[top:bottom, left:right]
        return np.ascontiguousarray(part[:, :, ::-1])

    def resized(
        self, width: int, height: int, *, margin: float = 0.0, square: bool = False
    ) -> Pixels:
        """The box scaled to (height, width, 3) uint8 RGB, the frame's edge continued outside it.

        Args:
            width, height: of the result.
            margin: as in `image`.
            square: make the box square about its centre first, so that nothing is distorted.
        """
        left, top, right, bottom = self.box
        grow = margin * max(self.size_px)
        half_x, half_y = (right - left) / 2 + grow, (bottom - top) / 2 + grow
        if square:
            half_x = half_y = max(half_x, half_y)
        centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
        scale_x, scale_y = width / (2 * half_x), height / (2 * half_y)
        matrix = np.array(
            [
                [scale_x, 0, -(centre_x - half_x) * scale_x + (scale_x - 1) / 2],
                [0, scale_y, -(centre_y - half_y) * scale_y + (scale_y - 1) / 2],
            ]
        )
        return self.warped(matrix, width, height)

    def warped(self, matrix: NDArray[np.floating], width: int, height: int) -> Pixels:
        """The frame through an affine map, as (height, width, 3) uint8 RGB.

        Args:
            matrix: (2, 3), from pixels of the frame to pixels of the result.
            width, height: of the result.
        """
        source, affine = self.frame.image, np.asarray(matrix, np.float64)
        shrink = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
        if 0 < shrink < 0.7:
            # Warping looks at four pixels only: what is shrunk further would alias.
            source, affine = _shrunk(source, affine, shrink, (width, height))
        warped = cv2.warpAffine(
            source,
            affine,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(cv2.cvtColor(warped, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _shrunk(
    source: Pixels, affine: NDArray[np.float64], shrink: float, size_px: tuple[int, int]
) -> tuple[Pixels, NDArray[np.float64]]:
    """The region that the map shows, averaged down to about its final size, and the map of it."""
    width, height = size_px
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    shown = corners @ np.linalg.inv(np.vstack([affine, [0, 0, 1]])).T
    room = 2 / shrink
    limits = np.array([source.shape[1], source.shape[0]])
    first = np.clip(np.floor(shown[:, :2].min(axis=0) - room), 0, limits - 1).astype(int)
    last = np.clip(np.ceil(shown[:, :2].max(axis=0) + room), first + 1, limits).astype(int)
    region = source[first[1] : last[1], first[0] : last[0]]
    scaled = np.maximum(1, np.round((last - first) * shrink)).astype(int)
    small = cv2.resize(region, (int(scaled[0]), int(scaled[1])), interpolation=cv2.INTER_AREA)
    back = (last - first) / scaled
    # A pixel's centre lies half a pixel from its corner: big = (small + 0.5) * back - 0.5.
    up = np.diag([back[0], back[1], 1.0])
    up[:2, 2] = (back - 1) / 2 + first
    return np.asarray(small, np.uint8), affine @ up
