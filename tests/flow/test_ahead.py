"""Stages that look ahead: what they see, and what becomes of the frames that are held for them."""

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError
from livelens.flow.ahead import MOST_HELD, Ahead
from livelens.flow.chain import _BURST
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Frame, Item
from tests.fakes import Call, Counted, HandSource, Kept

LIVE = Counted(is_live=True, count=0)


class Looking(Call, frozen=True, kw_only=True):
    """A stage that looks ahead, and may be told to look further."""

    lookahead_s: float = 0.19
    descriptor: bool = False

    @property
    def passes_over(self) -> bool:
        return self.descriptor

    def continues(self, before: StageSpec) -> bool:
        return True

    def open(self) -> "_Looking":  # type: ignore[override]
        return _Looking(self)


class _Looking:
    def __init__(self, spec: Looking) -> None:
        self.spec = spec

    def process(self, items: Sequence[Item]) -> list[Item]:
        return Call.functions[self.spec.key](items)  # type: ignore[return-value]

    def renew(self, spec: StageSpec) -> None:
        assert isinstance(spec, Looking)
        self.spec = spec

    def close(self) -> None:
        pass


class Seen:
    """What a stage saw: the number of each frame, and of those ahead of it."""

    def __init__(self) -> None:
        self.ahead: dict[int, list[int]] = {}

    @property
    def seqs(self) -> list[int]:
        return list(self.ahead)

    def __call__(self, items: Sequence[Item]) -> list[Item]:
        for item in items:
            self.ahead[item.frame.seq] = [each.frame.seq for each in item.ahead]
        return list(items)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def pipeline_of(
    *stages: StageSpec, file: int = 0, max_delay_s: float | None = None
) -> PipelineSpec:
    source = Counted(count=file) if file else LIVE
    return PipelineSpec(source=source, stages=stages, max_delay_s=max_delay_s)


def balanced(pipeline: Pipeline, in_flight: int = 0) -> None:
    stats = pipeline.stats()
    assert stats.in_flight == in_flight
    assert stats.captured == stats.delivered + sum(stats.dropped.values()) + in_flight


def wait_for(true: Callable[[], bool]) -> None:
    """Poll what has no event of its own."""
    until, pause = now_ns() + 10 * NS_PER_S, threading.Event()
    while not true() and now_ns() < until:
        pause.wait(0.002)
    assert true()


def paced(pipeline: Pipeline, source: HandSource, frames: range, most: int) -> None:
    """Send frames one by one, each when no more than `most` are left in the pipeline."""
    for n in frames:
        source.send(1, start=n)
        wait_for(lambda n=n: pipeline.counts[0] == n + 1 and pipeline.stats().in_flight <= most)  # type: ignore[misc]


def held(pipeline: Pipeline, count: int) -> None:
    """Wait until so many frames are held."""
    wait_for(lambda: pipeline.stats().waiting["looking"] == count)


@pytest.mark.parametrize("settings", [{}, {"workers": 3}, {"batch": 4}, {"shared": True}])
def test_of_a_file_each_frame_comes_with_those_that_follow(
    engine: Engine, settings: dict[str, object]
) -> None:
    seen, kept = Seen(), Kept()
    spec = pipeline_of(Looking.of(seen, **settings), Call.of(list), file=100)
    pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
    assert pipeline.wait(10) == "ended"
    assert kept.seqs == list(range(100))
    assert all(item.ahead == () for item in kept.items), "what is ahead is the stage's alone"
    # Five frames are 0.17 s; the writer is further by then, which must make no difference.
    assert seen.ahead == {n: list(range(n + 1, min(n + 6, 100))) for n in range(100)}
    balanced(pipeline)


def test_a_live_frame_is_held_until_enough_has_followed(engine: Engine) -> None:
    seen, kept, source = Seen(), Kept(), HandSource()
    pipeline = engine.add(
        "a", pipeline_of(Looking.of(seen, lookahead_s=0.99)), source, extra_sinks={"kept": kept}
    )
    source.send(30)
    held(pipeline, 30)
    assert pipeline.loads()["looking"].waiting == 30
    assert kept.seqs == []
    balanced(pipeline, in_flight=30)
    paced(pipeline, source, range(30, 32), 30)
    assert seen.ahead == {0: list(range(1, 30)), 1: list(range(2, 31))}
    source.end()
    assert pipeline.wait(5) == "ended"
    assert seen.ahead[31] == []
    assert seen.seqs == list(range(32)), "what is held at the end is let through"
    assert pipeline.stats().delivered == 32
    balanced(pipeline)


