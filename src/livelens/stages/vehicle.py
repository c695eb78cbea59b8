"""What a vehicle is and where it goes, from the motion of its own box."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from livelens.clock import NS_PER_S, nanoseconds
from livelens.spec import StageSpec
from livelens.stages.motion import Motion
from livelens.types import Attribute, Item

VEHICLES = ("car", "bus", "truck", "motorcycle", "bicycle")
# By heading, in steps of 45 degrees from 0.
_WORDS = ("up", "up-right", "right", "down-right", "down", "down-left", "left", "up-left")
# Slower than this part of its own size in a second, a box only trembles.
_STILL_PER_S = 0.1
_LEAST_NS = NS_PER_S // 5
_FORGET_NS = 5 * NS_PER_S


class Vehicle(StageSpec, frozen=True, kw_only=True):
    """Tells the type, direction and speed of vehicles, or of anything that is tracked.

    Attributes of an object: `type`, its class; `speed`, in pixels per second; `heading`, in
    degrees as on a compass that lies on the picture: 0 is up, 90 right, 180 down, 270 left;
    `direction`, the same in a word: "up", "up-right", "right", … An object that stands has
    a speed, but neither heading nor direction.

    Attributes:
        classes: names of the classes to look at; empty takes all.
        window_s: the motion of so much time counts.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"tracks"})
    gives: ClassVar[frozenset[str]] = frozenset({"attributes"})
    measures: ClassVar[tuple[str, ...]] = ("type", "speed", "heading", "direction")

    classes: tuple[str, ...] = VEHICLES
    window_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("motion is seen in one frame after another: workers must be 1")

    def open(self) -> "VehicleStage":
        """The stage, knowing no object yet."""
        return VehicleStage(self)


class _Seen:
    """One object: how it moved, and what has been told of it."""

    def __init__(self, window_ns: int) -> None:
        self.motion = Motion(window_ns)
        self.sure: deque[float] = deque(maxlen=30)
        self.attributes: dict[str, Attribute] = {}


class VehicleStage:
    """Describes the objects of one stream.

    Args:
        spec: settings.
    """

    def __init__(self, spec: Vehicle) -> None:
        self._classes = frozenset(spec.classes)
        self._window_ns = nanoseconds(spec.window_s)
        self._seen: dict[int, _Seen] = {}

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with the attributes of their vehicles."""
        return [item.with_(attributes=self._described(item)) for item in items]

    def close(self) -> None:
        """Forget all objects."""
        self._seen.clear()

    def _described(self, item: Item) -> Mapping[int, Mapping[str, Attribute]]:
        found, pts_ns = item.detections, item.frame.pts_ns
        self._forget(pts_ns)
        if found is None or found.tracker_id is None or not len(found):
            return item.attributes
        names = found.data.get("class_name")
        predicted = found.data.get("predicted")
        attributes = dict(item.attributes)
        for i, tracker_id in enumerate(found.tracker_id.tolist()):
            name = str(names[i]) if names is not None else ""
            if tracker_id < 0 or (self._classes and name not in self._classes):
                continue
            guessed = predicted is not None and predicted[i] == 1
            seen = self._seen.get(tracker_id)
            if seen is None:
                if guessed:
                    continue
                seen = self._seen[tracker_id] = _Seen(self._window_ns)
            if not guessed:
                seen.motion.see(found.xyxy[i], pts_ns)
                seen.sure.append(float(found.confidence[i]) if found.confidence is not None else 1)
                seen.attributes = self._told(seen, name, item.frame.size_px)
            if seen.attributes:
                attributes[tracker_id] = {**attributes.get(tracker_id, {}), **seen.attributes}
        return attributes

    def _told(self, seen: _Seen, name: str, size_px: tuple[int, int]) -> dict[str, Attribute]:
        pts_ns = seen.motion.seen_ns
        told = {"type": Attribute(name, float(np.mean(seen.sure)), pts_ns)} if name else {}
        if seen.motion.span_ns < _LEAST_NS:
            return told
        right, down = seen.motion.flow(size_px)
        speed = math.hypot(right, down)
        # Half a window of motion is worth half the trust in a whole one.
        sure = min(1.0, seen.motion.span_ns / self._window_ns)
        told["speed"] = Attribute(round(speed, 1), sure, pts_ns)
        if speed >= _STILL_PER_S * seen.motion.size_px:
            heading = math.degrees(math.atan2(right, -down)) % 360
            word = _WORDS[round(heading / 45) % 8]
            told["heading"] = Attribute(round(heading, 1) % 360, sure, pts_ns)
            told["direction"] = Attribute(word, sure, pts_ns)
        return told

    def _forget(self, pts_ns: int) -> None:
        gone = [
            tracker_id
            for tracker_id, seen in self._seen.items()
            if abs(pts_ns - seen.motion.seen_ns) > _FORGET_NS
        ]
        for tracker_id in gone:
            del self._seen[tracker_id]
