"""What a picture is around its subjects: its borders, where scenes change, text and logos."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from livelens.framing.geometry import Rect
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
        self._protect: Protect = protect

    def renew(self, *, borders: bool, protect: Protect) -> None:
        """Go on with other settings."""
        self._protect = protect

    def look(self, frame: Frame) -> View:
        """What the picture shows."""
        width, height = frame.size_px
        area = Rect(0.0, 0.0, float(width), float(height))
        return View(area, False, self._protected(width, height))

    def _protected(self, width: int, height: int) -> tuple[Rect, ...]:
        if isinstance(self._protect, str):
            return ()
        return tuple(
            Rect(box[0] * width, box[1] * height, box[2] * width, box[3] * height)
            for box in self._protect
        )
