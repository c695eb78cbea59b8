"""A tracker of the `trackers` library behind one call that any of its versions answers."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import supervision as sv
import trackers  # type: ignore[import-untyped]
from numpy.typing import NDArray

from livelens.errors import ConfigError
from livelens.types import Frame


class LibraryTracker(Protocol):
    """What all trackers of the library have in common."""

    maximum_frames_without_update: int

    def update(self, detections: sv.Detections) -> sv.Detections:
        """The detections with their `tracker_id`; in any order, and not always all."""


class _Predicting(Protocol):
    def predict(self) -> object: ...


@cache
def tracker_classes() -> dict[str, Callable[..., LibraryTracker]]:
    """The library's tracker classes by name."""
    known: dict[str, Callable[..., LibraryTracker]] = {}
    for public in dir(trackers):
        found: Any = getattr(trackers, public)
        if public.endswith("Tracker") and callable(getattr(found, "update", None)):
            known[public.removesuffix("Tracker").lower()] = found
    return known


@cache
def tracker_class(name: str) -> Callable[..., LibraryTracker]:
    """The tracker class of that name, `bytetrack` say, in lower case and without "Tracker".

    Raises:
        ConfigError: the installed library has none of this name.
    """
    known = tracker_classes()
    if name not in known:
        raise ConfigError(
            f"no tracker is called {name!r} in the installed trackers library: "
            f"{', '.join(sorted(known))}"
        )
    return known[name]


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """Options by the library's names; None leaves the choice to Livelens or the tracker."""

    track_activation_threshold: float | None = None
    high_conf_det_threshold: float | None = None
    minimum_iou_threshold: float | None = None
    minimum_consecutive_frames: int | None = None

    def check(self, name: str) -> None:
        """Whether the tracker of this name knows all options that are set.

        Raises:
            ConfigError: no such tracker, or an option that it lacks.
        """
        known = inspect.signature(tracker_class(name)).parameters
        for option, value in asdict(self).items():
            if value is not None and option not in known:
                raise ConfigError(f"the tracker {name!r} has no option {option}")

    def arguments(self, name: str) -> dict[str, float]:
        """What to construct the tracker of this name with."""
        known = inspect.signature(tracker_class(name)).parameters
        chosen = {option: value for option, value in asdict(self).items() if value is not None}
        # The library's own (0.7 and 0.6) suit detectors with higher scores than the small ones
        # that keep up on a CPU: those would miss more objects, for fewer changes of id.
        for option in ("track_activation_threshold", "high_conf_det_threshold"):
            if option in known:
                chosen.setdefault(option, 0.5)
        return chosen


class Association:
    """One tracker of one stream and one group of classes.

    Args:
        name: as for `tracker_class`.
        options: checked already.
    """

    def __init__(self, name: str, options: TrackerOptions) -> None:
        self._tracker = tracker_class(name)(**options.arguments(name))
        accepted = inspect.signature(self._tracker.update).parameters
        # Those that do not compensate for camera motion ignore it: not worth a conversion.
        self._takes_image = "frame" in accepted and getattr(self._tracker, "enable_cmc", False)

    def update(
        self,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        frame: Frame,
        *,
        steps: int,
        lost_frames: int,
    ) -> NDArray[np.int_]:
        """Match the boxes of a frame with the tracks.

        Args:
            boxes: (N, 4) x_min, y_min, x_max, y_max in pixels.
            scores: (N,) confidences.
            frame: the frame they were found on.
            steps: frame intervals since the last call: more than 1 after drops.
            lost_frames: a track that is not seen for so many intervals ends.

        Returns:
            (N,) the library's id of each box's track, negative where there is none. Unique
            within this association only.
        """
        count = len(boxes)
        self._tracker.maximum_frames_without_update = lost_frames
        arguments: dict[str, object] = {}
        if self._takes_image:
            arguments["frame"] = frame.image
        self._skip(steps - 1)
        # The library copies every detection it returns, one by one, and writes into those it is
        # given: it gets only what it needs, and the place of each detection to find it again.
        given = sv.Detections(
            xyxy=boxes.copy(),
            confidence=scores,
            class_id=np.zeros(count, dtype=int),
            data={"place": np.arange(count)},
        )
        tracked = self._tracker.update(given, **arguments)
        ids = np.full(count, -1, dtype=int)
        if len(tracked) and tracked.tracker_id is not None:
            places = np.asarray(tracked.data["place"], dtype=int)
            ids[places] = tracked.tracker_id.astype(int)
        return ids

    def _skip(self, steps: int) -> None:
        """Move the predicted boxes on over frames that were dropped."""
        name = "tracks" if hasattr(self._tracker, "tracks") else "trackers"
        tracks: Iterable[_Predicting] = getattr(self._tracker, name, ())
        for track in tracks:
            for _ in range(steps):
                track.predict()
