"""What a picture is around its subjects: its borders, where scenes change, text and logos."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from livelens.framing.borders import Borders
from livelens.framing.geometry import Rect
from livelens.framing.overlays import Overlays
from livelens.framing.scenes import SIZE_PX, Scenes
from livelens.picture import luma, thinned
from livelens.types import Frame

Box = tuple[float, float, float, float]
Protect = Literal["off", "auto"] | Sequence[Box]


@dataclass(frozen=True, slots=True)
class View:
    """What a camera has to know of a picture.

    Attributes:
        area: the picture, without borders that show nothing.
        cut: another scene begins with it.
        protected: what the viewport's edge must not cut through.
    """

    area: Rect
    cut: bool = False
    protected: tuple[Rect, ...] = ()


class Scenery:
    """Looks at the pictures of one stream, in the order of time.

    Args:
        borders: find black bars and borders.
        protect: find text and logos, or boxes of them as parts of the picture.
    """

    def __init__(self, *, borders: bool = True, protect: Protect = "off") -> None:
        self._scenes = Scenes()
        self._borders = Borders() if borders else None
        self._overlays = Overlays() if protect == "auto" else None
        self._protect: Protect = protect

    def renew(self, *, borders: bool, protect: Protect) -> None:
        """Go on with other settings."""
        if borders != (self._borders is not None):
            self._borders = Borders() if borders else None
        if protect != self._protect:
            self._overlays = Overlays() if protect == "auto" else None
        self._protect = protect

    def look(self, frame: Frame) -> View:
        """What the picture shows."""
        width, height = frame.size_px
        picture, pts_ns = frame.picture, frame.pts_ns
        area = Rect(0.0, 0.0, float(width), float(height))
        cut = self._scenes.begins(thinned(luma(picture), *SIZE_PX), pts_ns)
        if self._borders is not None and self._borders.is_due(frame.size_px, pts_ns):
            self._borders.look(luma(picture), pts_ns)
        if self._borders is not None:
            area = self._borders.area
        return View(area, cut, self._protected(frame, area))

    def _protected(self, frame: Frame, area: Rect) -> tuple[Rect, ...]:
        if self._overlays is not None:
            if self._overlays.is_due(frame.size_px, frame.pts_ns):
                self._overlays.look(luma(frame.picture), area, frame.pts_ns)
            return self._overlays.boxes(area)
        if isinstance(self._protect, str):
            return ()
        width, height = frame.size_px
        boxes = (
            Rect(box[0] * width, box[1] * height, box[2] * width, box[3] * height)
            for box in self._protect
        )
        return tuple(box for box in (each.intersection(area) for each in boxes) if box.area > 0)
