"""Sources, stages and sinks that tests steer by hand."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from livelens.channel import Channel
from livelens.clock import now_ns
from livelens.errors import Closed, SourceError
from livelens.picture import ArrayPicture
from livelens.spec import SourceSpec, StageSpec
from livelens.types import Captured, Item


def captured(n: int, age_ns: int = 0) -> Captured:
    """The n-th picture of a 30 fps source, 4×4 pixels."""
    pixels = np.full((4, 4, 3), n % 256, np.uint8)
    return Captured(ArrayPicture(pixels), n * 33_333_333, now_ns() - age_ns)


class HandSource:
    """A source whose pictures come when the test says so."""

    def __init__(self, *, lossless: bool = False) -> None:
        self._channel: Channel[Captured] = Channel(1000)
        self.closed = threading.Event()

    def send(self, count: int, start: int = 0, age_ns: int = 0) -> None:
        for n in range(start, start + count):
            self._channel.put(captured(n, age_ns))

    def put(self, picture: Captured) -> None:
        self._channel.put(picture)

    def end(self) -> None:
        self._channel.close()

    def frames(self) -> Iterator[Captured]:
        try:
            while True:
                yield self._channel.get()
        except Closed:
            return

    def close(self) -> None:
        self.closed.set()
        self._channel.close()


class Counted(SourceSpec, frozen=True, kw_only=True):
    """A source of `count` pictures, then the end; a file if not `is_live`."""

    count: int = 10
    is_live: bool = False
    fail: str | None = None

    @property
    def live(self) -> bool:
        return self.is_live

    @property
    def label(self) -> str:
        return "counted"

    def open(self) -> "_CountedSource":
        return _CountedSource(self.count, self.fail)


class _CountedSource:
    def __init__(self, count: int, fail: str | None) -> None:
        self._count, self._fail = count, fail

    def frames(self) -> Iterator[Captured]:
        for n in range(self._count):
            yield captured(n)
        if self._fail:
            raise SourceError(self._fail)

    def close(self) -> None:
        pass


class Call(StageSpec, frozen=True, kw_only=True):
    """A stage that calls a function of the test, found by number."""

    functions: ClassVar[dict[int, Callable[[Sequence[Item]], object]]] = {}
    key: int = 0
    shared: bool = False

    @property
    def scope(self) -> str:  # type: ignore[override]
        return "shared" if self.shared else "stream"

    def open(self) -> "_CallStage":
        return _CallStage(self.functions[self.key])

    @classmethod
    def of(cls, function: Callable[[Sequence[Item]], object], **settings: object) -> "Call":
        key = len(cls.functions)
        cls.functions[key] = function
        return cls(key=key, **settings)  # type: ignore[arg-type]


class _CallStage:
    def __init__(self, function: Callable[[Sequence[Item]], object]) -> None:
        self._function = function

    def process(self, items: Sequence[Item]) -> list[Item]:
        return self._function(items)  # type: ignore[return-value]

    def close(self) -> None:
        pass


class Kept:
    """A sink that keeps what it gets, and can be waited for."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._changed = threading.Condition()
        self.closed = threading.Event()
        self.wanted = True

    def put(self, item: Item) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        self.closed.set()

    def wait_for(self, count: int, timeout_s: float = 5.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.items) >= count, timeout_s), (
                f"{len(self.items)} of {count} items"
            )

    @property
    def seqs(self) -> list[int]:
        return [item.frame.seq for item in self.items]
