"""The stages of a stream, and how they change while frames flow."""

from collections.abc import Sequence

import pytest

from livelens.errors import Conflict, StageError
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept
from tests.flow.gate import LIVE, balanced, keep


def test_a_stage_that_cannot_be_opened_fails_the_stream_and_no_other(engine: Engine) -> None:
    good = engine.add("good", PipelineSpec(source=Counted(count=5), stages=(Call.of(keep),)))
    bad = engine.add("bad", PipelineSpec(source=Counted(count=5), stages=(Call(key=-1),)))
    assert bad.wait(5) == "failed"
    assert "cannot be opened" in bad.detail
    assert good.wait(5) == "ended"


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
