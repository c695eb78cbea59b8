"""Gives every object the same number from frame to frame.

The trackers are those of the `trackers` library. Around them this stage adds what
live video needs: frames that were dropped, streams that start anew, several
classes at once, and ids that belong to one stream.
"""

from collections import Counter, deque
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
from livelens.stages.detections import select
from livelens.types import Frame, Item, no_detections

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]

# Classes that detectors take for one another from frame to frame: one object that is called
# now a car, now a truck keeps its id. All other classes are never matched with each other.
ALIKE = (
    ("car", "truck", "bus", "train", "van"),
    ("bicycle", "motorcycle"),
    ("cat", "dog"),
    ("horse", "cow", "sheep"),
)
_VOTES = 30
_RATE_FRAMES = 60
_UNKNOWN_INTERVAL_NS = 1e9 / 30


class Track(StageSpec, frozen=True, kw_only=True):
    """Gives detections a `tracker_id`, counted from 1 in each stream.

    Attributes:
        tracker: `bytetrack`, `sort`, or any other that the installed `trackers` library has.
        lost_s: an object that is not seen for this long is a new one when it comes back.
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


class _Known:
    """A track as the stream's viewers know it."""

    __slots__ = ("classes", "seen_ns", "tracker_id")

    def __init__(self, tracker_id: int) -> None:
        self.tracker_id = tracker_id
        self.seen_ns = 0
        self.classes: deque[tuple[int, str]] = deque(maxlen=_VOTES)

    def voted(self, class_id: int, name: str) -> tuple[int, str]:
        """What the object was called most often of late."""
        self.classes.append((class_id, name))
        return Counter(self.classes).most_common(1)[0][0]


class _Group:
    """The tracker of one group of classes, and the tracks it made known."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self.known: dict[int, _Known] = {}
        self.seen_ns = 0


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
        self._group_of = {
            name: f"alike {i}" for i, names in enumerate(spec.alike) for name in names
        }
        self._groups: dict[str, _Group] = {}
        self._intervals: deque[int] = deque(maxlen=_RATE_FRAMES)
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
        found = item.detections if item.detections is not None else no_detections()
        steps, interval_ns = self._advance(frame)
        # However slow the stream, missing one frame is not the end.
        lost_frames = max(2, round(self._lost_ns / interval_ns))
        count = len(found)
        scores = (
            np.asarray(found.confidence, dtype=np.float32)
            if found.confidence is not None
            else np.ones(count, dtype=np.float32)
        )
        class_ids = np.zeros(count, dtype=int)
        if found.class_id is not None:
            class_ids[:] = found.class_id
        names = _names(found, class_ids)
        keys = np.array([self._group_of.get(name, f"class {name}") for name in names], dtype=object)
        for key in keys:
            if key not in self._groups:
                self._groups[key] = _Group(Association(self._spec.tracker, self._options))
        ids = np.full(count, -1, dtype=int)
        for key, group in list(self._groups.items()):
            places = np.flatnonzero(keys == key)
            theirs = group.association.update(
                found.xyxy[places].astype(np.float32),
                scores[places],
                frame,
                steps=min(steps, lost_frames + 1),
                lost_frames=lost_frames,
            )
            for place, library_id in zip(places, theirs, strict=True):
                if library_id >= 0:
                    known = self._known(group, int(library_id), frame)
                    ids[place] = known.tracker_id
                    class_ids[place], names[place] = known.voted(
                        int(class_ids[place]), names[place]
                    )
            self._forget(key, group, frame, seen=len(places) > 0)
        return self._with_ids(found, ids, class_ids, names)

    def _advance(self, frame: Frame) -> tuple[int, float]:
        """Frame intervals since the last frame, and the interval in nanoseconds.

        The interval is the usual distance of the frames that come here: a detector that
        always takes every third one leaves no gap, a burst of drops does.
        """
        last, self._last = self._last, frame
        if last is None:
            return 1, _UNKNOWN_INTERVAL_NS
        elapsed_ns = frame.pts_ns - last.pts_ns
        if elapsed_ns <= 0:
            self._groups.clear()
            self._intervals.clear()
            return 1, _UNKNOWN_INTERVAL_NS
        self._intervals.append(elapsed_ns)
        interval_ns = float(np.median(self._intervals))
        steps = max(1, round(elapsed_ns / interval_ns))
        if steps > 1 and elapsed_ns >= self._lost_ns:
            # The library would match once more before it ends what is too old.
            self._groups.clear()
        return steps, interval_ns

    def _known(self, group: _Group, library_id: int, frame: Frame) -> _Known:
        # The library counts ids over all streams of the process: ours begin at 1 in each.
        known = group.known.get(library_id)
        if known is None:
            known = group.known[library_id] = _Known(self._next_id)
            self._next_id += 1
        known.seen_ns = frame.pts_ns
        return known

    def _forget(self, key: str, group: _Group, frame: Frame, *, seen: bool) -> None:
        if seen:
            group.seen_ns = frame.pts_ns
        gone_ns = frame.pts_ns - 2 * self._lost_ns - nanoseconds(1)
        if group.seen_ns < gone_ns:
            del self._groups[key]
            return
        for library_id in [i for i, known in group.known.items() if known.seen_ns < gone_ns]:
            del group.known[library_id]

    def _with_ids(
        self,
        found: sv.Detections,
        ids: NDArray[np.int_],
        class_ids: NDArray[np.int_],
        names: list[str],
    ) -> sv.Detections:
        tracked = sv.Detections(
            xyxy=found.xyxy,
            mask=found.mask,
            confidence=found.confidence,
            class_id=class_ids,
            tracker_id=ids,
            data={**found.data, "class_name": np.array(names, dtype=np.str_)},
            metadata=found.metadata,
        )
        if self._spec.keep_untracked or bool((ids >= 0).all()):
            return tracked
        return select(tracked, ids >= 0)


def _names(found: sv.Detections, class_ids: NDArray[np.int_]) -> list[str]:
    given = found.data.get("class_name")
    if given is None or len(given) != len(found):
        return [str(class_id) for class_id in class_ids]
    return [str(name) for name in given]
