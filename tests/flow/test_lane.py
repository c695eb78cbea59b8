"""The workers of a stage: who is served when, what is lost, what goes wrong."""

import threading
from collections.abc import Sequence

import pytest

from livelens.clock import NS_PER_S
from livelens.events import Problem
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept
from tests.flow.gate import LIVE, Gate, all_of, balanced, keep


def test_a_slow_stage_sees_the_newest_frame_and_the_rest_is_counted(engine: Engine) -> None:
    gate, source, kept = Gate(), HandSource(), Kept()
    spec = PipelineSpec(source=LIVE, stages=(Call.of(gate),), max_delay_s=None)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert gate.entered.acquire(timeout=5)
    source.send(9, start=1)
    source.end()
    gate.open.release(2)
    assert pipeline.wait(5) == "ended"
    assert gate.seqs == [0, 9]
    assert pipeline.stats().dropped == {"call/overrun": 8}
    assert kept.items[-1].dropped == {"call/overrun": 8}, "sinks are told too"
    balanced(pipeline)


class Passing(Call, frozen=True, kw_only=True):
    """A stage that frames need not wait for."""

    @property
    def passes_over(self) -> bool:
        return True

    def passed_over(self, item: Item) -> Item:
        return item.with_(undetected=item.undetected | {"passing"})


def test_frames_that_find_a_stage_busy_can_go_on_in_order_without_it(engine: Engine) -> None:
    gate, source, kept = Gate(), HandSource(), Kept()
    spec = PipelineSpec(source=LIVE, stages=(Passing.of(gate),), max_delay_s=None)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert gate.entered.acquire(timeout=5)
    source.send(5, start=1)
    source.end()
    gate.open.release(2)
    assert pipeline.wait(5) == "ended"
    assert gate.seqs == [0, 5]
    assert kept.seqs == [0, 1, 2, 3, 4, 5]
    passed = [item.frame.seq for item in kept.items if item.undetected == {"passing"}]
    assert passed == [1, 2, 3, 4]
    assert pipeline.stats().dropped == {}
    balanced(pipeline)


def test_frames_that_passed_a_busy_stage_over_are_not_lost_behind_it(engine: Engine) -> None:
    gate, behind, source, kept = Gate(), Gate(), HandSource(), Kept()
    stages = (Passing.of(gate), Call.of(behind))
    spec = PipelineSpec(source=LIVE, stages=stages, max_delay_s=None)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert gate.entered.acquire(timeout=5)
    source.send(5, start=1)
    source.end()
    gate.open.release(2)
    behind.open.release(6)
    assert pipeline.wait(5) == "ended"
    assert kept.seqs == behind.seqs == [0, 1, 2, 3, 4, 5]
    assert pipeline.stats().dropped == {}
    balanced(pipeline)


def test_behind_a_burst_a_slow_stage_keeps_no_queue(engine: Engine) -> None:
    gate, slow, source, kept = Gate(), Gate(), HandSource(), Kept()
    stages = (Passing.of(gate), Call.of(slow))
    spec = PipelineSpec(source=LIVE, stages=stages, max_delay_s=None)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert gate.entered.acquire(timeout=5)
    source.send(30, start=1)  # 29 follow the first one all at once
    gate.open.release(2)
    assert slow.entered.acquire(timeout=5)
    slow.open.release(40)
    source.end()
    assert pipeline.wait(5) == "ended"
    assert kept.seqs[-1] == 30
    assert len(kept.seqs) < 12, "more waited than a burst has room for"
    balanced(pipeline)


def test_of_a_file_no_frame_is_passed_over(engine: Engine) -> None:
    kept = Kept()
    spec = PipelineSpec(source=Counted(count=50), stages=(Passing.of(keep),))
    pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
    assert pipeline.wait(5) == "ended"
    assert [item.undetected for item in kept.items] == [frozenset()] * 50