def test_held_time_is_no_lateness_here_and_after(engine: Engine) -> None:
    kept, source = Kept(), HandSource()
    stages = (Looking.of(list, lookahead_s=0.5), Call.of(list))
    spec = pipeline_of(*stages, max_delay_s=0.4)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    # Nothing follows: it goes on by the clock, older than the limit.
    kept.wait_for(1)
    assert kept.items[0].held_ns > 0.4 * NS_PER_S
    assert pipeline.stats().dropped == {}
    source.send(1, start=1, age_ns=60 * NS_PER_S)
    source.send(1, start=40)
    kept.wait_for(2)
    assert kept.seqs == [0, 2]
    assert pipeline.stats().dropped == {"looking/late": 1}, "what was late before still is"
    balanced(pipeline)


def test_a_slow_stage_after_it_still_loses_frames_instead_of_becoming_late(engine: Engine) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(items: Sequence[Item]) -> list[Item]:
        entered.set()
        go.wait(5)
        return list(items)

    kept, source = Kept(), HandSource()
    stages = (Looking.of(list), Call.of(slow))
    pipeline = engine.add("a", pipeline_of(*stages), source, extra_sinks={"kept": kept})
    source.send(7)
    assert entered.wait(5)
    paced(pipeline, source, range(7, 60), 6 + 1 + _BURST)
    go.set()
    source.end()
    assert pipeline.wait(5) == "ended"
    assert len(kept.seqs) < 30
    assert set(pipeline.stats().dropped) == {"call/overrun"}
    balanced(pipeline)


def test_frames_that_are_held_when_the_stream_stops_are_dropped_as_stopped(engine: Engine) -> None:
    source = HandSource()
    pipeline = engine.add("a", pipeline_of(Looking.of(list, lookahead_s=5.0)), source)
    source.send(20)
    held(pipeline, 20)
    engine.remove("a")
    assert pipeline.stats().dropped == {"looking/stopped": 20}
    balanced(pipeline)


def test_frames_that_are_held_when_the_stage_is_removed_are_counted(engine: Engine) -> None:
    kept, source = Kept(), HandSource()
    pipeline = engine.add(
        "a", pipeline_of(Looking.of(list, lookahead_s=5.0)), source, extra_sinks={"kept": kept}
    )
    source.send(20)
    held(pipeline, 20)
    engine.change("a", pipeline_of())
    source.send(1, start=20)
    kept.wait_for(1)
    assert kept.seqs == [20]
    assert pipeline.stats().dropped == {"looking/reconfigured": 20}
    balanced(pipeline)


def test_frames_that_are_held_at_a_restart_are_counted(engine: Engine) -> None:
    seen, source, other = Seen(), HandSource(), HandSource()
    pipeline = engine.add("a", pipeline_of(Looking.of(seen, lookahead_s=0.99)), source)
    source.send(20)
    held(pipeline, 20)
    engine.restart("a", other)
    paced(pipeline, other, range(20, 60), 30)
    other.end()
    assert pipeline.wait(5) == "ended"
    assert seen.seqs == list(range(20, 60))
    assert pipeline.stats().dropped == {"looking/restarted": 20}
    balanced(pipeline)


def test_the_look_ahead_changes_while_frames_flow_and_none_is_lost(engine: Engine) -> None:
    seen, source = Seen(), HandSource()
    stage = Looking.of(seen, lookahead_s=4.99)
    pipeline = engine.add("a", pipeline_of(stage), source)
    source.send(150)
    held(pipeline, 150)

    def look(lookahead_s: float) -> None:
        changed = Looking(key=stage.key, lookahead_s=lookahead_s)
        engine.change("a", pipeline_of(changed))

    look(2.49)
    held(pipeline, 75)
    look(0.0)
    held(pipeline, 0)
    source.send(1, start=150)
    wait_for(lambda: pipeline.stats().delivered == 151)
    assert seen.ahead[150] == []
    look(1.99)
    paced(pipeline, source, range(151, 212), 60)
    assert seen.ahead[151] == list(range(152, 211))
    source.end()
    assert pipeline.wait(5) == "ended"
    assert seen.seqs == list(range(212))
    assert pipeline.stats().delivered == 212
    balanced(pipeline)


def test_a_jump_of_time_lets_held_frames_go_and_none_is_lost(engine: Engine) -> None:
    seen, source = Seen(), HandSource()
    stages = (Looking.of(list, lookahead_s=4.0), Call.of(seen))
    pipeline = engine.add("a", pipeline_of(*stages), source)
    source.send(6)
    held(pipeline, 6)
    source.send(1, start=240)
    wait_for(lambda: pipeline.stats().delivered == 6)
    assert seen.seqs == list(range(6))
    source.end()
    assert pipeline.wait(5) == "ended"
    assert pipeline.stats().dropped == {}
    balanced(pipeline)


