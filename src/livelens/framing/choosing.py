"""Who is the most important, and for how long: the choice, without flicker."""

import math
from collections.abc import Collection, Sequence

from livelens.clock import NS_PER_S, nanoseconds
from livelens.framing.candidates import Box, Choice
from livelens.framing.cast import Actor
from livelens.framing.geometry import Field

# Importance is that of the last seconds, not of one frame.
_MEMORY_S = 0.7
# Another one must be so much more important.
_BETTER = 1.15
# Whoever is seen for less than this may be none: a false detection seldom lasts.
SURE_NS = round(0.25 * NS_PER_S)
# One in the group stays as long as all fit, another joins when there is some air left.
_AIR = 0.92
_JOINS_S = 0.5
_LOYAL = 1.25
# More overlap than this is one thing, found by two detectors.
_SAME = 0.7


class Ballot:
    """Weighs the actors of one stream, in the order of time."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._last_ns: int | None = None

    def weigh(self, actors: Sequence[Actor], field: Field, pts_ns: int) -> None:
        """Bring the importance of those who are present up to date."""
        elapsed_s = 0.0 if self._last_ns is None else max(pts_ns - self._last_ns, 0) / NS_PER_S
        self._last_ns = pts_ns
        part = 1 - math.exp(-elapsed_s / _MEMORY_S)
        asked, area = self.choice, field.area
        total = asked.by_score + asked.by_size + asked.by_centrality + asked.by_motion
        middle_x, middle_y = area.x, area.y
        radius = math.hypot(area.width, area.height) / 2
        surface = area.area
        for actor in actors:
            if not actor.present:
                continue
            left, top, right, bottom = actor.box
            importance = actor.weight
            if total > 0 and surface > 0:
                width, height = right - left, bottom - top
                away = math.hypot((left + right) / 2 - middle_x, (top + bottom) / 2 - middle_y)
                speed = math.hypot(*actor.velocity) / max(width, height, 1.0)
                importance *= (
                    asked.by_score * actor.score
                    + asked.by_size * min(2 * math.sqrt(width * height / surface), 1.0)
                    + asked.by_centrality * max(1 - away / radius, 0.0)
                    + asked.by_motion * min(speed, 1.0)
                ) / total
            if actor.importance is None:
                actor.importance = importance
            else:
                actor.importance += (importance - actor.importance) * part

    def best(self, actors: Sequence[Actor], pts_ns: int, *, at_once: bool) -> Actor | None:
        """The most important of those who are surely there, or with `at_once` of all."""
        sure = [
            each
            for each in actors
            if each.present and each.weight > 0 and (at_once or pts_ns - each.back_ns >= SURE_NS)
        ]
        return max(sure, key=lambda each: each.importance or 0.0, default=None)

    def better(self, actors: Sequence[Actor], lead: Actor, pts_ns: int) -> Actor | None:
        """Who has been more important than the lead for long enough."""
        bar = (lead.importance or 0.0) * _BETTER
        switch_ns = nanoseconds(self.choice.switch_s)
        winner = None
        for each in actors:
            if each is lead or not each.present or each.weight <= 0:
                each.better_ns = None
                continue
            if (each.importance or 0.0) <= bar:
                each.better_ns = None
                continue
            if each.better_ns is None:
                each.better_ns = pts_ns
            if pts_ns - each.better_ns >= switch_ns and (
                winner is None or (each.importance or 0.0) > (winner.importance or 0.0)
            ):
                winner = each
        return winner

    def holds_against(self, former: Actor, lead: Actor | None) -> bool:
        """Whether who comes back would not be left again for who is shown now."""
        if lead is None or not lead.present:
            return True
        return (former.importance or 0.0) * _BETTER >= (lead.importance or 0.0)

    def company(
        self,
        lead: Actor,
        actors: Sequence[Actor],
        before: Collection[Actor],
        field: Field,
        pts_ns: int,
        margin: float,
    ) -> list[Actor]:
        """The lead and those who fit into the largest shot with it, the most important first.

        Args:
            before: who was in the shot so far.
            margin: room at every edge, in parts of the viewport.
        """
        most = self.choice.group
        chosen, box = [lead], lead.box
        if most <= 1:
            return chosen
        limit = field.widest * (1 - 2 * margin), field.highest * (1 - 2 * margin)
        hold_ns = nanoseconds(self.choice.hold_s)
        joins_ns = nanoseconds(min(self.choice.switch_s, _JOINS_S))
        others = [
            each
            for each in actors
            if each is not lead
            and each.weight > 0
            and (each.present or (each in before and pts_ns - each.seen_ns <= hold_ns))
        ]
        others.sort(key=lambda a: -(a.importance or 0.0) * (_LOYAL if a in before else 1.0))
        alone = len(before) <= 1 and lead not in before
        for each in others:
            if len(chosen) >= most or any(_overlap(each.box, one.box) > _SAME for one in chosen):
                each.fits_ns = None
                continue
            both = _union(box, each.box)
            air = 1.0 if each in before else _AIR
            if both[2] - both[0] > limit[0] * air or both[3] - both[1] > limit[1] * air:
                each.fits_ns = None
                continue
            each.fits_ns = pts_ns if each.fits_ns is None else each.fits_ns
            if each in before or alone or pts_ns - each.fits_ns >= joins_ns:
                chosen.append(each)
                box = both
        return chosen


def _union(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return shared / (both - shared)
