"""Which RTP packets belong to the stream, and in what order. Pure: times are arguments.

Plain RTP has nobody to ask for a lost packet or a keyframe, so that here, unlike in
WebRTC, a missing packet is waited for only as long as packets may overtake each other.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from livelens.clock import NS_PER_S
from livelens.media.rtp import RtpPacket

# RFC 3550, A.1: beyond these the sender is taken to have begun anew.
_MAX_DROPOUT: Final = 3000
_MAX_MISORDER: Final = 100
_PROBATION: Final = 3
_NEIGHBOURHOOD: Final = 32
_SILENT_NS: Final = NS_PER_S * 3 // 10
_MOST_CANDIDATES: Final = 64
_MOST_KEPT: Final = 1024

Arrived = tuple[RtpPacket, int]


@dataclass(slots=True)
class _Candidate:
    last_seq: int
    packets: list[Arrived] = field(default_factory=list)


class SenderLock:
    """Stays with one sender among noise and others, until it falls silent.

    A sender is believed after three packets with neighbouring numbers from one address
    with one SSRC and one payload type; they are not lost, nor is what comes while the old
    sender has not been silent for 0.3 s yet: a sender begins with a keyframe.

    Args:
        plausible: whether a packet may be of the stream at all.
    """

    def __init__(self, plausible: Callable[[RtpPacket], bool]) -> None:
        self.switches = 0
        self.noise = 0
        self._plausible = plausible
        self._locked: Hashable = None
        self._heard_ns = 0
        self._candidates: OrderedDict[Hashable, _Candidate] = OrderedDict()

    def add(self, packet: RtpPacket, address: Hashable, now_ns: int) -> tuple[list[Arrived], bool]:
        """Take a packet in.

        Returns:
            Packets to go on with, and whether they are the first of another sender.
        """
        key = (address, packet.ssrc, packet.payload_type)
        if key == self._locked:
            self._heard_ns = now_ns
            return [(packet, now_ns)], False
        if not self._plausible(packet):
            self.noise += 1
            return [], False
        candidate = self._candidates.get(key)
        if candidate is None or not _near(candidate.last_seq, packet.seq):
            self.noise += len(candidate.packets) if candidate is not None else 0
            candidate = self._candidates[key] = _Candidate(packet.seq)
        candidate.last_seq = packet.seq
        if len(candidate.packets) < _MOST_KEPT:
            candidate.packets.append((packet, now_ns))
        self._candidates.move_to_end(key)
        if len(self._candidates) > _MOST_CANDIDATES:
            _, forgotten = self._candidates.popitem(last=False)
            self.noise += len(forgotten.packets)
        if len(candidate.packets) < _PROBATION:
            return [], False
        if self._locked is not None and now_ns - self._heard_ns < _SILENT_NS:
            return [], False
        self._locked, self._heard_ns = key, now_ns
        self.switches += 1
        del self._candidates[key]
        first = candidate.packets[0][0].seq
        return sorted(candidate.packets, key=lambda one: _distance(first, one[0].seq)), True


def _distance(first: int, second: int) -> int:
    """From one sequence number to another, the short way round."""
    return (second - first + 0x8000 & 0xFFFF) - 0x8000


def _near(first: int, second: int) -> bool:
    return abs(_distance(first, second)) <= _NEIGHBOURHOOD


@dataclass(frozen=True, slots=True)
class Ordered:
    """A packet in its place.

    Attributes:
        follows: the packet before it was handed on too.
    """

    packet: RtpPacket
    arrived_ns: int
    follows: bool


class Reorder:
    """Puts packets in order.

    Args:
        wait_ns: how long a missing packet holds up those behind it.
        capacity: how many packets wait at most.
    """

    def __init__(self, wait_ns: int, capacity: int = 512) -> None:
        self.lost = 0
        self.late = 0
        self._wait_ns = wait_ns
        self._capacity = capacity
        self._waiting: dict[int, Arrived] = {}
        self._next: int | None = None
        self._follows = False
        self._strange: int | None = None

    def add(self, packet: RtpPacket, now_ns: int) -> list[Ordered]:
        """Take a packet in; returns those whose turn has come."""
        if self._next is None:
            self._next = packet.seq
        ahead = packet.seq - self._next & 0xFFFF
        behind = 0x10000 - ahead
        if ahead >= _MAX_DROPOUT:
            if behind <= _MAX_MISORDER:
                self.late += 1
                return []
            if packet.seq != self._strange:
                self._strange = packet.seq + 1 & 0xFFFF
                return []
            # Two in sequence from far away: the sender began anew.
            self._waiting.clear()
            self._next, self._follows = packet.seq, False
        self._strange = None
        self._waiting[packet.seq] = (packet, now_ns)
        ready = self._run()
        if len(self._waiting) >= self._capacity:
            ready += self._skip()
        return ready

    def expire(self, now_ns: int) -> list[Ordered]:
        """Give missing packets up that were waited for long enough."""
        ready: list[Ordered] = []
        while self._waiting:
            oldest_ns = min(arrived_ns for _, arrived_ns in self._waiting.values())
            if now_ns - oldest_ns < self._wait_ns:
                break
            ready += self._skip()
        return ready

    @property
    def holds(self) -> bool:
        """Whether packets wait for one that is missing."""
        return bool(self._waiting)

    def _run(self) -> list[Ordered]:
        ready: list[Ordered] = []
        assert self._next is not None
        while (arrived := self._waiting.pop(self._next, None)) is not None:
            ready.append(Ordered(*arrived, self._follows))
            self._follows = True
            self._next = self._next + 1 & 0xFFFF
        return ready

    def _skip(self) -> list[Ordered]:
        assert self._next is not None
        expected = self._next
        missing = min(seq - expected & 0xFFFF for seq in self._waiting)
        self.lost += missing
        self._next = expected + missing & 0xFFFF
        self._follows = False
        return self._run()
