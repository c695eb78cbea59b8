"""One stream: order, losses, accounts, failures, changes, the end."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.errors import Conflict, LivelensError
from livelens.events import Problem, State
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept
from tests.flow.gate import LIVE, all_of, balanced, keep


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
        problems = [m for m in all_of(messages) if isinstance(m, Problem)]
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


def test_a_live_source_that_ends_is_opened_again(engine: Engine) -> None:
    kept = Kept()
    with engine.bus.subscribe("a") as messages:
        pipeline = engine.add(
            "a", PipelineSpec(source=Counted(count=3, is_live=True, fail="cable pulled")),
            extra_sinks={"kept": kept},
        )  # fmt: skip
        kept.wait_for(4)
        engine.remove("a")
        states = [m.state for m in all_of(messages) if isinstance(m, State)]
    assert states[:3] == ["running", "reconnecting", "running"]
    pts = [item.frame.pts_ns for item in kept.items]
    assert pts == sorted(set(pts))
    assert pipeline.state == "stopped"


def test_a_file_that_breaks_off_fails_with_its_reason(engine: Engine) -> None:
    pipeline = engine.add("a", PipelineSpec(source=Counted(count=3, fail="cut off at 1.2 s")))
    assert pipeline.wait(5) == "failed"
    assert pipeline.detail == "cut off at 1.2 s"
    assert pipeline.stats().delivered == 3


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
