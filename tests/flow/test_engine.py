"""All streams of a process: names, changes and removals that overlap."""

import threading
from collections.abc import Sequence

import pytest
from prometheus_client import generate_latest

from livelens.errors import Conflict, LivelensError, SinkError
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec, SinkSpec, StageSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource

LIVE = Counted(is_live=True, count=0)


class Opens(StageSpec, frozen=True, kw_only=True):
    """A stage that never gets open."""

    def open(self) -> None:  # type: ignore[override]
        OPENING.set()
        NEVER.wait(60)
        raise LivelensError("given up")


class NoFolder(SinkSpec, frozen=True, kw_only=True):
    """A sink that cannot be opened."""

    def open(self, stream_id: str) -> None:  # type: ignore[override]
        raise SinkError("there is no folder")


OPENING, NEVER = threading.Event(), threading.Event()


def test_a_change_that_waits_for_a_stage_does_not_delay_the_removal(engine: Engine) -> None:
    engine.add("a", PipelineSpec(source=LIVE), HandSource())
    outcome: list[BaseException] = []

    def change() -> None:
        try:
            engine.change("a", PipelineSpec(source=LIVE, stages=(Opens(name="slow"),)))
        except LivelensError as error:
            outcome.append(error)

    changing = threading.Thread(target=change)
    changing.start()
    assert OPENING.wait(5)
    removing = threading.Thread(target=engine.remove, args=("a",))
    removing.start()
    removing.join(5)
    assert not removing.is_alive(), "the removal waits for the change"
    changing.join(5)
    assert [type(error) for error in outcome] == [Conflict]
    NEVER.set()


def test_a_name_is_free_when_its_stream_has_gone_entirely(engine: Engine) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hanging(items: Sequence[Item]) -> list[Item]:
        entered.set()
        leave.wait(10)
        return list(items)

    source = HandSource()
    engine.add("a", PipelineSpec(source=LIVE, stages=(Call.of(hanging),)), source)
    source.send(1)
    assert entered.wait(5)
    removing = threading.Thread(target=engine.remove, args=("a", 10.0))
    removing.start()
    while "a" in engine.streams:
        removing.join(0.001)
    with pytest.raises(Conflict, match="being removed"):
        engine.add("a", PipelineSpec(source=LIVE), HandSource())
    leave.set()
    removing.join(10)
    engine.add("a", PipelineSpec(source=LIVE), HandSource())
    assert b'livelens_frames_captured_total{stream="a"}' in generate_latest(engine.registry)


def test_a_stream_that_could_not_be_added_leaves_no_metrics(engine: Engine) -> None:
    with pytest.raises(SinkError):
        engine.add("gone", PipelineSpec(source=LIVE, sinks=(NoFolder(name="disk"),)))
    assert b"gone" not in generate_latest(engine.registry)
