"""Knowing somebody again who was gone: by name, by the colours of their clothes, or by place."""

from collections.abc import Sequence

from livelens.clock import NS_PER_S
from livelens.framing.appearance import Glance, difference
from livelens.framing.cast import Actor
from livelens.types import Frame

# How often colours are looked at: of who is shown, and of who may be the one that is gone.
_REFRESH_NS = NS_PER_S // 2
_SEARCH_NS = NS_PER_S // 4
# Differences of colours: the same one wherever they are, and still the same one if the place is
# right, too. Measured on persons of TUD-Stadtmitte and PETS09-S2L1.
_SURELY, _PERHAPS = 0.4, 0.55
# How far they may have come, in their own sizes, at once, in each second, and at most.
_NEAR, _PER_S, _FARTHEST = 0.8, 1.0, 3.0
_LIKE_SIZE = 2.0
# Somebody who covers more than this of who is shown lends them their colours.
_COVERED = 0.15


class Recognition:
    """Remembers looks, a few times in a second.

    Args:
        by_appearance: else nothing is looked at, and only names and places count.
    """

    def __init__(self, *, by_appearance: bool) -> None:
        self.by_appearance = by_appearance

    def remember(self, frame: Frame, shown: Sequence[Actor], actors: Sequence[Actor]) -> None:
        """Look at those who are shown, if it is time and nobody stands before them."""
        if not self.by_appearance:
            return
        pts_ns, glance = frame.pts_ns, None
        for actor in shown:
            if not actor.present or actor.predicted or actor.kind == "face":
                continue
            if actor.looked_ns is not None and 0 <= pts_ns - actor.looked_ns < _REFRESH_NS:
                continue
            if any(_covers(each, actor) for each in actors):
                continue
            glance = glance or Glance(frame)
            self._look(actor, glance, pts_ns)

    def again(
        self, gone: Actor, actors: Sequence[Actor], frame: Frame, *, anywhere: bool = False
    ) -> Actor | None:
        """Who of those who came since then is the one that is gone.

        Args:
            anywhere: the scene has changed: places tell nothing.
        """
        pts_ns, glance = frame.pts_ns, None
        gap_s = max(pts_ns - gone.seen_ns, 0) / NS_PER_S
        reach = min(_NEAR + _PER_S * gap_s, _FARTHEST)
        best, least = None, 1e9
        for each in actors:
            if each is gone or not each.present or _sort(each) != _sort(gone):
                continue
            if each.identity and gone.identity:
                if each.identity == gone.identity:
                    return each
                continue
            # Who was there together with the one that is gone is somebody else.
            if each.born_ns <= gone.found_ns and not anywhere:
                continue
            away = _away(each, gone)
            near = not anywhere and away <= reach and _alike_in_size(each, gone)
            if anywhere and each.tracker_id >= 0 and each.tracker_id == gone.tracker_id:
                near = True
            unlike = None
            if self.by_appearance and gone.look is not None and not each.predicted:
                if each.looked_ns is None or not 0 <= pts_ns - each.looked_ns < _SEARCH_NS:
                    glance = glance or Glance(frame)
                    self._look(each, glance, pts_ns)
                if each.look is not None:
                    unlike = difference(gone.look, each.look)
            if unlike is None:
                fits, misfit = near, _PERHAPS + away
            else:
                fits = unlike <= _SURELY or (near and unlike <= _PERHAPS)
                misfit = unlike + (0.1 * min(away, 5.0))
            if fits and misfit < least:
                best, least = each, misfit
        return best

    def _look(self, actor: Actor, glance: Glance, pts_ns: int) -> None:
        actor.looked_ns = pts_ns
        look = glance.at(actor.box)
        if look is not None:
            actor.look = look if actor.look is None else actor.look.blended(look)


def _sort(actor: Actor) -> str:
    return "person" if actor.kind == "face" else actor.kind


def _away(one: Actor, other: Actor) -> float:
    """Between their middles, in their sizes."""
    size = max(one.size_px, other.size_px, 1.0)
    return (abs(one.x - other.x) + abs(one.y - other.y)) / size


def _alike_in_size(one: Actor, other: Actor) -> bool:
    return 1 / _LIKE_SIZE <= one.size_px / max(other.size_px, 1e-6) <= _LIKE_SIZE


def _covers(each: Actor, actor: Actor) -> bool:
    if each is actor:
        return False
    one, other = each.box, actor.box
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    return width * height > _COVERED * (other[2] - other[0]) * (other[3] - other[1])
