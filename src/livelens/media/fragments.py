"""What a fragmented MP4 file holds so far, and how to tell a player its length.

A box (ISO/IEC 14496-12, 4.2) is a 32-bit length, four letters, and the rest. A file begins
with `ftyp`, some `free` and `moov`; each fragment after them is a `moof` and its `mdat`. The
length of the whole can be told in `moov/mvex/mehd`; without it some players know only of what
they have loaded. Where there is a `free` box before the `moov`, the head with `mehd` has as
many bytes as the head without.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

_MEHD_BYTES: Final = 20
_HEAD_LIMIT: Final = 1 << 20


@dataclass(slots=True)
class Fragments:
    """The complete fragments of a file, which may grow.

    Attributes:
        head_bytes: length of what comes before the first fragment; 0 until it is there.
        ends: where each fragment ends, in bytes.
        ends_s: when each fragment's last picture ends, in seconds since the first one began.
        pictures: in all of them.
        plain: the file is plain MP4 with an index and has no fragments (any more).
    """

    head_bytes: int = 0
    ends: list[int] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)
    pictures: int = 0
    plain: bool = False
    _timescale: int = 0
    _movie_timescale: int = 0

    @property
    def whole_bytes(self) -> int:
        """Length of the file up to the end of its last complete fragment, in bytes."""
        return self.ends[-1] if self.ends else 0

    @property
    def duration_s(self) -> float:
        """Length of what can be played."""
        return self.ends_s[-1] if self.ends_s else 0.0

    def duration_at(self, end: int) -> float | None:
        """How long the file plays up to this byte; None where no fragment ends."""
        place = bisect_right(self.ends, end) - 1
        return self.ends_s[place] if place >= 0 and self.ends[place] == end else None

    def look(self, path: Path) -> None:
        """Read on where the last look ended. Raises OSError."""
        with path.open("rb") as file:
            length = file.seek(0, 2)
            at = self.whole_bytes or self.head_bytes
            moof: bytes | None = None
            while (box := _box(file, at, length)) is not None:
                kind, size = box
                if kind == b"moov" and not self.head_bytes:
                    self._read_head(file, at, size)
                elif kind == b"moof":
                    moof = _payload(file, at, size)
                elif kind == b"mdat" and moof is not None:
                    self._take(moof, at + size)
                    moof = None
                elif kind == b"mdat" and not self.head_bytes:
                    self.plain = True
                    return
                at += size

    def head(self, path: Path, duration_s: float) -> bytes:
        """The head of the file with its length told; as long as it is without. Raises OSError."""
        with path.open("rb") as file:
            return self._told(file.read(self.head_bytes), duration_s)

    def tell_duration(self, path: Path) -> None:
        """Write the length into the file, and cut off what is not a complete fragment.

        Raises:
            OSError: it cannot be written.
        """
        head = self.head(path, self.duration_s)
        with path.open("r+b") as file:
            file.write(head)
            file.truncate(self.whole_bytes)

    def _read_head(self, file: BinaryIO, at: int, size: int) -> None:
        moov = _payload(file, at, size)
        self._movie_timescale = _timescale(_first(moov, b"mvhd"))
        self._timescale = _timescale(_first(_first(_first(moov, b"trak"), b"mdia"), b"mdhd"))
        self.head_bytes = at + size

    def _take(self, moof: bytes, end: int) -> None:
        began, lasted, pictures = _run(_first(moof, b"traf"))
        self.ends.append(end)
        self.ends_s.append((began + lasted) / max(self._timescale, 1))
        self.pictures += pictures

    def _told(self, head: bytes, duration_s: float) -> bytes:
        """`mehd` put in at the expense of the `free` box before the `moov`."""
        at, free = 0, -1
        while at + 8 <= len(head):
            size, kind = struct.unpack_from(">I4s", head, at)
            if kind == b"moov":
                break
            free = at if kind == b"free" and size >= 8 + _MEHD_BYTES else -1
            at += max(size, 8)
        else:
            return head
        mvex = head.find(b"mvex", at) - 4
        if free < 0 or mvex < at or head.find(b"mehd", at) >= 0:
            return head
        moov_size, mvex_size = (struct.unpack_from(">I", head, each)[0] for each in (at, mvex))
        ticks = round(duration_s * self._movie_timescale)
        mehd = struct.pack(">I4sIQ", _MEHD_BYTES, b"mehd", 1 << 24, ticks)
        less = at - free - _MEHD_BYTES
        parts = (
            head[:free] + struct.pack(">I", less) + head[free + 4 : free + less],
            struct.pack(">I", moov_size + _MEHD_BYTES) + head[at + 4 : mvex],
            struct.pack(">I4s", mvex_size + _MEHD_BYTES, b"mvex") + mehd + head[mvex + 8 :],
        )
        return b"".join(parts)


def _box(file: BinaryIO, at: int, length: int) -> tuple[bytes, int] | None:
    """Kind and size of the box that begins here; None when it is not complete."""
    if at + 8 > length:
        return None
    file.seek(at)
    size, kind = struct.unpack(">I4s", file.read(8))
    if size == 1:
        size = int.from_bytes(file.read(8))
    return (kind, size) if size >= 8 and at + size <= length else None


def _payload(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at + 8)
    return file.read(min(size - 8, _HEAD_LIMIT))


def _first(payload: bytes, wanted: bytes) -> bytes:
    """What the first box of this kind holds; nothing where there is none."""
    at = 0
    while at + 8 <= len(payload):
        size, kind = struct.unpack_from(">I4s", payload, at)
        if kind == wanted:
            return payload[at + 8 : at + size]
        at += max(size, 8)
    return b""


def _timescale(header: bytes) -> int:
    """Ticks a second, of `mvhd` and `mdhd` alike."""
    at = 20 if header[:1] == b"\1" else 12
    return int.from_bytes(header[at : at + 4])


def _run(traf: bytes) -> tuple[int, int, int]:
    """When a track fragment begins and how long it lasts, in ticks, and its pictures."""
    tfhd, tfdt, trun = (_first(traf, kind) for kind in (b"tfhd", b"tfdt", b"trun"))
    flags = int.from_bytes(tfhd[1:4])
    at = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    usual = int.from_bytes(tfhd[at : at + 4]) if flags & 0x8 else 0
    began = int.from_bytes(tfdt[4:12] if tfdt[:1] == b"\1" else tfdt[4:8])
    flags, count = int.from_bytes(trun[1:4]), int.from_bytes(trun[4:8])
    if not flags & 0x100:
        return began, count * usual, count
    at = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    step = 4 * (flags >> 8 & 0xF).bit_count()
    lasted = sum(int.from_bytes(trun[i : i + 4]) for i in range(at, at + count * step, step))
    return began, lasted, count
