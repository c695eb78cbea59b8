"""Tracks as a stream's viewers know them, and their boxes on frames nobody looked at."""

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.stages.motion import Motion
from livelens.types import no_detections

_VOTES = 30


class Known:
    """One object.

    Args:
        tracker_id: its number in the stream.
        window_ns: how far back its motion is looked at.

    Attributes:
        seen_ns: the pts of the frame it was last found on.
        confidence, detector: of that detection.
        called: class id and name that it was given most surely of late.
    """

    def __init__(self, tracker_id: int, window_ns: int) -> None:
        self.tracker_id = tracker_id
        self.seen_ns = 0
        self.confidence = 0.0
        self.detector = ""
        self.called = (0, "")
        self._motion = Motion(window_ns)
        self._votes: deque[tuple[tuple[int, str], float]] = deque(maxlen=_VOTES)

    def see(
        self,
        box: NDArray[np.floating],
        pts_ns: int,
        *,
        confidence: float,
        detector: str,
        called: tuple[int, str],
    ) -> None:
        """Take the detection that continues the track."""
        self.seen_ns, self.confidence, self.detector = pts_ns, confidence, detector
        self._motion.see(box, pts_ns)
        self._votes.append((called, confidence))
        votes: dict[tuple[int, str], float] = defaultdict(float)
        for name, weight in self._votes:
            votes[name] += weight
        self.called = max(votes, key=lambda name: votes[name])

    def box_at(self, pts_ns: int) -> NDArray[np.float64]:
        """Where it should be at that time, x_min, y_min, x_max, y_max."""
        return self._motion.predicted(pts_ns)


def carried(tracks: Sequence[Known], pts_ns: int, size_px: tuple[int, int]) -> sv.Detections:
    """The boxes of tracks at a time when nobody looked; who has left the picture has none."""
    boxes = np.array([track.box_at(pts_ns) for track in tracks]).reshape(-1, 4)
    limit = np.array([*size_px, *size_px], dtype=float)
    centres = np.hstack([boxes[:, :2] + boxes[:, 2:]] * 2) / 2
    boxes = np.clip(boxes, 0, limit)
    inside = ((centres >= 0) & (centres <= limit)).all(axis=1)
    inside &= (boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1)
    places = np.flatnonzero(inside)
    if not len(places):
        return no_detections()
    kept = [tracks[int(place)] for place in places]
    return sv.Detections(
        xyxy=boxes[places].astype(np.float32),
        confidence=np.array([track.confidence for track in kept], dtype=np.float32),
        class_id=np.array([track.called[0] for track in kept], dtype=int),
        tracker_id=np.array([track.tracker_id for track in kept], dtype=int),
        data={
            "class_name": np.array([track.called[1] for track in kept], dtype=np.str_),
            "detector": np.array([track.detector for track in kept], dtype=np.str_),
            "predicted": np.ones(len(kept), dtype=bool),
        },
    )
