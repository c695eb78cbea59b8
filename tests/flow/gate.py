"""What the tests of the flow share: stages that wait, and accounts that must balance."""

import threading
from collections.abc import Sequence

from livelens.errors import LivelensError
from livelens.flow.pipeline import Pipeline
from livelens.types import Item
from tests.fakes import Counted

LIVE = Counted(is_live=True, count=0)


def keep(items: Sequence[Item]) -> list[Item]:
    return list(items)


class Gate:
    """A stage that waits to be let through, one call at a time."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.seqs: list[int] = []

    def __call__(self, items: Sequence[Item]) -> list[Item]:
        self.seqs += [item.frame.seq for item in items]
        self.entered.release()
        self.open.acquire(timeout=10)
        return list(items)


def balanced(pipeline: Pipeline) -> None:
    stats = pipeline.stats()
    assert stats.in_flight == 0
    assert stats.captured == stats.delivered + sum(stats.dropped.values())


def all_of(messages: object) -> list[object]:
    found = []
    while True:
        try:
            found.append(messages.get(0.0))  # type: ignore[attr-defined]
        except (TimeoutError, LivelensError):
            return found
