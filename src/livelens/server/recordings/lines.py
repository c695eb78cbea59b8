"""A piece of a file of results, by time, without reading the rest."""

import re
from pathlib import Path
from typing import BinaryIO, Final

_PTS: Final = re.compile(rb'"pts_ns":(\d+)')
# Longer than any line but one with many face meshes, for which it is doubled.
_PIECE_BYTES: Final = 65_536


def span(path: Path, from_ns: int | None, to_ns: int | None) -> tuple[int, int]:
    """Where the complete lines with from_ns <= pts_ns < to_ns begin and end, in bytes.

    Lines are in the order of their time. Raises OSError.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        first = 0 if from_ns is None else _first_at(file, end, from_ns)
        last = _whole(file, end) if to_ns is None else _first_at(file, end, to_ns)
    return first, max(first, last)


def _whole(file: BinaryIO, end: int) -> int:
    """Where the last complete line ends; the one after it may be being written."""
    at = end
    while at > 0:
        begin = max(0, at - _PIECE_BYTES)
        file.seek(begin)
        found = file.read(at - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return 0


def _first_at(file: BinaryIO, end: int, pts_ns: int) -> int:
    """Where the first line begins whose time is `pts_ns` or later."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        begins, line = _line_after(file, middle, end)
        if begins >= high or not line or _time(line) >= pts_ns:
            high = middle
        else:
            low = begins + len(line)
    return min(_line_start(file, low, end), _whole(file, end))


def _line_after(file: BinaryIO, at: int, end: int) -> tuple[int, bytes]:
    """The first line that begins at this byte or later."""
    begins = _line_start(file, at, end)
    file.seek(begins)
    return begins, file.readline()


def _line_start(file: BinaryIO, at: int, end: int) -> int:
    if at == 0:
        return 0
    file.seek(at - 1)
    while (piece := file.read(_PIECE_BYTES)) and file.tell() <= end + _PIECE_BYTES:
        found = piece.find(b"\n")
        if found >= 0:
            return file.tell() - len(piece) + found + 1
    return end


def _time(line: bytes) -> int:
    found = _PTS.search(line)
    return int(found[1]) if found else 0
