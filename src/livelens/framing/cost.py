"""What a bad path costs: what the operator plans for, and what paths are compared by.

For each second of a path it counts the square of how far the middle is from where it belongs,
what is cut off of the subject, the amount of speed and the square of the jerk, for each axis and
the logarithm of the size; and each cut has its price. Lengths are in widths (across) and heights
(down) of the viewport. The amount of speed makes a camera stand or pan, as people do, where
squares alone would make it drift all the time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.framing.geometry import Field, Shot, Target
from livelens.framing.motion import Limits, Motion

Vector = NDArray[np.float64]

# Of what is cut off of the subject: its square, and its amount. With the square alone a little
# would always be let go for a smoother path.
CUT_OFF = (100.0, 50.0)
# As much as a tenth of a viewport of the subject being out for half a frame.
PRICE_OF_CUT = 0.1
# Room between the subject and the viewport's edge, in viewports.
MARGIN = 0.01
# Smaller viewports than this, as parts of the largest, are points.
LEAST_SIZE = 0.01
# No frame counts for longer than this: there was none.
_LONGEST_S = 0.5


def speed_weight(limits: Limits) -> float:
    """With this weight of its amount an axis stands while that is as good as moving.

    Being out by a band for a response costs half as much as going there.
    """
    return 2 * limits.band * limits.response_s


def jerk_weight(limits: Limits) -> float:
    """With this weight an axis that nothing hinders answers in `response_s`."""
    return limits.response_s**6


@dataclass(frozen=True, slots=True)
class Aims:
    """Where one axis belongs and may be, one number for each time.

    Attributes:
        want: where it belongs.
        low, high: between these nothing of the subject is cut off.
        first, last: between these it must stay.
    """

    want: Vector
    low: Vector
    high: Vector
    first: Vector
    last: Vector

    @classmethod
    def of_middle(
        cls,
        want: Vector,
        low: Vector,
        high: Vector,
        view: Vector,
        start: Vector | float,
        end: Vector | float,
    ) -> "Aims":
        """Of the viewport's middle; of several axes at once where all are (axes, times).

        Args:
            want: where it belongs.
            low, high: the subject's edges.
            view: the viewport's length.
            start, end: the area's edges.
        """
        half = view / 2
        first = start + half
        last = np.maximum(end - half, first)
        spare = view - (high - low)
        margin = np.minimum(np.maximum(spare / 2, 0.0), MARGIN * view)
        # What is too long for the viewport should fill it.
        one, other = high - half + margin, low + half - margin
        return cls(
            np.minimum(np.maximum(want, first), last),
            np.minimum(np.maximum(np.minimum(one, other), first), last),
            np.minimum(np.maximum(np.maximum(one, other), first), last),
            first,
            last,
        )

    def row(self, axis: int) -> "Aims":
        """One of several axes."""
        return Aims(
            self.want[axis], self.low[axis], self.high[axis], self.first[axis], self.last[axis]
        )

    @classmethod
    def of_size(cls, want: Vector, needed: Vector, largest: Vector) -> "Aims":
        """Of the logarithm of the viewport's size.

        Args:
            want: the size that it should have.
            needed: that shows the whole subject.
            largest: that it may have.
        """
        last = np.log(np.maximum(largest, LEAST_SIZE))
        low = np.minimum(np.log(np.maximum(needed, LEAST_SIZE)), last)
        wanted = np.minimum(np.log(np.maximum(want, LEAST_SIZE)), last)
        least = np.full_like(last, math.log(LEAST_SIZE))
        return cls(wanted, low, last, least, last)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a clip: what it aims at, and in which unit: one length for each time."""

    aims: Aims
    limits: Limits
    unit: Vector