def test_frames_older_than_the_budget_are_not_worked_on(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    seen: list[int] = []

    def note(items: Sequence[Item]) -> list[Item]:
        seen.extend(item.frame.seq for item in items)
        return list(items)

    spec = PipelineSpec(source=LIVE, stages=(Call.of(note),), max_delay_s=30.0)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1, age_ns=60 * NS_PER_S)
    source.end()
    pipeline.wait(5)
    assert seen == []
    assert pipeline.stats().dropped == {"call/late": 1}
    balanced(pipeline)


def test_results_leave_in_order_when_a_later_frame_is_ready_first(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    first_may_go, first_in, second_in = (threading.Event() for _ in range(3))

    def uneven(items: Sequence[Item]) -> list[Item]:
        if items[0].frame.seq == 0:
            first_in.set()
            first_may_go.wait(5)
        else:
            second_in.set()
        return list(items)

    spec = PipelineSpec(source=LIVE, stages=(Call.of(uneven, workers=2),), max_delay_s=None)
    engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert first_in.wait(5)
    source.send(1, start=1)
    assert second_in.wait(5)
    assert kept.seqs == []
    first_may_go.set()
    kept.wait_for(2)
    assert kept.seqs == [0, 1]


def test_a_raising_stage_loses_its_frame_tells_why_and_goes_on(engine: Engine) -> None:
    def fussy(items: Sequence[Item]) -> list[Item]:
        if items[0].frame.seq == 3:
            raise ValueError("three is\ntoo much")
        return list(items)

    kept = Kept()
    with engine.bus.subscribe("a") as messages:
        spec = PipelineSpec(source=Counted(count=6), stages=(Call.of(fussy),))
        pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
        assert pipeline.wait(5) == "ended"
        problems = [m for m in all_of(messages) if isinstance(m, Problem)]
    assert kept.seqs == [0, 1, 2, 4, 5]
    assert pipeline.stats().dropped == {"call/error": 1}
    assert [p.message for p in problems] == ["ValueError: three is too much"]


def leave(_: Sequence[Item]) -> list[Item]:
    raise SystemExit(3)


def test_a_stage_that_wants_to_exit_loses_its_frame_only(engine: Engine) -> None:
    answers = iter([leave, keep])
    kept = Kept()
    with engine.bus.subscribe("a") as messages:
        stage = Call.of(lambda items: next(answers)(items))  # noqa: PLW0108
        pipeline = engine.add(
            "a", PipelineSpec(source=Counted(count=2), stages=(stage,)), extra_sinks={"kept": kept}
        )
        assert pipeline.wait(5) == "ended"
        problems = [m.message for m in all_of(messages) if isinstance(m, Problem)]
    assert kept.seqs == [1]
    assert problems == ["SystemExit: 3"]
    balanced(pipeline)


@pytest.mark.parametrize("answer", [None, [], "text", [1]])
def test_a_stage_that_breaks_the_contract_is_told_so(engine: Engine, answer: object) -> None:
    spec = PipelineSpec(
        source=Counted(count=1), stages=(Call.of(lambda _items: answer),), on_error="stop"
    )
    pipeline = engine.add("a", spec)
    assert pipeline.wait(5) == "failed"
    assert "process() must return" in pipeline.detail


def test_a_stage_that_never_returns_is_replaced_and_the_stream_goes_on(engine: Engine) -> None:
    stuck, entered, source, kept = threading.Event(), threading.Event(), HandSource(), Kept()

    def hang_once(items: Sequence[Item]) -> list[Item]:
        if items[0].frame.seq == 0:
            entered.set()
            stuck.wait(30)
        return list(items)

    stage = Call.of(hang_once, timeout_s=0.2)
    pipeline = engine.add(
        "a", PipelineSpec(source=LIVE, stages=(stage,), max_delay_s=None), source,
        extra_sinks={"kept": kept},
    )  # fmt: skip
    source.send(1)
    assert entered.wait(5)
    source.send(1, start=1)
    kept.wait_for(1)
    assert kept.seqs == [1]
    assert pipeline.stats().dropped == {"call/timeout": 1}
    stuck.set()
    balanced(pipeline)


def test_a_hanging_stage_cannot_delay_the_stop(engine: Engine) -> None:
    gate, source = Gate(), HandSource()
    pipeline = engine.add("a", PipelineSpec(source=LIVE, stages=(Call.of(gate),)), source)
    source.send(1)
    assert gate.entered.acquire(timeout=5)
    engine.remove("a", timeout_s=0.2)
    assert pipeline.state == "stopped"
    assert pipeline.stats().dropped == {"call/stopped": 1}
    balanced(pipeline)
    gate.open.release(10)


def test_a_shared_stage_takes_from_each_stream_in_turn(engine: Engine) -> None:
    gate = Gate()
    stage = Call.of(gate, shared=True, batch=1)
    sources = [HandSource(), HandSource()]
    kept = [Kept(), Kept()]
    for name, source, sink in zip("ab", sources, kept, strict=True):
        spec = PipelineSpec(source=LIVE, stages=(stage,), max_delay_s=None)
        engine.add(name, spec, source, extra_sinks={"kept": sink})
    sources[0].send(1)
    assert gate.entered.acquire(timeout=5)
    sources[0].send(50, start=1)
    sources[1].send(1)
    gate.open.release(3)
    kept[1].wait_for(1)
    kept[0].wait_for(2)
    assert kept[0].seqs == [0, 50]


def test_files_that_share_a_stage_advance_together(engine: Engine) -> None:
    order: list[str] = []
    filled = threading.Event()

    def note(items: Sequence[Item]) -> list[Item]:
        filled.wait(5)
        order.extend(item.frame.stream_id for item in items)
        return list(items)

    stage = Call.of(note, shared=True, batch=1)
    names = ("a", "b", "c")
    spec = PipelineSpec(source=Counted(count=3), stages=(stage,))
    pipelines = [engine.add(name, spec) for name in names]
    while any(pipeline.stats().waiting["call"] < 2 for pipeline in pipelines):
        threading.Event().wait(0.001)
    filled.set()
    for pipeline in pipelines:
        assert pipeline.wait(10) == "ended"
    # One was in work, and two of each file waited.
    assert sorted(order[1:4]) == sorted(order[4:7]) == list(names)


def test_a_shared_stage_batches_across_streams(engine: Engine) -> None:
    sizes: list[int] = []
    go, entered = threading.Event(), threading.Event()

    def note(items: Sequence[Item]) -> list[Item]:
        sizes.append(len(items))
        entered.set()
        go.wait(5)
        return list(items)

    stage = Call.of(note, shared=True, batch=8)
    sources, sinks = [HandSource() for _ in range(4)], [Kept() for _ in range(4)]
    for n in range(4):
        spec = PipelineSpec(source=LIVE, stages=(stage,), max_delay_s=None)
        engine.add(str(n), spec, sources[n], extra_sinks={"kept": sinks[n]})
    sources[0].send(1)
    assert entered.wait(5)
    for source in sources[1:]:
        source.send(1)
    while any(engine.get(str(n)).stats().waiting["call"] == 0 for n in (1, 2, 3)):
        threading.Event().wait(0.001)
    go.set()
    for sink in sinks:
        sink.wait_for(1)
    assert sizes == [1, 3]


def test_one_streams_poison_does_not_cost_the_others_their_frames(engine: Engine) -> None:
    def picky(items: Sequence[Item]) -> list[Item]:
        if any(item.frame.stream_id == "bad" for item in items):
            raise ValueError("poison")
        return list(items)

    stage = Call.of(picky, shared=True, batch=4)
    good = Kept()
    bad = engine.add("bad", PipelineSpec(source=Counted(count=20), stages=(stage,)))
    engine.add(
        "good", PipelineSpec(source=Counted(count=20), stages=(stage,)), extra_sinks={"k": good}
    )
    good.wait_for(20)
    assert bad.wait(5) == "ended"
    assert bad.stats().dropped == {"call/error": 20}
    assert good.seqs == list(range(20))
