"""Gives every object the same number from frame to frame.

The trackers are those of the `trackers` library. Around them this stage adds what
live video needs: frames that were dropped, frames that no detector looked at, streams
that start anew, several classes at once, and ids that belong to one stream.
"""

from collections import deque
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.clock import nanoseconds
from livelens.errors import ConfigError
from livelens.spec import StageSpec
from livelens.stages.associate import Association, TrackerOptions
from livelens.stages.carry import Known, carried
from livelens.stages.detections import ALIKE, joined, select
from livelens.types import Frame, Item, no_detections

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]

_RATE_FRAMES = 60
_UNKNOWN_INTERVAL_NS = 1e9 / 30


class Track(StageSpec, frozen=True, kw_only=True):
    """Gives detections a `tracker_id`, counted from 1 in each stream.

    On a frame that a detector did not look at, the boxes of its tracks are carried to where
    they should be by now; `data["predicted"]` tells them from those that were found.

    Attributes:
        tracker: `bytetrack`, `sort`, or any other that the installed `trackers` library has.
        lost_s: an object that is not seen for this long is a new one when it comes back.
        carry_s: a box is carried for at most this long; None is `lost_s`, 0 carries none.
        activation_confidence: a new track begins with a detection of at least this; None is 0.5.
        high_confidence: detections below this can only continue a track, as ByteTrack's second
            association does; None is 0.5.
        min_iou: overlap with its predicted box that continues a track; None is the tracker's own.
        min_frames: consecutive frames before a track gets its id; None is the tracker's own.
        alike: groups of class names that may be one object; any other class is on its own.
        keep_untracked: detections without a track stay, with tracker_id -1, or leave.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"detections"})
    gives: ClassVar[frozenset[str]] = frozenset({"detections", "tracks"})

    tracker: str = "bytetrack"
    lost_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0
    carry_s: Annotated[float, msgspec.Meta(ge=0, le=60)] | None = None
    activation_confidence: Ratio | None = None
    high_confidence: Ratio | None = None
    min_iou: Ratio | None = None
    min_frames: Annotated[int, msgspec.Meta(ge=1)] | None = None
    alike: tuple[tuple[str, ...], ...] = ALIKE
    keep_untracked: bool = True

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("a tracker follows one frame after another: workers must be 1")
        try:
            self._options().check(self.tracker)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    def open(self) -> "TrackStage":
        """The stage, without any track yet.

        Raises:
            ConfigError: no such tracker, or it lacks an option that is set.
        """
        self._options().check(self.tracker)
        return TrackStage(self, self._options())

    def _options(self) -> TrackerOptions:
        return TrackerOptions(
            track_activation_threshold=self.activation_confidence,
            high_conf_det_threshold=self.high_confidence,
            minimum_iou_threshold=self.min_iou,
            minimum_consecutive_frames=self.min_frames,
        )


class _Cadence:
    """How often frames come that a detector looked at."""

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._intervals: deque[int] = deque(maxlen=_RATE_FRAMES)

    def advance(self, pts_ns: int) -> tuple[int, float, int]:
        """Usual intervals since the last such frame, that interval, and the time, in ns.

        A detector that always takes every third frame leaves no gap, a burst of drops does.
        """
        last_ns, self._last_ns = self._last_ns, pts_ns
        if last_ns is None:
            return 1, _UNKNOWN_INTERVAL_NS, 0
        elapsed_ns = pts_ns - last_ns
        self._intervals.append(elapsed_ns)
        interval_ns = float(np.median(self._intervals))
        return max(1, round(elapsed_ns / interval_ns)), interval_ns, elapsed_ns


class _Group:
    """The tracker of one group of classes of one detector, and the tracks it made known."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self.cadence = _Cadence()
        self.known: dict[int, Known] = {}
        self.seen_ns = 0


# Every detector has trackers of its own: they may not look at the same frames.
_Key = tuple[str, str]


class _Found:
    """The detections of a frame, taken apart."""

    def __init__(self, found: sv.Detections, group_of: dict[str, str]) -> None:
        count = len(found)
        self.all = found
        self.scores = np.ones(count, dtype=np.float32)
        if found.confidence is not None:
            self.scores[:] = found.confidence
        self.class_ids = np.zeros(count, dtype=int)
        if found.class_id is not None:
            self.class_ids[:] = found.class_id
        self.names = _words(found, "class_name") or [str(i) for i in self.class_ids]
        self.detectors = _words(found, "detector") or [""] * count
        groups = [group_of.get(name, f"class {name}") for name in self.names]
        self.keys: list[_Key] = list(zip(self.detectors, groups, strict=True))
        self.ids = np.full(count, -1, dtype=int)


