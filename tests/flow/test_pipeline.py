"""One stream: order, losses, accounts, failures, changes, the end."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.clock import NS_PER_S
from livelens.errors import Conflict, LivelensError, StageError
from livelens.events import Problem, State
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept

LIVE = Counted(is_live=True, count=0)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


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


def test_a_file_passes_without_loss_and_in_order(engine: Engine) -> None:
    kept = Kept()
    stages = (Call.of(keep), Call.of(keep, workers=3), Call.of(keep, batch=4))
    spec = PipelineSpec(source=Counted(count=200), stages=stages)
    pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
    assert pipeline.wait(10) == "ended"
    assert kept.seqs == list(range(200))
    assert kept.closed.is_set()
    assert [t.stage for t in kept.items[0].timings] == ["call", "call-2", "call-3"]
    assert pipeline.stats().dropped == {}
    balanced(pipeline)


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
        problems = [m for m in _all(messages) if isinstance(m, Problem)]
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
        problems = [m.message for m in _all(messages) if isinstance(m, Problem)]
    assert kept.seqs == [1]
    assert problems == ["SystemExit: 3"]
    balanced(pipeline)


def test_a_result_that_cannot_be_told_is_delivered_all_the_same(engine: Engine) -> None:
    def lopsided(items: Sequence[Item]) -> list[Item]:
        found = sv.Detections(xyxy=np.zeros((2, 4)), class_id=np.zeros(2, int))
        found.data["keypoints"] = np.array([3, 4])
        return [item.with_(detections=found) for item in items]

    kept = Kept()
    with engine.bus.subscribe("a") as messages:
        spec = PipelineSpec(source=Counted(count=3), stages=(Call.of(lopsided, shared=True),))
        pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
        assert pipeline.wait(5) == "ended"
        problems = [m for m in _all(messages) if isinstance(m, Problem)]
    assert kept.seqs == [0, 1, 2]
    assert [p.where for p in problems] == ["result"]
    balanced(pipeline)


def test_on_error_stop_ends_the_pipeline_as_failed(engine: Engine) -> None:
    def broken(items: Sequence[Item]) -> list[Item]:
        raise ValueError("no")

    spec = PipelineSpec(source=Counted(count=50), stages=(Call.of(broken),), on_error="stop")
    pipeline = engine.add("a", spec)
    assert pipeline.wait(5) == "failed"
    assert "ValueError: no" in pipeline.detail
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


def test_a_stage_that_cannot_be_opened_fails_the_stream_and_no_other(engine: Engine) -> None:
    good = engine.add("good", PipelineSpec(source=Counted(count=5), stages=(Call.of(keep),)))
    bad = engine.add("bad", PipelineSpec(source=Counted(count=5), stages=(Call(key=-1),)))
    assert bad.wait(5) == "failed"
    assert "cannot be opened" in bad.detail
    assert good.wait(5) == "ended"


def test_a_live_source_that_ends_is_opened_again(engine: Engine) -> None:
    kept = Kept()
    with engine.bus.subscribe("a") as messages:
        pipeline = engine.add(
            "a", PipelineSpec(source=Counted(count=3, is_live=True, fail="cable pulled")),
            extra_sinks={"kept": kept},
        )  # fmt: skip
        kept.wait_for(4)
        engine.remove("a")
        states = [m.state for m in _all(messages) if isinstance(m, State)]
    assert states[:3] == ["running", "reconnecting", "running"]
    pts = [item.frame.pts_ns for item in kept.items]
    assert pts == sorted(set(pts))
    assert pipeline.state == "stopped"


def test_a_file_that_breaks_off_fails_with_its_reason(engine: Engine) -> None:
    pipeline = engine.add("a", PipelineSpec(source=Counted(count=3, fail="cut off at 1.2 s")))
    assert pipeline.wait(5) == "failed"
    assert pipeline.detail == "cut off at 1.2 s"
    assert pipeline.stats().delivered == 3


def test_stages_change_while_frames_flow_and_sinks_stay(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    spec = PipelineSpec(source=LIVE, stages=(Call.of(keep, name="old"),))
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    kept.wait_for(1)
    engine.change("a", PipelineSpec(source=LIVE, stages=(Call.of(keep, name="new"),)))
    source.send(1, start=1)
    kept.wait_for(2)
    assert [item.timings[0].stage for item in kept.items] == ["old", "new"]
    assert not kept.closed.is_set()
    balanced(pipeline)


def test_a_restart_opens_source_and_stages_anew_and_sinks_stay(engine: Engine) -> None:
    first, second, kept = HandSource(), HandSource(), Kept()
    spec = PipelineSpec(source=LIVE, stages=(Call.of(keep, name="keep"),))
    pipeline = engine.add("a", spec, first, extra_sinks={"kept": kept})
    first.send(1)
    kept.wait_for(1)
    with pytest.raises(Conflict, match="given open"):
        engine.restart("a")
    engine.restart("a", second)
    assert first.closed.is_set()
    # What the first one still has to say comes too late.
    pipeline._source_changed(0, "failed", "it broke")
    pipeline._all_delivered(0)
    second.send(1)
    kept.wait_for(2)
    assert not kept.closed.is_set()
    assert pipeline.state == "running"
    pts = [item.frame.pts_ns for item in kept.items]
    assert pts == sorted(set(pts))
    assert [item.frame.seq for item in kept.items] == [0, 1]
    balanced(pipeline)
    engine.halt("a")
    with pytest.raises(Conflict, match="has ended"):
        engine.restart("a", HandSource())


def test_a_halted_stream_is_changed_and_started(engine: Engine) -> None:
    spec = PipelineSpec(source=Counted(count=3), stages=())
    engine.add("a", spec)
    assert engine.halt("a").over
    engine.change("a", PipelineSpec(source=Counted(count=3), max_delay_s=0.25))
    again = engine.start("a")
    assert again.wait(5) == "ended"
    assert again.stats().delivered == 3
    assert again.spec.max_delay_s == 0.25
    stopped = engine.add_stopped("b", spec)
    assert stopped.state == "stopped"
    assert engine.start("b").wait(5) == "ended"


def test_a_change_that_cannot_work_leaves_all_as_it_was(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    spec = PipelineSpec(source=LIVE, stages=(Call.of(keep, name="old"),))
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    broken = PipelineSpec(source=LIVE, stages=(Call.of(keep, name="old"), Call(key=-1, name="new")))
    with pytest.raises(StageError, match=r" - at \$\.stages\[1\]$"):
        engine.change("a", broken)
    with pytest.raises(Conflict):
        engine.change("a", PipelineSpec(source=Counted(count=77, is_live=True)))
    source.send(1)
    kept.wait_for(1)
    assert kept.items[0].timings[0].stage == "old"
    assert pipeline.spec == spec


def test_an_unchanged_stage_keeps_its_state(engine: Engine) -> None:
    count = 0

    def counting(items: Sequence[Item]) -> list[Item]:
        nonlocal count
        count += len(items)
        return [item.with_(extra={"count": count}) for item in items]

    source, kept = HandSource(), Kept()
    stage = Call.of(counting, name="counting")
    engine.add("a", PipelineSpec(source=LIVE, stages=(stage,)), source, extra_sinks={"kept": kept})
    source.send(1)
    kept.wait_for(1)
    spec = PipelineSpec(source=LIVE, stages=(stage, Call.of(keep, name="more")))
    engine.change("a", spec)
    source.send(1, start=1)
    kept.wait_for(2)
    assert kept.items[1].extra == {"count": 2}


class Tally(StageSpec, frozen=True, kw_only=True):
    """Counts frames from where it began, which may change while it is open."""

    begin: int = 0

    def continues(self, before: StageSpec) -> bool:
        return isinstance(before, Tally) and self.begin >= 0

    def open(self) -> "_TallyStage":
        return _TallyStage(self.begin)


class _TallyStage:
    def __init__(self, begin: int) -> None:
        self._begin, self._seen = begin, 0

    def process(self, items: Sequence[Item]) -> list[Item]:
        self._seen += len(items)
        return [item.with_(extra={"seen": self._seen, "begin": self._begin}) for item in items]

    def renew(self, spec: StageSpec) -> None:
        assert isinstance(spec, Tally)
        self._begin = spec.begin

    def close(self) -> None:
        self._seen = -1000


def test_a_stage_that_can_takes_other_settings_and_keeps_what_it_knows(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    sinks = {"kept": kept}
    engine.add("a", PipelineSpec(source=LIVE, stages=(Tally(),)), source, extra_sinks=sinks)
    source.send(1)
    kept.wait_for(1)
    engine.change("a", PipelineSpec(source=LIVE, stages=(Tally(begin=5), Call.of(keep))))
    source.send(1, start=1)
    kept.wait_for(2)
    assert kept.items[1].extra == {"seen": 2, "begin": 5}
    # A change that fails leaves it as it is.
    with pytest.raises(StageError):
        engine.change("a", PipelineSpec(source=LIVE, stages=(Tally(begin=9), Call(key=-1))))
    source.send(1, start=2)
    kept.wait_for(3)
    assert kept.items[2].extra == {"seen": 3, "begin": 5}
    # One that cannot go on is opened anew.
    engine.change("a", PipelineSpec(source=LIVE, stages=(Tally(begin=-1),)))
    source.send(1, start=3)
    kept.wait_for(4)
    assert kept.items[3].extra == {"seen": 1, "begin": -1}


def test_a_name_is_taken_once(engine: Engine) -> None:
    engine.add("a", PipelineSpec(source=LIVE), HandSource())
    with pytest.raises(Conflict):
        engine.add("a", PipelineSpec(source=LIVE), HandSource())


def test_nothing_is_left_of_a_removed_stream() -> None:
    before = set(threading.enumerate())
    engine = Engine()
    for n in range(3):
        source = HandSource()
        stages = (Call.of(keep, shared=True), Call.of(keep, workers=2))
        engine.add(str(n), PipelineSpec(source=LIVE, stages=stages), source)
        source.send(5)
        engine.remove(str(n))
    engine.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread


outcomes = st.sampled_from(["keep", "keep", "keep", "raise", "wrong"])


@given(
    plan=st.lists(outcomes, min_size=1, max_size=40), workers=st.integers(1, 3), live=st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_every_frame_is_accounted_for_once(plan: list[str], workers: int, live: bool) -> None:
    def act(items: Sequence[Item]) -> object:
        outcome = plan[items[0].frame.seq]
        if outcome == "raise":
            raise LivelensError("planned")
        return list(items) if outcome == "keep" else None

    kept = Kept()
    stages = (Call.of(act, workers=workers), Call.of(keep))
    with Engine() as engine:
        if live:
            source = HandSource()
            spec = PipelineSpec(source=LIVE, stages=stages)
            pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
            source.send(len(plan))
            source.end()
        else:
            spec = PipelineSpec(source=Counted(count=len(plan)), stages=stages)
            pipeline = engine.add("a", spec, extra_sinks={"kept": kept})
        assert pipeline.wait(10) == "ended"
        stats = pipeline.stats()
    assert stats.captured == len(plan)
    balanced(pipeline)
    assert kept.seqs == sorted(set(kept.seqs))
    if not live:
        assert kept.seqs == [n for n, outcome in enumerate(plan) if outcome == "keep"]


def _all(messages: object) -> list[object]:
    found = []
    while True:
        try:
            found.append(messages.get(0.0))  # type: ignore[attr-defined]
        except (TimeoutError, LivelensError):
            return found
