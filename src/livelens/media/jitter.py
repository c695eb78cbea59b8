"""From RTP packets, lost, late, doubled and out of order, to whole frames in order. Pure.

A frame is handed on at its marker, as soon as all its packets are there, and only if
everything it may refer to has been handed on before: after a loss that is not made good
in time nothing follows until a keyframe.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from livelens.media.payload import Start
from livelens.media.rtp import RtpPacket, Unwrapper

# This many packets in a row from the distant past mean that the sender began anew.
_RESTART_RUN: Final = 50
# A missing packet may only be out of order this long, and nothing is left out for it.
_REORDER_NS: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """All payloads of one frame.

    Attributes:
        timestamp: RTP timestamp, unwrapped.
        captured_ns: arrival of the packet of the frame that came first.
    """

    payloads: list[bytes]
    timestamp: int
    captured_ns: int
    keyframe: bool


@dataclass(slots=True)
class JitterCounts:
    """What became of packets and frames."""

    frames: int = 0
    keyframes: int = 0
    duplicates: int = 0
    late: int = 0
    abandoned: int = 0
    frames_dropped: int = 0
    restarts: int = 0


class _Slot(NamedTuple):
    timestamp: int
    marker: bool
    payload: bytes
    arrival_ns: int
    start: Start


@dataclass(slots=True)
class _Span:
    """Packets first..last, both included, make one frame."""

    first: int
    last: int
    complete: bool
    slots: list[_Slot] = field(default_factory=list)


class JitterBuffer:
    """Puts frames together.

    Args:
        start_of: tells where a payload stands in the stream, by codec.
        early_release: hand a frame on at its marker; otherwise when the next frame begins.
        capacity: most packets kept.
        recovery_ns: how long a missing packet is waited for.
        counts: counters to go on with.
    """

    def __init__(
        self,
        start_of: Callable[[bytes], Start],
        *,
        early_release: bool = True,
        capacity: int = 2048,
        recovery_ns: int = 500_000_000,
        counts: JitterCounts | None = None,
    ) -> None:
        self.counts = counts or JitterCounts()
        self._start_of = start_of
        self._early = early_release
        self._capacity = capacity
        self._recovery_ns = recovery_ns
        self._reset()

    def _reset(self) -> None:
        self._seqs = Unwrapper(16)
        self._timestamps = Unwrapper(32)
        self._slots: dict[int, _Slot] = {}
        self._key_starts: set[int] = set()
        self._highest: int | None = None
        self._next: int | None = None
        self._blocked_since_ns: int | None = None
        self._stale_run = 0

    @property
    def waits_for_keyframe(self) -> bool:
        """Whether nothing can be handed on before a keyframe comes."""
        return self._next is None

    @property
    def floor(self) -> int | None:
        """The first packet, unwrapped, that is still of use; None when no packet before
        the next keyframe is."""
        if self._next is not None:
            return self._next
        return min(self._key_starts, default=None)

    def unwrap_timestamp(self, timestamp: int) -> int:
        """An RTP timestamp of this stream, as of a sender report, unwrapped."""
        return self._timestamps.unwrap(timestamp)

    def add(self, packet: RtpPacket, arrival_ns: int) -> tuple[int, list[EncodedFrame]]:
        """Take a packet in.

        Returns:
            The packet's sequence number, unwrapped, and the frames that are whole now.
        """
        seq = self._seqs.unwrap(packet.seq)
        if (self._next is not None and seq < self._next) or self._too_old(seq):
            self._stale_run += 1
            if self._stale_run < _RESTART_RUN:
                self.counts.late += 1
                return seq, []
            self._begin_anew()
            seq = self._seqs.unwrap(packet.seq)
        self._stale_run = 0
        if seq in self._slots:
            self.counts.duplicates += 1
            return seq, []
        previous = self._slots.get(seq - 1)
        in_order = self._highest is None or seq == self._highest + 1
        self._highest = seq if self._highest is None else max(seq, self._highest)
        slot = _Slot(
            self._timestamps.unwrap(packet.timestamp),
            packet.marker,
            packet.payload,
            arrival_ns,
            self._start_of(packet.payload),
        )
        self._slots[seq] = slot
        if slot.start.may_begin_keyframe:
            self._key_starts.add(seq)
        self._bound(seq)
        # The middle of a frame, in order, completes nothing.
        if (
            in_order
            and not slot.marker
            and previous is not None
            and previous.timestamp == slot.timestamp
            and not previous.marker
        ):
            return seq, []
        return seq, self._collect(arrival_ns)

    def expire(self, now_ns: int) -> list[EncodedFrame]:
        """Give up on packets waited for too long; call it every 25 ms or so."""
        if self._blocked_since_ns is None or self._next is None:
            return []
        if now_ns - self._blocked_since_ns >= self._recovery_ns:
            self.restart()
        return self._collect(now_ns)

    def restart(self) -> None:
        """Hand nothing on before a keyframe, as after a loss or an undecodable frame."""
        if self._next is None:
            return
        self.counts.restarts += 1
        self._next = None
        self._blocked_since_ns = None
        floor = self.floor
        # One packet is kept to see whether the next one begins a frame.
        keep = self._highest if floor is None else floor - 1
        self._discard_below(keep if keep is not None else 0)

    def _begin_anew(self) -> None:
        self.counts.restarts += 1
        self.counts.abandoned += len(self._slots)
        self._reset()

    def _too_old(self, seq: int) -> bool:
        return self._highest is not None and seq <= self._highest - self._capacity

    def _bound(self, seq: int) -> None:
        """Keep no more than `capacity` packets, and none that far apart."""
        if self._next is not None and seq - self._next >= self._capacity:
            self.restart()
        if self._highest is not None and len(self._slots) > self._capacity // 2:
            self._discard_below(self._highest - self._capacity + 1)

    def _collect(self, now_ns: int) -> list[EncodedFrame]:
        frames: list[EncodedFrame] = []
        while True:
            if self._next is None and not self._jump_to_keyframe():
                break
            frame = self._take_frame()
            if frame is not None:
                frames.append(frame)
                continue
            if self._next is None:
                continue
            if self._is_blocked():
                if self._blocked_since_ns is None or frames:
                    self._blocked_since_ns = now_ns
                if now_ns - self._blocked_since_ns >= _REORDER_NS and self._jump_to_keyframe():
                    continue
            break
        if not self._is_blocked():
            self._blocked_since_ns = None
        return frames

    def _is_blocked(self) -> bool:
        """Whether packets are there that a missing one holds up."""
        if self._next is None or self._highest is None:
            return False
        return len(self._slots) != self._highest + 1 - self._next

    def _span(self, first: int) -> _Span:
        """The frame that begins at this packet, as far as it is there without a gap."""
        slot = self._slots.get(first)
        span = _Span(first, first - 1, False)
        if slot is None:
            return span
        timestamp = slot.timestamp
        seq = first
        while slot is not None:
            if slot.timestamp != timestamp:
                span.complete = True
                break
            span.slots.append(slot)
            span.last = seq
            seq += 1
            if slot.marker:
                span.complete = self._early or seq in self._slots
                break
            slot = self._slots.get(seq)
        return span

    def _take_frame(self) -> EncodedFrame | None:
        """The next frame in order, if whole."""
        assert self._next is not None
        while (slot := self._slots.get(self._next)) is not None and not slot.payload:
            # A packet that only probes the link.
            del self._slots[self._next]
            self._next += 1
        if slot is None:
            return None
        span = self._span(self._next)
        if not span.complete:
            return None
        if not slot.start.may_begin_frame:
            self.counts.frames_dropped += 1
            self._next = span.last + 1
            self._forget(span)
            self.restart()
            return None
        keyframe = any(one.start.begins_keyframe for one in span.slots) or (
            slot.start.may_begin_keyframe
        )
        self._forget(span)
        self._next = span.last + 1
        self.counts.frames += 1
        self.counts.keyframes += keyframe
        return EncodedFrame(
            [one.payload for one in span.slots if one.payload],
            slot.timestamp,
            min(one.arrival_ns for one in span.slots),
            keyframe,
        )

    def _forget(self, span: _Span) -> None:
        for seq in range(span.first, span.last + 1):
            del self._slots[seq]
            self._key_starts.discard(seq)

    def _jump_to_keyframe(self) -> bool:
        """Go on at the first keyframe that is whole, leaving out what lies before it."""
        for seq in sorted(self._key_starts):
            if self._next is not None and seq <= self._next:
                continue
            slot = self._slots[seq]
            if not slot.start.begins_keyframe:
                before = self._slots.get(seq - 1)
                if before is None or before.timestamp == slot.timestamp:
                    continue
            if self._span(seq).complete:
                self._discard_below(seq)
                self._next = seq
                return True
        return False

    def _discard_below(self, floor: int) -> None:
        stale = [seq for seq in self._slots if seq < floor]
        dropped = set()
        for seq in stale:
            slot = self._slots.pop(seq)
            if slot.payload:
                dropped.add(slot.timestamp)
        self._key_starts = {seq for seq in self._key_starts if seq >= floor}
        self.counts.abandoned += len(stale)
        self.counts.frames_dropped += len(dropped)


class NackList:
    """Which packets to ask for again, and when. Pure.

    Args:
        max_missing: most packets asked for; a greater loss needs a keyframe anyway.
        max_tries: how often each is asked for.
    """

    def __init__(self, *, max_missing: int = 500, max_tries: int = 10) -> None:
        self._max_missing = max_missing
        self._max_tries = max_tries
        self._missing: dict[int, tuple[int, int]] = {}
        self._highest: int | None = None

    def __len__(self) -> int:
        return len(self._missing)

    def received(self, seq: int) -> bool:
        """Note a packet (unwrapped). True when it shows that others are missing."""
        if self._highest is None:
            self._highest = seq
            return False
        if seq <= self._highest:
            self._missing.pop(seq, None)
            if seq < self._highest - 2 * self._max_missing:
                # The sender began anew.
                self.clear()
                self._highest = seq
            return False
        gap = seq - self._highest - 1
        if gap > self._max_missing:
            self._missing.clear()
            gap = 0
        for lost in range(self._highest + 1, self._highest + 1 + gap):
            self._missing[lost] = (0, 0)
        self._highest = seq
        excess = len(self._missing) - self._max_missing
        for lost in sorted(self._missing)[: max(excess, 0)]:
            del self._missing[lost]
        return gap > 0

    def clear(self) -> None:
        """Ask for nothing any more."""
        self._missing.clear()

    def due(self, now_ns: int, interval_ns: int, floor: int | None) -> list[int]:
        """Packets (unwrapped) to ask for now.

        Args:
            interval_ns: least time between two requests for the same packet.
            floor: packets before this one are of no use; None means that none is.
        """
        if floor is None:
            self._missing.clear()
            return []
        asked: list[int] = []
        for seq, (tries, last_ns) in list(self._missing.items()):
            if seq < floor or tries >= self._max_tries:
                del self._missing[seq]
            elif tries == 0 or now_ns - last_ns >= interval_ns:
                self._missing[seq] = (tries + 1, now_ns)
                asked.append(seq)
        return sorted(asked)
