"""One object through all the numbers that a tracker gives it.

A tracker that loses an object and finds it again gives it a new number, and two that meet
may change theirs. Who counts would count such an object twice. So the sightings of a frame
are matched with the objects by where these should be: the tracker's number counts much, but
a new one takes over from an object that was lost near by, and one that jumps is doubted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from livelens.clock import NS_PER_S
from livelens.stages.detections import ALIKE
from livelens.stages.motion import Motion

_WINDOW_NS = NS_PER_S
# How far, in its own sizes, an object may be from where it was expected: the box of another
# detector or of half an object, and the more the longer it was not seen.
_REACH = 0.5
_REACH_PER_S = 0.5
# Who hands over is of a like size.
_LIKE_SIZE = 2.0
# Costs of matching, in misfits: what the tracker's number is worth, what it costs to be new,
# and what it must never come to.
_SAME_NUMBER = 1.0
_NEW = 1.5
_NEVER = 1e6
_GROUP = {name: f"alike {number}" for number, alike in enumerate(ALIKE) for name in alike}


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tracked object on a frame.

    Attributes:
        tracker_id: the tracker's number.
        class_name: what the tracker calls it.
        confidence: how sure the detector was, 0..1.
        box: (4,) x_min, y_min, x_max, y_max.
        predicted: the tracker's guess; no detector looked.
    """

    tracker_id: int
    class_name: str
    confidence: float
    box: NDArray[np.float64]
    predicted: bool

    @property
    def size_px(self) -> float:
        """The mean of width and height."""
        return float(self.box[2] - self.box[0] + self.box[3] - self.box[1]) / 2

    @property
    def centre(self) -> NDArray[np.float64]:
        """(2,) x, y."""
        return (self.box[:2] + self.box[2:]) / 2


class Object:
    """What is counted.

    Attributes:
        number: its own, from 1, whatever the tracker calls it.
        sighting: the latest.
        seen_ns: pts of the latest that is no guess.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.motion = Motion(_WINDOW_NS)
        self.sighting: Sighting | None = None
        self.seen_ns = 0
        self._votes: dict[str, float] = defaultdict(float)

    @property
    def class_name(self) -> str:
        """What it was called most surely, as long as it is known."""
        return max(self._votes, key=lambda name: self._votes[name], default="")

    def see(self, sighting: Sighting, pts_ns: int) -> None:
        """Take the sighting that continues it."""
        self.sighting = sighting
        if not sighting.predicted:
            self.motion.see(sighting.box, pts_ns)
            self.seen_ns = pts_ns
            self._votes[sighting.class_name] += sighting.confidence

    def misfit(self, sighting: Sighting, pts_ns: int) -> float:
        """How far this is from where the object should be; 1 is as far as it may be."""
        if self.sighting is None or _group(sighting) != _group(self.sighting):
            return float("inf")
        ratio = sighting.size_px / max(self.sighting.size_px, 1.0)
        if not 1 / _LIKE_SIZE <= ratio <= _LIKE_SIZE:
            return float("inf")
        gap_s = (pts_ns - self.seen_ns) / NS_PER_S
        expected = self.motion.predicted(pts_ns)
        # It may have gone on, stopped, or anything between.
        last = self.sighting.centre
        ahead = (expected[:2] + expected[2:]) / 2 - last
        length = max(float(ahead @ ahead), 1e-9)
        share = float(np.clip(float(ahead @ (sighting.centre - last)) / length, 0, 1))
        away = float(np.linalg.norm(sighting.centre - last - share * ahead))
        size = max(self.sighting.size_px, sighting.size_px)
        return away / (size * (_REACH + _REACH_PER_S * gap_s))


class Objects:
    """The objects of a stream.

    Args:
        handover_ns: one that is lost for longer will not come back.
    """

    def __init__(self, handover_ns: int) -> None:
        self._handover_ns = handover_ns
        self._by_id: dict[int, Object] = {}
        self._lost: list[Object] = []
        self._next = 1

    def see(
        self, sightings: Sequence[Sighting], pts_ns: int
    ) -> tuple[dict[int, Object], list[Object]]:
        """Take the sightings of a frame.

        Returns:
            The object behind each of the tracker's numbers, and those that are gone for good.
        """
        # A guess continues what it is a guess of, and is no reason for doubt.
        present = {
            each.tracker_id: self._by_id[each.tracker_id]
            for each in sightings
            if each.predicted and each.tracker_id in self._by_id
        }
        found = [each for each in sightings if not each.predicted]
        known = {
            tracker_id: object_
            for tracker_id, object_ in self._by_id.items()
            if tracker_id not in present
        }
        present.update(self._matched(found, known, pts_ns))
        stay = {object_.number for object_ in present.values()}
        self._lost = [each for each in (*self._lost, *known.values()) if each.number not in stay]
        for sighting in sightings:
            if sighting.tracker_id in present:
                present[sighting.tracker_id].see(sighting, pts_ns)
        self._by_id = present
        gone = [each for each in self._lost if pts_ns - each.seen_ns > self._handover_ns]
        self._lost = [each for each in self._lost if pts_ns - each.seen_ns <= self._handover_ns]
        return present, gone

    def clear(self) -> None:
        """Forget all of them."""
        self._by_id.clear()
        self._lost.clear()

    def _matched(
        self, found: Sequence[Sighting], known: Mapping[int, Object], pts_ns: int
    ) -> dict[int, Object]:
        """The object behind each sighting's number, at the least cost of all ways to match.

        A number speaks for the object that had it, but not against all appearances: when two
        have changed theirs, the other way round fits better.
        """
        if not found:
            return {}
        numbers = {object_.number: tracker_id for tracker_id, object_ in known.items()}
        objects = [*known.values(), *self._lost]
        cost = np.full((len(found), len(objects) + len(found)), _NEW)
        for row, sighting in enumerate(found):
            for column, object_ in enumerate(objects):
                misfit = object_.misfit(sighting, pts_ns)
                if numbers.get(object_.number) == sighting.tracker_id:
                    cost[row, column] = misfit - _SAME_NUMBER
                elif misfit <= 1:
                    cost[row, column] = misfit
                else:
                    cost[row, column] = np.inf
        cost[~np.isfinite(cost)] = _NEVER
        matched = {}
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < _NEW:
                matched[found[row].tracker_id] = objects[column]
            else:
                matched[found[row].tracker_id] = Object(self._next)
                self._next += 1
        return matched


def _group(sighting: Sighting) -> str:
    return _GROUP.get(sighting.class_name, sighting.class_name)
