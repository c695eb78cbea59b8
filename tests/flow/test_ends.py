"""The thread that reads a source."""

import threading
from collections.abc import Callable, Iterator

import pytest

from livelens.flow.ends import SourceLane
from livelens.spec import SourceSpec
from livelens.types import Captured
from tests.fakes import HandSource


class Opens(SourceSpec, frozen=True, kw_only=True):
    """A live source that the test opens."""

    how: Callable[[], object]

    @property
    def label(self) -> str:
        return "opens"

    def open(self) -> "HandSource":
        return self.how()  # type: ignore[return-value]


def lane(how: Callable[[], object], told: Callable[[str, str], None]) -> SourceLane:
    def push(_: Captured) -> None:
        return

    one = SourceLane("a", Opens(how=how), source=None, push=push, changed=told)
    one.start()
    return one


def test_a_source_that_opens_after_the_stop_is_closed() -> None:
    opening, go_on, source = threading.Event(), threading.Event(), HandSource()

    def slow() -> HandSource:
        opening.set()
        go_on.wait(5)
        return source

    one = lane(slow, lambda *_: None)
    assert opening.wait(5)
    one.stop()
    go_on.set()
    assert source.closed.wait(5), "nobody closes it"
    assert one.join(5), "it waits for pictures that never come"


class Stubborn(HandSource):
    """Breaks off at once, and then cannot be closed."""

    def frames(self) -> Iterator[Captured]:
        raise OSError("broken")

    def close(self) -> None:
        raise OSError("cannot be closed")


class Leaving(HandSource):
    """Ends the thread that reads it."""

    def frames(self) -> Iterator[Captured]:
        raise SystemExit(1)


@pytest.mark.parametrize("kind", [Stubborn, Leaving])
def test_a_source_that_breaks_in_any_way_is_opened_again(kind: type[HandSource]) -> None:
    opened = threading.Semaphore(0)
    states: list[str] = []

    def opens() -> HandSource:
        opened.release()
        return kind()

    one = lane(opens, lambda state, _: states.append(state))
    for _ in range(2):
        assert opened.acquire(timeout=5), "it is not opened again"
    one.stop()
    assert one.join(5)
    assert set(states) == {"reconnecting"}