@dataclass(frozen=True, slots=True)
class Clip:
    """A whole clip: what should be shown in each of its frames, as numbers.

    Attributes:
        times_s: of the frames, from the first.
        fields, targets: one for each frame.
    """

    times_s: Vector
    fields: Sequence[Field]
    targets: Sequence[Target]

    @classmethod
    def of(cls, fields: Field | Sequence[Field], targets: Sequence[Target]) -> "Clip":
        """Raises ValueError: there is not one field for each target, or time goes back."""
        if isinstance(fields, Field):
            fields = [fields] * len(targets)
        if len(fields) != len(targets):
            raise ValueError(f"{len(fields)} fields for {len(targets)} targets")
        pts_ns = np.array([target.pts_ns for target in targets], np.int64)
        if (np.diff(pts_ns) <= 0).any():
            raise ValueError("targets: not in the order of time")
        times_s = (pts_ns - (pts_ns[0] if len(pts_ns) else 0)) / NS_PER_S
        return cls(times_s, fields, targets)

    @property
    def lasts_s(self) -> Vector:
        """How long each frame is shown."""
        steps = np.diff(self.times_s)
        last = float(np.median(steps)) if len(steps) else 0.0
        lasts: Vector = np.minimum(np.append(steps, last), _LONGEST_S)
        return lasts

    def sizes(self, shots: Sequence[Shot]) -> Vector:
        """Of the viewports, where 1 is the largest of the wanted aspect."""
        sizes = [
            max(shot.view.width / field.widest, shot.view.height / field.highest)
            for field, shot in zip(self.fields, shots, strict=True)
        ]
        return np.asarray(np.maximum(np.array(sizes), LEAST_SIZE))

    def zoom(self, motion: Motion) -> Axis:
        """The logarithm of the size."""
        want, needed, largest = (np.empty(len(self.targets)) for _ in range(3))
        for i, (field, target) in enumerate(zip(self.fields, self.targets, strict=True)):
            want[i], largest[i] = target.size, field.largest
            needed[i] = size_needed(field, target)
        aims = Aims.of_size(want, needed, largest)
        return Axis(aims, motion.zoom, np.ones_like(want))

    def pan(self, motion: Motion, side: Literal["x", "y"], sizes: Vector) -> Axis:
        """The middle, across or down, of a viewport of these sizes."""
        rows = np.empty((len(self.targets), 6))
        for i, (field, target) in enumerate(zip(self.fields, self.targets, strict=True)):
            width, height = field.size_px(float(sizes[i]))
            keep, area = target.keep.intersection(field.area), field.area
            if side == "x":
                rows[i] = target.x, keep.left, keep.right, width, area.left, area.right
            else:
                rows[i] = target.y, keep.top, keep.bottom, height, area.top, area.bottom
        return Axis(Aims.of_middle(*rows.T), motion.pan, rows[:, 3].copy())


def size_needed(field: Field, target: Target) -> float:
    """Size of the viewport that shows the whole subject."""
    keep = target.keep.intersection(field.area)
    return max(keep.width / field.widest, keep.height / field.highest) * (1 + 2 * MARGIN)


def cost(
    fields: Field | Sequence[Field],
    targets: Sequence[Target],
    shots: Sequence[Shot],
    motion: Motion,
) -> float:
    """What the path costs; 0 is perfect. Raises ValueError: they are not as many."""
    clip = Clip.of(fields, targets)
    if len(shots) != len(targets):
        raise ValueError(f"{len(shots)} shots for {len(targets)} targets")
    cuts = [i for i, shot in enumerate(shots) if i and shot.cut]
    sizes = clip.sizes(shots)
    paths = (
        (clip.zoom(motion), np.log(sizes)),
        (clip.pan(motion, "x", sizes), np.array([shot.view.x for shot in shots])),
        (clip.pan(motion, "y", sizes), np.array([shot.view.y for shot in shots])),
    )
    moved = sum(path_cost(clip, axis, path, cuts) for axis, path in paths)
    return moved + PRICE_OF_CUT * len(cuts)


def path_cost(clip: Clip, axis: Axis, path: Vector, cuts: Sequence[int]) -> float:
    """What the path of one axis costs, cuts apart."""
    aims, unit, lasts_s = axis.aims, axis.unit, clip.lasts_s
    far = (path - aims.want) / unit
    out = np.maximum(np.maximum(aims.low - path, path - aims.high) / unit, 0.0)
    square, amount = CUT_OFF
    total = float(lasts_s @ (far**2 + square * out**2 + amount * out))
    for start, end in shots_between(cuts, len(path)):
        times_s = clip.times_s[start:end]
        gone = np.abs(np.diff(path[start:end])) / unit[start : end - 1]
        total += speed_weight(axis.limits) * float(gone.sum())
        if len(times_s) > 3:
            jerks = _jerks(times_s, path[start:end]) / unit[start : end - 3]
            weights = jerk_weight(axis.limits) * (times_s[3:] - times_s[:-3]) / 3
            total += float(weights @ jerks**2)
    return total


def shots_between(cuts: Sequence[int], count: int) -> list[tuple[int, int]]:
    """First frame and end of each shot."""
    edges = [0, *cuts, count]
    return [(start, end) for start, end in pairwise(edges) if end > start]


def _jerks(times_s: Vector, path: Vector) -> Vector:
    """Third derivative, by divided differences: frames may come at any times."""
    for order in (1, 2, 3):
        path = order * np.diff(path) / (times_s[order:] - times_s[:-order])
    return path
