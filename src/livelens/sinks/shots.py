"""What a virtual camera shows, for one sink: frame after frame, at a size that stays."""

from livelens.media.viewport import shown
from livelens.picture import Picture
from livelens.types import Item, Viewport

# A natural size that has grown by this much, since borders were taken for more than they are,
# is taken over; to take every change would begin the video anew each time.
_GROWN = 1.25


class Shots:
    """The pictures that a camera's viewports show.

    Args:
        camera: name of the `reframe` stage.
    """

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self._last: Viewport | None = None
        self._frame_px = (0, 0)
        self._natural_px = (0.0, 0.0)

    def see(self, item: Item) -> tuple[int, int]:
        """Take note of an item's viewport.

        An item without one, as while the stage is opened anew, is shown as the last was; if the
        picture's size has changed since, with the largest viewport of that shape in its middle.

        Returns:
            The shot's natural size in pixels, even. It changes with the size of the picture and
            the aspect only.
        """
        viewport = item.viewports.get(self.camera)
        size_px = item.frame.size_px
        before, resized = self._last, size_px != self._frame_px
        if viewport is None:
            viewport = before if before is not None and not resized else _widest(size_px, before)
        width, height = viewport.largest_px
        if (
            before is None
            or resized
            or viewport.aspect != before.aspect
            or width > self._natural_px[0] * _GROWN
            or height > self._natural_px[1] * _GROWN
        ):
            self._natural_px = width, height
        self._last, self._frame_px = viewport, size_px
        return max(2, round(self._natural_px[0]) & ~1), max(2, round(self._natural_px[1]) & ~1)

    def picture(self, picture: Picture, size_px: tuple[int, int]) -> Picture:
        """The shot of the item seen last."""
        assert self._last is not None
        return shown(picture, self._last, *size_px)


def _widest(size_px: tuple[int, int], like: Viewport | None) -> Viewport:
    """The largest viewport of the same shape, in the middle; the whole picture without one."""
    width, height = size_px
    aspect = like.aspect if like is not None else width / height
    wide, high = min(width, height * aspect), min(height, width / aspect)
    return Viewport((width - wide) / 2, (height - high) / 2, wide, high, aspect, (wide, high))
