"""Who is in an area, who has been, and for how long."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.stages.flux.shapes import Points, Zone

# Who leaves for less than this has not left.
_AWAY_NS = NS_PER_S // 2
# And who came for less has not been there.
_STAY_NS = NS_PER_S // 5


class _Stay:
    """One object in the zone, from `since_ns`, last seen there at `last_ns`."""

    __slots__ = ("class_name", "counted", "last_ns", "since_ns")

    def __init__(self, since_ns: int, class_name: str) -> None:
        self.since_ns = self.last_ns = since_ns
        self.class_name = class_name
        self.counted = False


class ZoneCount:
    """Counts in one zone; what is inside is for supervision's PolygonZone to say.

    Args:
        zone: as the user wrote it.
        corners: (n, 2) pixels.
    """

    def __init__(self, zone: Zone, corners: Points) -> None:
        self.name = zone.name
        self._total: Counter[str] = Counter()  # of objects that are gone
        self._been: dict[int, str] = {}  # of the others, and what they are called
        self._finished_ns: list[int] = [0, 0]  # sum and number of stays that are over
        self.move(corners)

    def move(self, corners: Points) -> None:
        """Go on counting elsewhere: who is there comes anew."""
        self._zone = sv.PolygonZone(
            polygon=np.rint(corners).astype(np.int64),
            triggering_anchors=(sv.Position.CENTER,),
        )
        self._stays: dict[int, _Stay] = {}
        for number in list(self._been):
            self.leave(number)

    def see(
        self,
        numbers: Sequence[int],
        class_names: Sequence[str],
        anchors: NDArray[np.float64],
        pts_ns: int,
    ) -> None:
        """Take where the objects of a frame are: (n, 2) anchors."""
        if len(numbers):
            # A box of no size, so that its centre is the anchor.
            inside = self._zone.trigger(sv.Detections(xyxy=np.hstack([anchors, anchors])))
            for number, name, is_in in zip(numbers, class_names, inside, strict=True):
                if number in self._been:
                    self._been[number] = name
                if is_in:
                    stay = self._stays.setdefault(number, _Stay(pts_ns, name))
                    stay.last_ns, stay.class_name = pts_ns, name
                    self._count(number, stay)
        for number in [n for n, s in self._stays.items() if pts_ns - s.last_ns > _AWAY_NS]:
            stay = self._stays.pop(number)
            if stay.counted:
                self._finished_ns[0] += stay.last_ns - stay.since_ns
                self._finished_ns[1] += 1

    def leave(self, number: int) -> None:
        """An object will not come back."""
        if number in self._been:
            self._total[self._been.pop(number)] += 1

    def told(self) -> dict[str, object]:
        """Name, how many are in it by class, how many have been, and how long they stay."""
        here = {n: stay for n, stay in self._stays.items() if stay.counted}
        total_ns, number = self._finished_ns
        return {
            "name": self.name,
            "now": dict(Counter(stay.class_name for stay in here.values())),
            "total": dict(self._total + Counter(self._been.values())),
            "dwell_s": {
                "mean": round(total_ns / number / NS_PER_S, 2) if number else None,
                "now": [
                    round((stay.last_ns - stay.since_ns) / NS_PER_S, 2) for stay in here.values()
                ],
            },
        }

    def _count(self, number: int, stay: _Stay) -> None:
        if stay.counted or stay.last_ns - stay.since_ns < _STAY_NS:
            return
        stay.counted = True
        self._been.setdefault(number, stay.class_name)
