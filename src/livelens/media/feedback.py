"""Transport-wide congestion control feedback: what arrived, and when. Pure.

Format: draft-holmer-rmcat-transport-wide-cc-extensions-01. The sender of the media
estimates the link from it; this side only reports.
"""

import struct
from typing import Final

from livelens.media.rtp import Unwrapper

_MAX_STATUSES: Final = 1000
_TICK_NS: Final = 250_000
_REFERENCE_NS: Final = 64_000_000
_RTPFB: Final = 205
_FORMAT: Final = 15

_LOST, _SMALL, _LARGE = 0, 1, 2


class ArrivalLog:
    """Arrivals since the last report.

    Args:
        sender_ssrc: who reports.
    """

    def __init__(self, sender_ssrc: int) -> None:
        self._sender_ssrc = sender_ssrc
        self._seqs = Unwrapper(16)
        self._arrivals: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0

    def __len__(self) -> int:
        return len(self._arrivals)

    def add(self, seq: int, arrival_ns: int) -> None:
        """Note the arrival of the packet with this transport-wide sequence number."""
        if len(self._arrivals) < _MAX_STATUSES:
            self._arrivals.setdefault(self._seqs.unwrap(seq), arrival_ns)

    def report(self, media_ssrc: int) -> list[bytes]:
        """RTCP packets that report everything since the last call; none when nothing came."""
        packets: list[bytes] = []
        pending = sorted(self._arrivals)
        while pending:
            first = pending[0]
            # Packets lost since the last report, where the report can hold them.
            if self._next is not None and 0 < first - self._next < _MAX_STATUSES // 2:
                first = self._next
            base_ns = self._arrivals[pending[0]] // _REFERENCE_NS * _REFERENCE_NS
            last, before_ns = first - 1, base_ns
            statuses: list[int] = []
            deltas: list[int] = []
            used = 0
            for seq in pending:
                ticks = round((self._arrivals[seq] - before_ns) / _TICK_NS)
                if seq - first >= _MAX_STATUSES or not -0x8000 <= ticks <= 0x7FFF:
                    break
                statuses += [_LOST] * (seq - last - 1)
                statuses.append(_SMALL if 0 <= ticks <= 0xFF else _LARGE)
                deltas.append(ticks)
                # Rounded as the reader will see it, so that errors do not add up.
                before_ns += ticks * _TICK_NS
                last = seq
                used += 1
            packets.append(self._pack(media_ssrc, first, base_ns, statuses, deltas))
            self._next = last + 1
            pending = pending[used:]
        self._arrivals.clear()
        return packets

    def _pack(
        self, media_ssrc: int, first: int, base_ns: int, statuses: list[int], deltas: list[int]
    ) -> bytes:
        reference = base_ns // _REFERENCE_NS & 0xFFFFFF
        body = struct.pack(
            "!IIHHI",
            self._sender_ssrc,
            media_ssrc,
            first & 0xFFFF,
            len(statuses),
            reference << 8 | self._count & 0xFF,
        )
        self._count += 1
        body += _chunks(statuses)
        body += b"".join(
            struct.pack("!B", ticks) if 0 <= ticks <= 0xFF else struct.pack("!h", ticks)
            for ticks in deltas
        )
        padding = -len(body) % 4
        header = 0x80 | _FORMAT
        if padding:
            header |= 0x20
            body += bytes(padding - 1) + bytes([padding])
        return struct.pack("!BBH", header, _RTPFB, len(body) // 4) + body


def _chunks(statuses: list[int]) -> bytes:
    """Statuses as run-length chunks, or as vectors of seven where they change often."""
    chunks: list[int] = []
    position = 0
    while position < len(statuses):
        status = statuses[position]
        run = 1
        while (
            run < 0x1FFF and position + run < len(statuses) and statuses[position + run] == status
        ):
            run += 1
        if run >= 7 or position + run == len(statuses):
            chunks.append(status << 13 | run)
            position += run
        else:
            vector = statuses[position : position + 7]
            vector += [_LOST] * (7 - len(vector))
            word = 0xC000
            for place, symbol in enumerate(vector):
                word |= symbol << (12 - 2 * place)
            chunks.append(word)
            position += 7
    return struct.pack(f"!{len(chunks)}H", *chunks)
