"""The sinks of a stream: opened, kept, changed and broken while frames flow."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest

from livelens.errors import SinkError
from livelens.events import Problem
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec, SinkSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept

LIVE = Counted(is_live=True, count=0)
ROOM = 100


class Made(SinkSpec, frozen=True, kw_only=True):
    """A sink that the test makes; `opened` keeps them all."""

    capacity: ClassVar[int] = ROOM
    opened: ClassVar[list["Steered"]] = []

    setting: int = 0
    fails: bool = False

    def open(self, stream_id: str) -> "Steered":
        if self.fails:
            raise SinkError("there is no folder")
        self.opened.append(Steered())
        return self.opened[-1]


class Steered(Kept):
    """Keeps what it gets until it is told to break."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks = False
        self.fails_to_close = False

    def put(self, item: Item) -> None:
        if self.breaks:
            raise SinkError("no space left")
        super().put(item)

    def close(self) -> None:
        super().close()
        if self.fails_to_close:
            raise SinkError("its end could not be written")


@pytest.fixture
def engine() -> Iterator[Engine]:
    Made.opened.clear()
    with Engine() as running:
        yield running


def spec(*sinks: SinkSpec, **more: object) -> PipelineSpec:
    return PipelineSpec(source=LIVE, sinks=sinks, **more)  # type: ignore[arg-type]


def problems(messages: object, count: int) -> list[tuple[str, str]]:
    """Where and what, of the next `count` problems."""
    found: list[tuple[str, str]] = []
    while len(found) < count:
        message = messages.get(5)  # type: ignore[attr-defined]
        if isinstance(message, Problem):
            found.append((message.where, message.message))
    return found


def test_a_broken_sink_is_opened_anew_by_a_change_and_others_go_on(engine: Engine) -> None:
    source = HandSource()
    with engine.bus.subscribe("a") as messages:
        engine.add("a", spec(Made(name="disk"), Made(name="other")), source)
        disk, other = Made.opened
        disk.breaks = True
        source.send(1)
        assert problems(messages, 1) == [("disk", "no space left")]
    assert disk.closed.wait(5)
    source.send(1, start=1)
    other.wait_for(2)
    engine.change("a", spec(Made(name="disk"), Made(name="other")))
    assert len(Made.opened) == 3
    source.send(1, start=2)
    Made.opened[2].wait_for(1)
    other.wait_for(3)


def test_a_change_whose_sink_cannot_be_opened_leaves_stages_and_sinks(engine: Engine) -> None:
    source = HandSource()
    stage = Call.of(list, name="old")
    before = spec(Made(name="one"), stages=(stage,))
    pipeline = engine.add("a", before, source)
    wrong = spec(Made(name="one", setting=1), Made(name="two", fails=True), stages=(Call.of(list),))
    with pytest.raises(SinkError, match="no folder"):
        engine.change("a", wrong)
    assert pipeline.spec == before
    assert [link.name for link in pipeline.lanes()] == ["old:a"]
    source.send(1)
    Made.opened[0].wait_for(1)
    assert not Made.opened[0].closed.is_set()
    assert Made.opened[1].closed.wait(5), "what was opened in vain is closed"


def test_a_replaced_sink_that_fails_to_close_does_not_cost_the_new_one(engine: Engine) -> None:
    source = HandSource()
    with engine.bus.subscribe("a") as messages:
        engine.add("a", spec(Made(name="disk")), source)
        Made.opened[0].fails_to_close = True
        engine.change("a", spec(Made(name="disk", setting=1)))
        assert problems(messages, 1) == [("disk", "its end could not be written")]
    source.send(1)
    Made.opened[1].wait_for(1)


def test_sinks_can_be_read_while_they_change(engine: Engine) -> None:
    pipeline = engine.add("a", spec(), HandSource())
    stop = threading.Event()
    errors: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                for _ in pipeline.sinks:
                    pipeline.stats()
        except RuntimeError as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(30):
        engine.change("a", spec(*(Made(name=f"s{k}") for k in range(n % 7))))
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert list(pipeline.sinks) == ["s0"]


def raising(_: Sequence[Item]) -> list[Item]:
    raise ValueError("box outside\nof everything")


@pytest.mark.parametrize("answer", [raising, lambda _: None, lambda _: []])
def test_an_overlay_that_fails_leaves_the_picture_undrawn(
    engine: Engine, answer: Callable[[Sequence[Item]], list[Item]]
) -> None:
    source = HandSource()
    with engine.bus.subscribe("a") as messages:
        engine.add("a", spec(Made(name="drawn", overlay=Call.of(answer))), source)
        source.send(2)
        [(where, _)] = problems(messages, 1)
    assert where == "drawn"
    Made.opened[0].wait_for(2)
    assert not Made.opened[0].closed.is_set()


def test_a_sink_that_cannot_say_whether_it_is_wanted_breaks_alone(engine: Engine) -> None:
    source = HandSource()
    with engine.bus.subscribe("a") as messages:
        pipeline = engine.add("a", spec(Made(name="odd"), Made(name="other")), source)
        del Made.opened[0].wanted
        source.send(3)
        assert problems(messages, 1)[0][0] == "odd"
    Made.opened[1].wait_for(3)
    assert pipeline.state == "running"
