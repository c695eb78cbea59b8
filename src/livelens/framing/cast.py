"""Who is in the scene: the candidates of each frame as the same ones from frame to frame.

A tracker's numbers are believed unless they jump. Without a tracker, and where numbers change,
places decide.
"""

import math
from collections.abc import Collection, Sequence

from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from livelens.clock import NS_PER_S
from livelens.framing.appearance import USUALLY_UNLIKE, Look
from livelens.framing.candidates import Box, Candidate, Kind

# Speed is that of the last third of a second, so that a step of the legs is none.
_SPEED_S = 0.3
# Who is not found goes on as before for so long, ever slower.
_COAST_S = 0.3
# Whoever is not seen for so long is forgotten, unless somebody asks for them.
_FORGOTTEN_NS = NS_PER_S
# A box that changes its shape by more than this from one frame to the next is believed when it
# does so again, or for so long: a detector that saw half of somebody once must not move the shot.
_SHAPE = 0.25
_SHAPE_NS = NS_PER_S // 10
# By place alone they are the same one only after so short a time.
_NEIGHBOUR_NS = round(0.6 * NS_PER_S)
# How far, in its own sizes, and how much farther in each second, something may be from where it
# was expected: as a neighbour in place, and with the same number from a tracker.
_NEAR, _NEAR_PER_S = 0.3, 1.0
_JUMP, _JUMP_PER_S = 2.0, 3.0
_LIKE_SIZE = 2.0
# What the tracker knew, and did not take for the same, is so much nearer if it is.
_UNNUMBERED = 0.5
_STEP = 0.5
_LIKE_BUILD, _SAME_HEAD = 1.6, 0.15
# A person whose face alone is found is still as large as before for so long.
_BODY_NS = NS_PER_S
# And one whose face is not found has it where it was, relative to the rest.
_FACE_NS = NS_PER_S // 2
_NEVER = 1e6