class TrackStage:
    """Tracks the objects of one stream.

    Args:
        spec: settings.
        options: for the library's tracker.
    """

    def __init__(self, spec: Track, options: TrackerOptions) -> None:
        self._spec = spec
        self._options = options
        self._lost_ns = nanoseconds(spec.lost_s)
        carry_s = spec.lost_s if spec.carry_s is None else min(spec.carry_s, spec.lost_s)
        self._carry_ns = nanoseconds(carry_s)
        self._group_of = {
            name: f"alike {i}" for i, names in enumerate(spec.alike) for name in names
        }
        self._groups: dict[_Key, _Group] = {}
        # Of each detector, the pts of the latest frame that it looked at.
        self._looked: dict[str, int] = {}
        self._last: Frame | None = None
        self._next_id = 1

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with a `tracker_id` for each detection, -1 where it has no track (yet)."""
        return [item.with_(detections=self._tracked(item)) for item in items]

    def close(self) -> None:
        """Forget all tracks."""
        self._groups.clear()

    def _tracked(self, item: Item) -> sv.Detections:
        frame = item.frame
        if self._last is not None and frame.pts_ns <= self._last.pts_ns:
            self._groups.clear()
            self._looked.clear()
        self._last = frame
        given = item.detections if item.detections is not None else no_detections()
        found = _Found(given, self._group_of)
        for key in found.keys:
            if key not in self._groups:
                self._groups[key] = _Group(Association(self._spec.tracker, self._options))
        for key, group in list(self._groups.items()):
            places = np.array([i for i, own in enumerate(found.keys) if own == key], dtype=np.intp)
            if key[0] not in item.undetected:
                self._looked[key[0]] = frame.pts_ns
                self._associate(group, found, places, frame)
            self._forget(key, group, frame, seen=len(places) > 0)
        tracked = self._with_ids(found)
        if not item.undetected or not self._carry_ns:
            return tracked
        guessed = self._carried(item)
        return joined(tracked, guessed) if len(guessed) else tracked

    def _associate(
        self, group: _Group, found: _Found, places: NDArray[np.intp], frame: Frame
    ) -> None:
        steps, interval_ns, elapsed_ns = group.cadence.advance(frame.pts_ns)
        if steps > 1 and elapsed_ns >= self._lost_ns:
            # The library would match once more before it ends what is too old.
            group.association = Association(self._spec.tracker, self._options)
            group.known.clear()
        # However slow the stream, missing one frame is not the end.
        lost_frames = max(2, round(self._lost_ns / interval_ns))
        theirs = group.association.update(
            found.all.xyxy[places].astype(np.float32),
            found.scores[places],
            frame,
            steps=min(steps, lost_frames + 1),
            lost_frames=lost_frames,
        )
        for place, library_id in zip(places, theirs, strict=True):
            if library_id < 0:
                continue
            known = group.known.get(int(library_id))
            if known is None:
                # The library counts ids over all streams of the process: ours begin at 1 in each.
                known = group.known[int(library_id)] = Known(self._next_id, self._lost_ns)
                self._next_id += 1
            class_id, name = int(found.class_ids[place]), found.names[place]
            known.see(
                found.all.xyxy[place],
                frame.pts_ns,
                confidence=float(found.scores[place]),
                detector=found.detectors[place],
                called=(class_id, name),
            )
            found.ids[place] = known.tracker_id
            found.class_ids[place], found.names[place] = known.called

    def _carried(self, item: Item) -> sv.Detections:
        """Boxes of the tracks whose detector did not look, but saw them when it last did."""
        pts_ns = item.frame.pts_ns
        tracks = [
            known
            for (detector, _), group in self._groups.items()
            for known in group.known.values()
            if detector in item.undetected
            and known.seen_ns >= self._looked.get(detector, 0)
            and pts_ns - known.seen_ns <= self._carry_ns
        ]
        return carried(tracks, pts_ns, item.frame.size_px)

    def _forget(self, key: _Key, group: _Group, frame: Frame, *, seen: bool) -> None:
        if seen:
            group.seen_ns = frame.pts_ns
        gone_ns = frame.pts_ns - 2 * self._lost_ns - nanoseconds(1)
        if group.seen_ns < gone_ns:
            del self._groups[key]
            return
        for library_id in [i for i, known in group.known.items() if known.seen_ns < gone_ns]:
            del group.known[library_id]

    def _with_ids(self, found: _Found) -> sv.Detections:
        tracked = sv.Detections(
            xyxy=found.all.xyxy,
            mask=found.all.mask,
            confidence=found.all.confidence,
            class_id=found.class_ids,
            tracker_id=found.ids,
            data={
                **found.all.data,
                "class_name": np.array(found.names, dtype=np.str_),
                "predicted": np.zeros(len(found.ids), dtype=bool),
            },
            metadata=found.all.metadata,
        )
        if self._spec.keep_untracked or bool((found.ids >= 0).all()):
            return tracked
        return select(tracked, found.ids >= 0)


def _words(found: sv.Detections, key: str) -> list[str]:
    given = found.data.get(key)
    if given is None or len(given) != len(found):
        return []
    return [str(word) for word in given]
