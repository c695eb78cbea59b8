"""Knowing somebody again who was gone: by name, by the colours of their clothes, or by place."""

from collections.abc import Sequence

from livelens.clock import NS_PER_S
from livelens.framing.appearance import Look, difference, look
from livelens.framing.cast import Actor
from livelens.types import Frame

# How often colours are looked at: of who is shown, and of who may be the one that is gone.
_REFRESH_NS = round(0.4 * NS_PER_S)
_SEARCH_NS = round(0.25 * NS_PER_S)
# Differences of colours, beyond what is usual: the same one wherever they are; the same one if
# the place is right, too; and surely better than another. Measured on TUD-Stadtmitte and
# PETS09-S2L1 (docs/framing.md).
_SURELY, _PERHAPS, _BETTER = 0.08, 0.25, 0.12
# Who was there at the same time as the one that is gone is somebody else, unless the tracker took
# each for the other.
_BEYOND_DOUBT = -0.06
_SLOWLY = 0.2
# After so long it is the light that has changed, or the coat.
_ODD_NS = 3 * NS_PER_S
# How far they may have come, in their own sizes, at once, in each second, and at most: if their
# colours are right, and if nothing is known of these.
_BY_LOOK = (0.5, 1.0, 3.0)
_BY_PLACE = (0.3, 0.4, 1.2)
_LIKE_SIZE = 2.0
# Who was taken for another is not far from them.
_MIXED_UP = 2.0
_MET_NS = 3 * NS_PER_S
# So many of those who are new are looked at in one frame.
_MOST_NEW = 8
# Where others differ by less than this, all wear the same, or the camera sees no colours.
_UNIFORM = 0.2
# Somebody who covers more than this of another lends them their colours.
_COVERED = 0.25


class Recognition:
    """Remembers looks, a few times in a second.

    Args:
        by_appearance: else nothing is looked at, and only names and places count.
    """

    def __init__(self, *, by_appearance: bool) -> None:
        self.by_appearance = by_appearance

    def remember(self, frame: Frame, shown: Sequence[Actor], actors: Sequence[Actor]) -> None:
        """Look at those who are there, if it is time and nobody stands before them.

        Whoever is shown, looks like somebody else, and has the one next to them look like them,
        was taken for that one when both met: they are exchanged.
        """
        if not self.by_appearance:
            return
        for actor in shown:
            if any(_touches(each, actor) for each in actors):
                actor.met_ns = frame.pts_ns
        if not any(each.present and _due(each, frame.pts_ns, _REFRESH_NS) for each in shown):
            return
        others = [each for each in actors if each not in shown]
        for actor in shown:
            seen = self._look(actor, actors, frame, _REFRESH_NS)
            if seen is not None and actor.look is None:
                actor.look = seen
            elif seen is not None:
                self._compare(actor, seen, others, actors, frame)
        for each in [each for each in others if each.seen is None][:_MOST_NEW]:
            self._look(each, actors, frame, 0)
        for actor in shown:
            _tell_apart(actor, others)

    def again(
        self,
        gone: Actor,
        actors: Sequence[Actor],
        frame: Frame,
        *,
        anywhere: bool = False,
        replaced: bool = False,
    ) -> Actor | None:
        """Who of those who are there is the one that is gone.

        Args:
            anywhere: the scene has changed: places tell nothing.
            replaced: somebody else is shown meanwhile, who is not left for a mere resemblance.
        """
        surely, perhaps = (_BEYOND_DOUBT, _SURELY) if replaced else (_SURELY, _PERHAPS)
        gap_s = max(frame.pts_ns - gone.seen_ns, 0) / NS_PER_S
        best, least = None, 1e9
        for each in actors:
            if each is gone or not each.present or _sort(each) != _sort(gone):
                continue
            if each.identity and gone.identity:
                if each.identity == gone.identity:
                    return each
                continue
            unlike = self._unlike(gone, each, actors, frame)
            there = each.born_ns <= gone.found_ns and not anywhere
            if there and (unlike is None or unlike > _BEYOND_DOUBT):
                continue
            away = _away(each, gone)
            first, per_s, farthest = _BY_PLACE if unlike is None else _BY_LOOK
            near = (
                not anywhere
                and away <= min(first + per_s * gap_s, farthest)
                and _alike_in_size(each, gone)
            )
            if anywhere and each.tracker_id >= 0 and each.tracker_id == gone.tracker_id:
                near = True
            if unlike is None:
                fits, misfit = near, _PERHAPS + away
            else:
                fits = unlike <= surely or (near and unlike <= perhaps)
                misfit = unlike + 0.1 * min(away, 5.0)
            if fits and misfit < least:
                best, least = each, misfit
        return best

    def _compare(
        self,
        actor: Actor,
        seen: Look,
        others: Sequence[Actor],
        actors: Sequence[Actor],
        frame: Frame,
    ) -> None:
        assert actor.look is not None
        unlike = difference(actor.look, seen)
        if unlike > actor.unlike + _BETTER:
            other = self._rather(actor, unlike, others, actors, frame)
            if other is not None:
                actor.swap(other)
                actor.odd_ns = None
                return
            actor.odd_ns = frame.pts_ns if actor.odd_ns is None else actor.odd_ns
        else:
            actor.odd_ns = None
        actor.unlike += (unlike - actor.unlike) * _SLOWLY
        if actor.odd_ns is not None and frame.pts_ns - actor.odd_ns < _ODD_NS:
            return
        actor.look = actor.look.blended(seen)

    def _look(
        self, actor: Actor, actors: Sequence[Actor], frame: Frame, every_ns: int
    ) -> Look | None:
        """Their colours, if it is time to look, they are there and nobody stands before them."""
        if not _due(actor, frame.pts_ns, every_ns):
            return None
        seen = _seen(actor, actors, frame)
        if seen is not None:
            actor.seen = seen if actor.seen is None else actor.seen.blended(seen)
            actor.looked_ns = frame.pts_ns
        return seen

    def _unlike(
        self, gone: Actor, each: Actor, actors: Sequence[Actor], frame: Frame
    ) -> float | None:
        """How much more than usual somebody differs from the one that is gone.

        None if colours cannot tell: nobody can see them, or all look alike.
        """
        if not self.by_appearance or gone.look is None:
            return None
        if gone.others < _UNIFORM:
            return None
        self._look(each, actors, frame, _SEARCH_NS)
        if each.seen is None:
            return None
        return difference(gone.look, each.seen) - gone.unlike

    def _rather(
        self,
        actor: Actor,
        unlike: float,
        others: Sequence[Actor],
        actors: Sequence[Actor],
        frame: Frame,
    ) -> Actor | None:
        """Who looks as this one did."""
        assert actor.look is not None
        best, least = None, min(unlike - _BETTER, actor.unlike + _SURELY)
        met = actor.met_ns is not None and 0 <= frame.pts_ns - actor.met_ns <= _MET_NS
        if actor.identity or not met:  # a face tells more than a coat
            return None
        for each in others:
            if not each.present or _sort(each) != _sort(actor):
                continue
            if _away(each, actor) > _MIXED_UP or not _alike_in_size(each, actor):
                continue
            seen = _seen(each, actors, frame)
            if seen is not None and (other := difference(actor.look, seen)) < least:
                best, least = each, other
        return best