class Actor:
    """One of those in the scene.

    Attributes:
        box: of the latest frame, or where it should be by now.
        face: in the same way; None if it never had one.
        velocity: pixels per second.
        present: it was seen in the latest frame.
        born_ns, back_ns: pts when it was first seen, and when first after it was missed.
        found_ns, seen_ns: pts when a detector, and when a detector or the tracker had it last.
        importance: for the choice, smoothed over time.
        better_ns, fits_ns: since when it is more important than who is shown, and since when it
            fits into the shot with them; None if it does not.
        look: its colours, where they are known.
        unlike: how much its colours differ from one time to another, and `others` how much those
            of who was there with it differ from them at least.
        odd_ns: since when it does not look like itself; None if it does.
        seen: its colours when they were last looked at.
        met_ns: when it last touched another one in the picture.
    """

    def __init__(self, candidate: Candidate, pts_ns: int) -> None:
        self.kind: Kind = candidate.kind
        self.box, self.face = candidate.box, candidate.face
        self.tracker_id, self.face_id = candidate.tracker_id, candidate.face_id
        self.score, self.weight = candidate.score, candidate.weight
        self.identity = candidate.identity
        self.velocity = (0.0, 0.0)
        self.present = True
        self.predicted = candidate.predicted
        self.born_ns = self.found_ns = self.seen_ns = self.box_ns = self._body_ns = (
            self._face_ns
        ) = pts_ns
        self.importance: float | None = None
        self.better_ns: int | None = None
        self.fits_ns: int | None = None
        self.back_ns = pts_ns
        self.look: Look | None = None
        self.unlike = USUALLY_UNLIKE
        self.others = 1.0
        self.seen: Look | None = None
        self.met_ns: int | None = None
        self.odd_ns: int | None = None
        self.looked_ns: int | None = None
        self._speed_box = candidate.box
        self._shape_ns: int | None = None

    @property
    def x(self) -> float:
        return (self.box[0] + self.box[2]) / 2

    @property
    def y(self) -> float:
        return (self.box[1] + self.box[3]) / 2

    @property
    def size_px(self) -> float:
        """The longer side of its box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    def see(self, candidate: Candidate, pts_ns: int) -> None:
        """Take what continues it."""
        box, face, kind, before = candidate.box, candidate.face, candidate.kind, self.box
        if kind == "face" and self.kind == "person" and self.face is not None:
            face = candidate.box
            if pts_ns - self._body_ns <= _BODY_NS:
                # Only the head was found: the body goes with it.
                right = (face[0] + face[2] - self.face[0] - self.face[2]) / 2
                down = (face[1] + face[3] - self.face[1] - self.face[3]) / 2
                box, kind = _moved(self.box, right, down), "person"
            self.face_id = candidate.tracker_id
        elif candidate.face_id >= 0:
            self.face_id = candidate.face_id
        if kind != "face":
            self._body_ns = self._body_ns if candidate.kind == "face" else pts_ns
            self.tracker_id = candidate.tracker_id if candidate.kind != "face" else self.tracker_id
        elif candidate.tracker_id >= 0:
            self.tracker_id = candidate.tracker_id
        self._move(box, pts_ns, same_kind=kind == self.kind and not candidate.predicted)
        if face is not None:
            self.face, self._face_ns = face, pts_ns
        elif self.face is not None:
            # Turned away for a moment, its head is still there.
            right = (self.box[0] + self.box[2] - before[0] - before[2]) / 2
            gone = pts_ns - self._face_ns > _FACE_NS
            self.face = None if gone else _moved(self.face, right, self.box[1] - before[1])
        self.kind, self.weight = kind, candidate.weight
        self.score = candidate.score
        self.identity = candidate.identity or self.identity
        self.back_ns = self.back_ns if self.present else pts_ns
        self.present, self.predicted = True, candidate.predicted
        self.seen_ns = pts_ns
        if not candidate.predicted:
            self.found_ns = pts_ns

    def miss(self, pts_ns: int) -> None:
        """It is not in this frame: where it should be by now."""
        self.present = False
        since_s = (pts_ns - self.box_ns) / NS_PER_S
        before_s = max(self.box_ns - self.seen_ns, 0) / NS_PER_S
        gone = math.exp(-before_s / _COAST_S) - math.exp(-(before_s + since_s) / _COAST_S)
        right, down = (each * _COAST_S * gone for each in self.velocity)
        limit = self.size_px / 2
        if abs(right) + abs(down) > 1e-3:
            right, down = (min(max(each, -limit), limit) for each in (right, down))
            self.box = _moved(self.box, right, down)
            self.face = _moved(self.face, right, down) if self.face else None
        self.box_ns = pts_ns

    def absorb(self, other: "Actor") -> None:
        """It is the same one as another, which was seen later."""
        self.kind, self.box, self.face = other.kind, other.box, other.face
        self.tracker_id, self.face_id = other.tracker_id, other.face_id
        self.score, self.weight, self.velocity = other.score, other.weight, other.velocity
        self.present, self.predicted = other.present, other.predicted
        self.found_ns, self.seen_ns, self.back_ns = other.found_ns, other.seen_ns, other.back_ns
        self.box_ns, self._body_ns = other.box_ns, other._body_ns
        self._face_ns = other._face_ns
        self._speed_box, self._shape_ns = other._speed_box, other._shape_ns
        self.identity = other.identity or self.identity

    def swap(self, other: "Actor") -> None:
        """The tracker, or places, took each for the other."""
        mine = Actor(Candidate(self.box, self.kind, self.weight), self.seen_ns)
        mine.absorb(self)
        self.absorb(other)
        other.absorb(mine)

    def leave(self, pts_ns: int) -> None:
        """The scene has changed, and it is not there."""
        self.present, self.velocity = False, (0.0, 0.0)
        self.seen_ns, self.found_ns = min(self.seen_ns, pts_ns), min(self.found_ns, pts_ns)
        self.box_ns = pts_ns

    def scale(self, across: float, down: float) -> None:
        """The picture's size has changed by these factors."""
        for name in ("box", "face", "_speed_box"):
            box = getattr(self, name)
            if box is not None:
                setattr(
                    self, name, (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
                )
        self.velocity = self.velocity[0] * across, self.velocity[1] * down

    def _move(self, box: Box, pts_ns: int, *, same_kind: bool) -> None:
        old = self.box
        elapsed_s = (pts_ns - self.box_ns) / NS_PER_S
        away_ns = pts_ns - self.seen_ns
        self.box_ns = pts_ns
        if same_kind and away_ns < 2 * _SHAPE_NS and _another_shape(old, box):
            self._shape_ns = pts_ns if self._shape_ns is None else self._shape_ns
            if pts_ns - self._shape_ns < _SHAPE_NS and elapsed_s > 0:
                # As large as it was, where its steadier edges are.
                right = _steadier(box[0] - old[0], box[2] - old[2])
                down = _steadier(box[1] - old[1], box[3] - old[3])
                self.box = _moved(old, right, down)
                return
        else:
            self._shape_ns = None
        self.box = box
        since_s = max(elapsed_s, away_ns / NS_PER_S)
        if since_s > 0:
            self._learn_speed(box, since_s)

    def _learn_speed(self, box: Box, elapsed_s: float) -> None:
        """A critically damped g-h filter (Brookner, "Tracking and Kalman Filtering", 1998)."""
        forget = math.exp(-elapsed_s / _SPEED_S)
        g, h = 1 - forget * forget, (1 - forget) ** 2
        (vx, vy), last = self.velocity, self._speed_box
        x, y = (last[0] + last[2]) / 2 + vx * elapsed_s, (last[1] + last[3]) / 2 + vy * elapsed_s
        off_x, off_y = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
        self.velocity = vx + h * off_x / elapsed_s, vy + h * off_y / elapsed_s
        x, y = x + g * off_x, y + g * off_y
        self._speed_box = (x, y, x, y)


class Cast:
    """The actors of one stream."""

    def __init__(self) -> None:
        self.actors: list[Actor] = []

    def see(
        self, candidates: Sequence[Candidate], pts_ns: int, wanted: Collection[Actor] = ()
    ) -> None:
        """Take the candidates of a frame, in the order of time.

        Args:
            wanted: those who are never forgotten.
        """
        by_number = {a.tracker_id: a for a in self.actors if a.tracker_id >= 0}
        by_face = {a.face_id: a for a in self.actors if a.face_id >= 0}
        taken: set[Actor] = set()
        rest: list[Candidate] = []
        for each in candidates:
            actor = by_number.get(each.tracker_id) or by_face.get(
                each.face_id if each.face_id >= 0 else each.tracker_id
            )
            if actor is None or actor in taken or not _plausible(actor, each, pts_ns):
                rest.append(each)
            else:
                taken.add(actor)
                actor.see(each, pts_ns)
        recent = pts_ns - _NEIGHBOUR_NS
        free = [a for a in self.actors if a not in taken and a.seen_ns >= recent]
        if rest:
            new = []
            for each, actor in zip(rest, _matched(rest, free, pts_ns), strict=True):
                if actor is None:
                    new.append(Actor(each, pts_ns))
                else:
                    taken.add(actor)
                    actor.see(each, pts_ns)
            self.actors.extend(new)
            taken.update(new)
        oldest = pts_ns - _FORGOTTEN_NS
        for actor in self.actors:
            if actor not in taken:
                actor.miss(pts_ns)
        self.actors = [actor for actor in self.actors if actor.seen_ns >= oldest or actor in wanted]

    def replace(self, actor: Actor, by: Actor) -> None:
        """Have one instead of another, who is the same."""
        self.actors = [each for each in self.actors if each is not by]
        self.actors = [by if each is actor else each for each in self.actors]

    def clear(self) -> None:
        """Forget all."""
        self.actors = []


def _moved(box: Box, right: float, down: float) -> Box:
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def _steadier(one: float, other: float) -> float:
    return one if abs(one) <= abs(other) else other


def _another_shape(old: Box, new: Box) -> bool:
    width, height = old[2] - old[0], old[3] - old[1]
    return (
        abs(new[2] - new[0] - width) > _SHAPE * width
        or abs(new[3] - new[1] - height) > _SHAPE * height
    )


def _plausible(actor: Actor, candidate: Candidate, pts_ns: int) -> bool:
    """Whether the tracker's number may be believed: nobody is at once somewhere else."""
    if candidate.predicted:
        return True
    gap_s = (pts_ns - actor.seen_ns) / NS_PER_S
    if candidate.kind == actor.kind and not _same_build(actor.box, candidate.box, gap_s):
        return False
    return _misfit(actor, candidate, 0.0, _JUMP + _JUMP_PER_S * gap_s, 4.0) < _NEVER


def _same_build(old: Box, new: Box, gap_s: float) -> bool:
    """Whether a box may have become another: nobody grows by half at once.

    Of somebody who is half hidden, head and width remain.
    """
    like = _LIKE_BUILD + gap_s
    width, height = old[2] - old[0], old[3] - old[1]
    across, down = (new[2] - new[0]) / width, (new[3] - new[1]) / height
    if not 1 / like <= across <= like:
        return False
    return 1 / like <= down <= like or abs(new[1] - old[1]) <= _SAME_HEAD * max(height, width)


def _misfit(
    actor: Actor, candidate: Candidate, elapsed_s: float, reach: float, like: float
) -> float:
    """How far a candidate is from where the actor should be; 1 is as far as it may be."""
    mine, its = actor.box, candidate.box
    if candidate.kind != actor.kind:
        if candidate.kind == "face" and actor.face is not None:
            mine = actor.face
        elif actor.kind == "face" and candidate.face is not None:
            its = candidate.face
        else:
            return _NEVER
    width, height = mine[2] - mine[0], mine[3] - mine[1]
    its_width, its_height = its[2] - its[0], its[3] - its[1]
    size = width if width > height else height
    other = its_width if its_width > its_height else its_height
    if not size / like <= other <= size * like:
        return _NEVER
    # Somebody who stands is narrow, and a step is as long as they are wide, or half as high.
    wide = reach * max(width, its_width, _STEP * size)
    high = reach * max(height, its_height, _STEP * size) * _STEP
    vx, vy = actor.velocity
    right = abs((mine[0] + mine[2] - its[0] - its[2]) / 2 + vx * elapsed_s) / wide
    down = abs((mine[1] + mine[3] - its[1] - its[3]) / 2 + vy * elapsed_s) / high
    return right + down if right <= 1 and down <= 1 else _NEVER


def _matched(
    candidates: Sequence[Candidate], actors: Sequence[Actor], pts_ns: int
) -> list[Actor | None]:
    """Who each candidate is by its place; None is somebody new."""
    if not actors:
        return [None] * len(candidates)
    known = [
        (
            actor,
            actor.x,
            actor.size_px,
            min((pts_ns - actor.box_ns) / NS_PER_S, _COAST_S) if actor.present else 0.0,
            _NEAR + _NEAR_PER_S * (pts_ns - actor.seen_ns) / NS_PER_S,
        )
        for actor in actors
    ]
    costs = []
    for each in candidates:
        box, kind = each.box, each.kind
        x, size = (box[0] + box[2]) / 2, max(box[2] - box[0], box[3] - box[1])
        row = []
        for actor, its_x, its_size, elapsed_s, farthest in known:
            doubtful = each.tracker_id < 0 <= actor.tracker_id
            reach = farthest * _UNNUMBERED if doubtful else farthest
            # Most are far from each other: look closer at neighbours only.
            far = reach * (size + its_size) + abs(actor.velocity[0]) * elapsed_s
            if kind == actor.kind and not -far < x - its_x < far:
                row.append(_NEVER)
            else:
                row.append(_misfit(actor, each, elapsed_s, reach, _LIKE_SIZE))
        costs.append(row)
    found: list[Actor | None] = [None] * len(candidates)
    rows, columns = linear_sum_assignment(costs)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if costs[row][column] < _NEVER:
            found[row] = actors[column]
    return found