def test_a_stage_that_fails_loses_its_own_frame_only(engine: Engine) -> None:
    def fussy(items: Sequence[Item]) -> list[Item]:
        if items[0].frame.seq == 3:
            raise ValueError("no")
        return list(items)

    kept = Kept()
    pipeline = engine.add("a", pipeline_of(Looking.of(fussy), file=9), extra_sinks={"kept": kept})
    assert pipeline.wait(5) == "ended"
    assert kept.seqs == [0, 1, 2, 4, 5, 6, 7, 8]
    assert pipeline.stats().dropped == {"looking/error": 1}
    balanced(pipeline)


def test_live_frames_that_are_held_go_on_when_the_stage_is_given_up(engine: Engine) -> None:
    never, kept, source = threading.Event(), Kept(), HandSource()

    def hangs(items: Sequence[Item]) -> list[Item]:
        never.wait(30)
        return list(items)

    try:
        stage = Looking.of(hangs, timeout_s=0.05, workers=3)
        pipeline = engine.add("a", pipeline_of(stage), source, extra_sinks={"kept": kept})
        source.send(40)
        wait_for(lambda: pipeline.loads()["looking"].given_up)
        source.send(1, start=40)
        wait_for(lambda: not pipeline.stats().in_flight)
        wait_for(lambda: kept.seqs[-1:] == [40])
        assert set(pipeline.stats().dropped) <= {"looking/timeout", "looking/overrun"}
        balanced(pipeline)
    finally:
        never.set()


@pytest.mark.parametrize("wrong", [{"lane": "process"}, {"descriptor": True}])
def test_a_stage_that_cannot_look_ahead_is_refused(wrong: dict[str, object]) -> None:
    with Engine() as engine, pytest.raises(ConfigError, match=r"cannot look ahead .*stages\[0\]"):
        engine.add("a", pipeline_of(Looking.of(list, **wrong)))


def test_a_stage_knows_the_name_it_has_in_the_chain(engine: Engine) -> None:
    names: list[str | None] = []

    class Named(Call, frozen=True, kw_only=True):
        def open(self) -> "_Looking":  # type: ignore[override]
            names.append(self.name)
            return super().open()  # type: ignore[return-value]

    key = Named.of(list).key
    stages = (Named(key=key), Named(key=key), Named(key=key, name="third"))
    pipeline = engine.add("a", pipeline_of(*stages, file=3))
    assert pipeline.wait(5) == "ended"
    assert sorted(map(str, names)) == ["named", "named-2", "third"]
    assert pipeline.spec.stages == stages


# --- the holding itself


def item(seq: int, pts_ns: int) -> Item:
    return Item(Frame.of(np.zeros((1, 1, 3), np.uint8), seq=seq, pts_ns=pts_ns))


@given(
    steps=st.lists(st.integers(-(10**9), 10**9), max_size=60),
    spans=st.lists(st.integers(0, 2 * 10**9), min_size=1, max_size=5),
)
def test_nothing_is_lost_or_out_of_order_whatever_the_times(
    steps: list[int], spans: list[int]
) -> None:
    ahead, pts_ns, gone = Ahead(), 0, list[Item]()
    for n, step in enumerate(steps):
        ahead.span_ns = spans[n % len(spans)]
        gone += ahead.ripe(n)
        pts_ns += step
        gone += ahead.add(item(n, pts_ns), n)
        assert len(gone) + len(ahead) == n + 1
        waiting = ahead.items
        assert not waiting or waiting[-1].frame.pts_ns - waiting[0].frame.pts_ns < ahead.span_ns
    gone += ahead.all(len(steps))
    assert [each.frame.seq for each in gone] == list(range(len(steps)))
    assert all(each.held_ns >= 0 for each in gone)


def test_no_more_are_held_than_memory_has_room_for() -> None:
    ahead = Ahead()
    ahead.span_ns = 5 * NS_PER_S
    for n in range(1000):
        ahead.add(item(n, n), 0)
    assert len(ahead) == MOST_HELD


def test_of_a_file_that_breaks_off_the_held_frames_are_shown(engine: Engine) -> None:
    seen, kept = Seen(), Kept()
    file = Counted(count=30, fail="cut off at 1 s")
    spec = PipelineSpec(source=file, stages=(Looking.of(seen, lookahead_s=5.0),))
    pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
    assert pipeline.wait(5) == "failed"
    assert pipeline.detail == "cut off at 1 s"
    assert kept.seqs == list(range(30))
    assert pipeline.stats().dropped == {}
