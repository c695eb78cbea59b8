"""Shared memory without a name.

A segment is an anonymous file, mapped by the flow and by its child. It has no name that
could be left behind in /dev/shm: whoever ends, and however, the kernel takes it back with
the last mapping. Nor does the small /dev/shm of a container limit it.
"""

import mmap
import os
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from livelens.flow.process.parcel import Bytes
from livelens.flow.process.wire import Segment

# With more segments than this in use, what is in them is copied out at once: somebody
# collects pictures, and shared memory is not the place for a collection.
_MOST_IN_USE = 12
_PAGES = 64 * 1024


class Mapped:
    """A segment as this process sees it.

    Args:
        number: its number between flow and child.
        fd: the anonymous file.
        size: in bytes.
    """

    def __init__(self, number: int, fd: int, size: int) -> None:
        self.number = number
        self.size = size
        self._memory = mmap.mmap(fd, size)

    def all(self) -> Bytes:
        """All of it, to write into."""
        return np.frombuffer(self._memory, np.uint8)

    def parts(
        self, places: Sequence[tuple[int, int]], *, keep: bool, free: Callable[[], object]
    ) -> list[Bytes]:
        """Views of parts of it.

        Args:
            places: (offset, length) of each.
            keep: the views may be kept; else they are copies.
            free: called once, from any thread, when nothing looks at the views any more.
        """
        whole = self.all()
        views = [whole[offset : offset + length] for offset, length in places]
        if not keep:
            copies = [view.copy() for view in views]
            free()
            return copies
        # Every view, and every view of a view, holds on to `whole`.
        weakref.finalize(whole, free).atexit = False
        return views


class Pool:
    """The flow's segments for one child: made as needed, used again, never named."""

    def __init__(self) -> None:
        self._free: list[Mapped] = []
        # Filled by whichever thread lets go of the last picture in a segment.
        self._back: deque[Mapped] = deque()
        self._by_number: dict[int, Mapped] = {}
        self._next = 0
        self._new: list[tuple[Segment, int]] = []
        self._gone: list[int] = []

    @property
    def crowded(self) -> bool:
        """So many segments are in use that pictures should be copied out of them."""
        return len(self._by_number) - len(self._free) - len(self._back) > _MOST_IN_USE

    def take(self, size: int) -> Mapped:
        """A free segment of at least this size.

        Raises:
            OSError: there is no memory for it.
        """
        while self._back:
            self._free.append(self._back.popleft())
        fitting = [segment for segment in self._free if segment.size >= size]
        if fitting:
            found = min(fitting, key=lambda segment: segment.size)
            self._free.remove(found)
            return found
        if self._free:  # one that is too small makes room
            small = self._free.pop()
            del self._by_number[small.number]
            self._gone.append(small.number)
        return self._made(-(-size // _PAGES) * _PAGES)

    def give(self, segment: Mapped) -> None:
        """A segment is free. Any thread."""
        self._back.append(segment)

    def give_number(self, number: int) -> None:
        """The child is done with a segment."""
        segment = self._by_number.get(number)
        if segment is not None:
            self.give(segment)

    def by_number(self, number: int) -> Mapped:
        """A segment that is in use."""
        return self._by_number[number]

    def changes(self) -> tuple[list[Segment], list[int], list[int]]:
        """What the child has to be told: new segments, their files, segments that are gone."""
        new, fds = [segment for segment, _ in self._new], [fd for _, fd in self._new]
        gone, self._new, self._gone = self._gone, [], []
        return new, fds, gone

    def _made(self, size: int) -> Mapped:
        fd = _anonymous_file(size)
        try:
            segment = Mapped(self._next, fd, size)
        except BaseException:
            os.close(fd)
            raise
        self._new.append((Segment(segment.number, size), fd))
        self._by_number[segment.number] = segment
        self._next += 1
        return segment


class Shelf:
    """The child's view of the segments."""

    def __init__(self) -> None:
        self._mapped: dict[int, Mapped] = {}
        self._released: deque[int] = deque()

    def learn(self, new: Sequence[Segment], fds: Sequence[int], gone: Sequence[int]) -> None:
        """Take new segments in, forget others."""
        for segment, fd in zip(new, fds, strict=True):
            try:
                self._mapped[segment.number] = Mapped(segment.number, fd, segment.size)
            finally:
                os.close(fd)
        for number in gone:
            self._mapped.pop(number, None)

    def by_number(self, number: int) -> Mapped:
        """A segment."""
        return self._mapped[number]

    def parts(self, number: int, places: Sequence[tuple[int, int]], *, keep: bool) -> list[Bytes]:
        """Views of parts of a segment; it counts as released when they are gone."""
        released = self._released
        return self._mapped[number].parts(places, keep=keep, free=lambda: released.append(number))

    def released(self) -> list[int]:
        """The segments that have been let go of since the last call."""
        numbers = []
        while self._released:
            numbers.append(self._released.popleft())
        return numbers


def _anonymous_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("livelens")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, size)
    except BaseException:
        os.close(fd)
        raise
    return fd
