"""Double-entry book-keeping of frames: captured = delivered + dropped + in flight, always."""

import threading
from collections import deque

from livelens.clock import NS_PER_S, now_ns
from livelens.types import Frame

_WINDOW_NS = 2 * NS_PER_S
_LATENCIES = 512


class Ledger:
    """The accounts of one stream. Every frame is captured once and settled once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = 0
        self._delivered = 0
        self._dropped: dict[str, int] = {}
        self._skipped: dict[str, int] = {}
        self._delivered_at: deque[int] = deque()
        self._latencies_ns: deque[int] = deque(maxlen=_LATENCIES)

    def capture(self) -> int:
        """Book a new frame; returns its sequence number."""
        with self._lock:
            self._captured += 1
            return self._captured - 1

    def deliver(self, frame: Frame) -> None:
        """Book a frame as delivered."""
        now = now_ns()
        with self._lock:
            self._delivered += 1
            self._delivered_at.append(now)
            while self._delivered_at[0] < now - _WINDOW_NS:
                self._delivered_at.popleft()
            self._latencies_ns.append(now - frame.captured_ns)

    def drop(self, stage: str, reason: str) -> None:
        """Book a frame as dropped before or in `stage`."""
        key = f"{stage}/{reason}"
        with self._lock:
            self._dropped[key] = self._dropped.get(key, 0) + 1

    def skip(self, stage: str, reason: str) -> None:
        """Book a frame whose objects a descriptor did not describe; the frame itself goes on."""
        key = f"{stage}/{reason}"
        with self._lock:
            self._skipped[key] = self._skipped.get(key, 0) + 1

    def balance(self) -> tuple[int, int, dict[str, int], int]:
        """Captured, delivered, dropped and in flight, of one and the same moment."""
        with self._lock:
            settled = self._delivered + sum(self._dropped.values())
            return self._captured, self._delivered, dict(self._dropped), self._captured - settled

    @property
    def captured(self) -> int:
        return self._captured

    @property
    def delivered(self) -> int:
        return self._delivered

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped frames by "stage/reason"."""
        with self._lock:
            return dict(self._dropped)

    @property
    def skipped(self) -> dict[str, int]:
        """Descriptions that were not made, by "stage/reason"."""
        with self._lock:
            return dict(self._skipped)

    @property
    def in_flight(self) -> int:
        with self._lock:
            return self._captured - self._delivered - sum(self._dropped.values())

    @property
    def fps(self) -> float:
        """Frames delivered per second, over the last two seconds."""
        now = now_ns()
        with self._lock:
            recent = [at for at in self._delivered_at if at >= now - _WINDOW_NS]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) * NS_PER_S / max(recent[-1] - recent[0], 1)

    @property
    def latencies_ns(self) -> list[int]:
        """Capture to delivery of the last frames."""
        with self._lock:
            return list(self._latencies_ns)