def _tell_apart(actor: Actor, others: Sequence[Actor]) -> None:
    """Learn how much the colours of others differ at least."""
    if actor.look is None or not actor.present:
        return
    least = min(
        (
            difference(actor.look, each.seen)
            for each in others
            if each.present and each.seen is not None and _sort(each) == _sort(actor)
        ),
        default=None,
    )
    if least is not None:
        actor.others += (least - actor.others) * (_SLOWLY if actor.others < 1 else 1.0)


def _due(actor: Actor, pts_ns: int, every_ns: int) -> bool:
    return actor.looked_ns is None or not 0 <= pts_ns - actor.looked_ns < every_ns


def _seen(actor: Actor, actors: Sequence[Actor], frame: Frame) -> Look | None:
    """The look of somebody in this frame, if they are there and nobody stands before them."""
    if actor.predicted or actor.kind == "face" or any(_covers(each, actor) for each in actors):
        return None
    return look(frame, actor.box)


def _sort(actor: Actor) -> str:
    return "person" if actor.kind == "face" else actor.kind


def _away(one: Actor, other: Actor) -> float:
    """Between their middles, in their sizes."""
    size = max(one.size_px, other.size_px, 1.0)
    return (abs(one.x - other.x) + abs(one.y - other.y)) / size


def _alike_in_size(one: Actor, other: Actor) -> bool:
    return 1 / _LIKE_SIZE <= one.size_px / max(other.size_px, 1e-6) <= _LIKE_SIZE


def _touches(each: Actor, actor: Actor) -> bool:
    one, other = each.box, actor.box
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
        and each is not actor
    )


def _covers(each: Actor, actor: Actor) -> bool:
    if each is actor or not each.present:
        return False
    one, other = each.box, actor.box
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    return width * height > _COVERED * (other[2] - other[0]) * (other[3] - other[1])
