"""Text and logos that lie over a picture: what stays where it is while the rest changes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.framing.geometry import Rect
from livelens.picture import Pixels, thinned

_EVERY_NS = 2 * NS_PER_S // 5
_SIZE_PX = (320, 180)
# An edge is a step of so much brightness; it has stayed if it differs by no more than this.
_STEP, _STAYED = 28, 10
# Only where so much of all edges has gone does it mean something that others stay: before a
# camera that stands still everything stays.
_CHANGED = 0.5
_LEAST_EDGES = 40
# What has stayed in nearly all of so many such looks lies over the picture.
_PART, _LIES = 0.15, 0.75
# Letters of a word are one text.
_JOINED: NDArray[np.uint8] = np.ones((5, 11), np.uint8)
# As parts of the picture: how large they are, and how far from its edges.
_LEAST, _MOST, _FAR = 0.0004, 0.5, 0.3
_MOST_BOXES = 8
_ROOM_PX = 1
# One that is found again about where it was has not moved.
_SAME = 0.7


class Overlays:
    """Finds text and logos near the edges, where the camera moves or scenes change."""

    def __init__(self) -> None:
        self._size = 0, 0
        self._looked_ns: int | None = None
        self._last: NDArray[np.int16] | None = None
        self._stays = np.zeros(_SIZE_PX[::-1], np.float32)
        self._boxes: tuple[Rect, ...] = ()

    def is_due(self, size_px: tuple[int, int], pts_ns: int) -> bool:
        """Whether to look at a picture of that size and time."""
        last_ns = self._looked_ns
        return size_px != self._size or last_ns is None or not 0 <= pts_ns - last_ns < _EVERY_NS

    def look(self, luma: Pixels, area: Rect, pts_ns: int) -> None:
        """Look at a picture.

        Args:
            luma: brightness of all of it.
            area: the part of it without borders.
            pts_ns: its time.
        """
        height, width = luma.shape
        if self._size != (width, height):
            self._size, self._last, self._boxes = (width, height), None, ()
        self._looked_ns = pts_ns
        if self._learn(thinned(luma, *_SIZE_PX).astype(np.int16)):
            self._boxes = self._found(area, width / _SIZE_PX[0], height / _SIZE_PX[1])

    def boxes(self, area: Rect) -> tuple[Rect, ...]:
        """Those that are wholly in this part, in pixels of the picture."""
        return tuple(each for each in self._boxes if each.intersection(area) == each)

    def _learn(self, grey: NDArray[np.int16]) -> bool:
        last, self._last = self._last, grey
        if last is None:
            return False
        edges = _edges(last)
        count = np.count_nonzero(edges)
        if count < _LEAST_EDGES:
            return False
        stayed = edges & _edges(grey) & (np.abs(grey - last) <= _STAYED)
        if np.count_nonzero(stayed) > (1 - _CHANGED) * count:
            return False
        self._stays += _PART * (stayed - self._stays)
        return True

    def _found(self, area: Rect, across: float, down: float) -> tuple[Rect, ...]:
        """The boxes, by how many pixels of the picture a cell of the grid is."""
        lies = (self._stays > _LIES).astype(np.uint8)
        # Where a border ends everything stays.
        inner = np.zeros_like(lies)
        left, right = round(area.left / across) + 2, round(area.right / across) - 2
        top, bottom = round(area.top / down) + 2, round(area.bottom / down) - 2
        inner[top:bottom, left:right] = lies[top:bottom, left:right]
        _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(inner, _JOINED))
        found: list[tuple[float, Rect]] = []
        for left, top, width, height, _ in stats[1:].tolist():
            grown_x, grown_y = _JOINED.shape[1] // 2 - _ROOM_PX, _JOINED.shape[0] // 2 - _ROOM_PX
            box = Rect(
                (left + grown_x) * across,
                (top + grown_y) * down,
                (left + width - grown_x) * across,
                (top + height - grown_y) * down,
            ).intersection(area)
            if _is_overlay(box, area):
                found.append((box.area, box))
        found.sort(key=lambda each: -each[0])
        return tuple(self._known(box) for _, box in found[:_MOST_BOXES])

    def _known(self, box: Rect) -> Rect:
        for each in self._boxes:
            shared = each.intersection(box).area
            if shared > _SAME * (each.area + box.area - shared):
                return each
        return box


def _edges(grey: NDArray[np.int16]) -> NDArray[np.bool_]:
    edges = np.zeros(grey.shape, np.bool_)
    edges[:, 1:] = np.abs(grey[:, 1:] - grey[:, :-1]) > _STEP
    edges[1:] |= np.abs(grey[1:] - grey[:-1]) > _STEP
    return edges


def _is_overlay(box: Rect, area: Rect) -> bool:
    across, down = (box.x - area.left) / area.width, (box.y - area.top) / area.height
    near = min(across, 1 - across, down, 1 - down) < _FAR
    small = box.width <= _MOST * area.width and box.height <= _MOST * area.height
    return near and small and box.area >= _LEAST * area.area
