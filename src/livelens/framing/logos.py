"""Text and logos at the edge of a shot: wholly in or wholly out, never cut through."""

from collections.abc import Iterator, Sequence

from livelens.framing.geometry import Rect

# The shot moves at most so far for a logo, in its own widths and heights.
_FARTHEST = 0.3
# What was out stays out, and what was in stays in, unless the other is so much nearer.
_LOYALTY = 0.1
_WHOLE_PX = 0.5


class Edges:
    """Moves a viewport's middle so that its edge cuts through nothing that is protected."""

    def __init__(self) -> None:
        self._kept_in: dict[Rect, bool] = {}

    def begin(self) -> None:
        """Another scene."""
        self._kept_in.clear()

    def shifted(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        keep: Rect,
        area: Rect,
        protected: Sequence[Rect],
    ) -> tuple[float, float]:
        """The middle of the viewport that is nearest and cuts through as few as can be.

        Args:
            keep: this stays in the viewport, whatever becomes of logos.
        """
        self._kept_in = {each: kept for each, kept in self._kept_in.items() if each in protected}
        # Where the viewport really is: the camera does not leave the picture.
        x = min(max(x, area.left + width / 2), max(area.right - width / 2, area.x))
        y = min(max(y, area.top + height / 2), max(area.bottom - height / 2, area.y))
        for _ in range(2):
            for each in protected:
                view = Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
                if not _is_cut(view, each):
                    continue
                best = min(_moves(view, each, keep, area, self._kept_in.get(each)), default=None)
                if best is not None:
                    _, right, down, self._kept_in[each] = best
                    x, y = x + right, y + down
        return x, y


def _is_cut(view: Rect, logo: Rect) -> bool:
    shared = view.intersection(logo)
    if shared.width <= _WHOLE_PX or shared.height <= _WHOLE_PX:
        return False
    return shared.width < logo.width - _WHOLE_PX or shared.height < logo.height - _WHOLE_PX


def _moves(
    view: Rect, logo: Rect, keep: Rect, area: Rect, kept: bool | None
) -> Iterator[tuple[float, float, float, bool]]:
    """Ways to have a logo whole or not at all: what each costs, how far right and down, in or out.

    Args:
        kept: whether it was in so far; None if it was not cut before.
    """
    for shift, inside in _shifts(
        (view.left, view.right),
        (logo.left, logo.right),
        (keep.left, keep.right),
        (area.left, area.right),
    ):
        after = Rect(view.left + shift, view.top, view.right + shift, view.bottom)
        if not _is_cut(after, logo):
            yield abs(shift) / view.width - _LOYALTY * (inside is kept), shift, 0.0, inside
    for shift, inside in _shifts(
        (view.top, view.bottom),
        (logo.top, logo.bottom),
        (keep.top, keep.bottom),
        (area.top, area.bottom),
    ):
        after = Rect(view.left, view.top + shift, view.right, view.bottom + shift)
        if not _is_cut(after, logo):
            yield abs(shift) / view.height - _LOYALTY * (inside is kept), 0.0, shift, inside


Span = tuple[float, float]


def _shifts(view: Span, logo: Span, keep: Span, area: Span) -> list[tuple[float, bool]]:
    """How far one axis could move to have the logo out, or in (True), as far as is allowed."""
    length = view[1] - view[0]
    ways = [(logo[0] - view[1], False), (logo[1] - view[0], False)]
    if logo[1] - logo[0] <= length:
        ways += [(logo[0] - view[0], True), (logo[1] - view[1], True)]
    if logo[0] >= view[0] and logo[1] <= view[1]:
        ways.append((0.0, True))
    return [
        (shift, inside)
        for shift, inside in ways
        if abs(shift) <= _FARTHEST * length
        and view[0] + shift >= area[0] - _WHOLE_PX
        and view[1] + shift <= area[1] + _WHOLE_PX
        and (view[0] + shift <= max(keep[0], view[0]) and view[1] + shift >= min(keep[1], view[1]))
    ]
