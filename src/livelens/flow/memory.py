"""What a descriptor has read off each object of a stream, and which object it should see next."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.clock import NS_PER_S, nanoseconds
from livelens.descriptor import DescriptorSpec
from livelens.errors import StageError, one_line
from livelens.flow.smoothing import Weighed, smoothed
from livelens.types import Attribute, Item

# A track that is not seen for this long is over: trackers keep lost ones for less.
_FORGET_NS = 5 * NS_PER_S
# So many readings make an object known; until then it is described more often.
_KNOWN_READINGS = 3
_EAGER = 4
# An object that is seen this much better than ever before need not wait for its turn.
_MUCH_BETTER = 1.5
_MOST_READINGS = 64
# A descriptor that invents names would otherwise fill memory and messages.
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class _Asked:
    """Requests for one object so far.

    Attributes:
        times: how many.
        pts_ns: of the frame of the latest.
        best: how well it was seen at best.
    """

    times: int = 0
    pts_ns: int = 0
    best: float = 0.0

    def again(self, pts_ns: int, quality: float) -> "_Asked":
        return _Asked(self.times + 1, pts_ns, max(self.best, quality))


@dataclass(eq=False)
class _Known:
    """One object: when it was seen and asked for, and what was read off it."""

    seen_ns: int
    asked: _Asked = _Asked()
    waiting: bool = False
    readings: dict[str, deque[Weighed]] = field(default_factory=dict)
    told: Mapping[str, Attribute] = field(default_factory=dict)


class Memory:
    """The objects of one stream, for one descriptor. Safe to use from several threads.

    Args:
        spec: the descriptor's settings.
        patient: frames wait for their descriptions. What is due then goes by the frames alone,
            so that every run gives the same result; else a busy descriptor is not asked again.
    """

    def __init__(self, spec: DescriptorSpec, *, patient: bool = False) -> None:
        self._spec = spec
        self._patient = patient
        self._classes = frozenset(spec.describes if spec.classes is None else spec.classes)
        self._refresh_ns = nanoseconds(spec.refresh_s)
        self._window_ns = nanoseconds(spec.window_s)
        self._lock = threading.Lock()
        self._objects: dict[int, _Known] = {}
        # By frame, the objects asked for: what had been asked before, and how well each is seen.
        self._requests: dict[int, dict[int, tuple[_Asked, float]]] = {}

    def due(self, item: Item) -> NDArray[np.intp]:
        """Indices of the detections to describe now, most urgent first; they count as asked."""
        found, pts_ns = item.detections, item.frame.pts_ns
        with self._lock:
            self._forget(pts_ns)
            if found is None or found.tracker_id is None:
                return np.empty(0, np.intp)
            urgent: list[tuple[float, float, int]] = []
            quality = _qualities(found, item.frame.size_px, self._spec.min_size_px)
            for i, tracker_id in enumerate(found.tracker_id.tolist()):
                if tracker_id < 0:
                    continue
                known = self._objects.setdefault(tracker_id, _Known(pts_ns))
                known.seen_ns = pts_ns
                if self._wanted(found, i):
                    urgency = self._urgency(known, float(quality[i]), pts_ns)
                    if urgency >= 1:
                        urgent.append((urgency, float(quality[i]), i))
            urgent.sort(reverse=True)
            chosen = urgent[: self._spec.max_objects]
            request: dict[int, tuple[_Asked, float]] = {}
            for _, how_well, i in chosen:
                known = self._objects[int(found.tracker_id[i])]
                request[int(found.tracker_id[i])] = known.asked, how_well
                known.asked, known.waiting = known.asked.again(pts_ns, how_well), True
            if request:
                self._requests[item.frame.seq] = request
            return np.array([i for _, _, i in chosen], np.intp)

    def learn(self, item: Item) -> None:
        """Take what was read off the objects of a frame that were asked for.

        Raises:
            StageError: what the descriptor concludes cannot be used; the readings are kept.
        """
        wrong: StageError | None = None
        with self._lock:
            for tracker_id, (_, quality) in self._requests.pop(item.frame.seq, {}).items():
                known = self._objects.get(tracker_id)
                if known is not None:
                    known.waiting = False
                    try:
                        self._add(known, item.attributes.get(tracker_id, {}), quality)
                    except StageError as error:
                        wrong = error
        if wrong is not None:
            raise wrong

    def lost(self, item: Item) -> None:
        """A frame will not be described after all: its objects are as if never asked for."""
        with self._lock:
            for tracker_id, (before, _) in self._requests.pop(item.frame.seq, {}).items():
                known = self._objects.get(tracker_id)
                if known is not None:
                    known.waiting = False
                    known.asked = known.asked if self._patient else before

    def attributes(self, item: Item) -> Mapping[int, Mapping[str, Attribute]]:
        """The item's attributes with those of this descriptor."""
        found = item.detections
        if found is None or found.tracker_id is None:
            return item.attributes
        attributes = dict(item.attributes)
        with self._lock:
            for tracker_id in found.tracker_id.tolist():
                known = self._objects.get(tracker_id)
                if known is not None and known.told:
                    attributes[tracker_id] = {**attributes.get(tracker_id, {}), **known.told}
        return attributes

    def clear(self) -> None:
        """Forget everything: the objects will have other numbers from now on."""
        with self._lock:
            self._objects.clear()
            self._requests.clear()

    def _wanted(self, found: sv.Detections, i: int) -> bool:
        names, predicted = found.data.get("class_name"), found.data.get("predicted")
        if predicted is not None and predicted[i] == 1:
            return False  # its box is a guess
        if self._classes and (names is None or str(names[i]) not in self._classes):
            return False
        left, top, right, bottom = found.xyxy[i]
        return bool(min(right - left, bottom - top) >= self._spec.min_size_px)

    def _urgency(self, known: _Known, quality: float, pts_ns: int) -> float:
        """1 or more if the object is due."""
        if known.waiting and not self._patient:
            return 0.0
        asked = known.asked
        if not asked.times:
            return float("inf")
        wait_ns = self._refresh_ns
        if asked.times < _KNOWN_READINGS or quality > _MUCH_BETTER * asked.best:
            wait_ns //= _EAGER
        return (pts_ns - asked.pts_ns) / max(wait_ns, 1)

    def _add(self, known: _Known, read: Mapping[str, Attribute], quality: float) -> None:
        if not read:
            return
        for name, attribute in read.items():
            # The name goes to the end: what was read longest ago comes first.
            past = known.readings.pop(name, None) or deque(maxlen=_MOST_READINGS)
            known.readings[name] = past
            past.append(Weighed(attribute, quality))
            while past[0].attribute.pts_ns < attribute.pts_ns - self._window_ns:
                past.popleft()
        for stale in list(known.readings)[:-_MOST_NAMES]:
            del known.readings[stale]
        known.told = {name: smoothed(list(past)) for name, past in known.readings.items()}
        known.told = self._concluded(known.told)

    def _concluded(self, told: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        try:
            concluded: object = self._spec.concluded(told)
        except Exception as error:  # noqa: BLE001 - the descriptor's author may raise anything
            raise StageError(f"concluded() raised {one_line(error)}") from None
        if isinstance(concluded, Mapping) and all(
            isinstance(name, str) and isinstance(each, Attribute)
            for name, each in concluded.items()
        ):
            return concluded
        raise StageError("concluded() must return a mapping from names to Attributes")

    def _forget(self, pts_ns: int) -> None:
        gone = [
            tracker_id
            for tracker_id, known in self._objects.items()
            if abs(pts_ns - known.seen_ns) > _FORGET_NS
        ]
        for tracker_id in gone:
            del self._objects[tracker_id]


def _qualities(
    found: sv.Detections, size_px: tuple[int, int], min_size_px: int
) -> NDArray[np.float64]:
    """How well each object is seen, 0..1: sure, large, and not cut by the picture's edge."""
    boxes = found.xyxy.astype(float)
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    large = np.clip(sides / (4 * min_size_px), 0.05, 1.0)
    limits = np.array([size_px[0] - 1, size_px[1] - 1])
    whole = (boxes[:, :2] > 1).all(axis=1) & (boxes[:, 2:] < limits).all(axis=1)
    sure = found.confidence if found.confidence is not None else np.ones(len(found))
    qualities: NDArray[np.float64] = np.asarray(sure, float) * large * np.where(whole, 1.0, 0.5)
    return qualities
