"""Descriptors in a running pipeline: frames never wait, values are late but never wrong."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import pytest
import supervision as sv

from livelens.clock import now_ns
from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.events import Problem
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.spec import PipelineSpec
from livelens.types import Item
from tests.fakes import Call, Counted, HandSource, Kept

Describe = Callable[[Sequence[Crop]], list[Description]]
LIVE = Counted(is_live=True, count=0)


class Read(DescriptorSpec, frozen=True, kw_only=True):
    """A descriptor that calls a function of the test, found by number."""

    functions: ClassVar[list[Describe]] = []
    key: int = 0
    min_size_px: int = 1
    refresh_s: float = 0

    def open(self) -> "_Reader":
        return _Reader(self.functions[self.key])

    @classmethod
    def by(
        cls, function: Callable[[Sequence[Crop]], list[Description]], **settings: object
    ) -> "Read":
        cls.functions.append(function)
        return cls(key=len(cls.functions) - 1, **settings)  # type: ignore[arg-type]


class _Reader:
    def __init__(self, function: Describe) -> None:
        self.describe = function

    def close(self) -> None:
        pass


class Tracked(Call, frozen=True, kw_only=True):
    """Puts one tracked object on every frame."""

    gives = frozenset({"detections", "tracks"})


def found(items: Sequence[Item]) -> list[Item]:
    return [
        item.with_(
            detections=sv.Detections(
                xyxy=np.array([[0, 0, 3, 3]], np.float32),
                tracker_id=np.array([1]),
                data={"class_name": np.array(["face"])},
            )
        )
        for item in items
    ]


def brightness(crops: Sequence[Crop]) -> list[Description]:
    return [{"brightness": Reading(int(crop.image()[0, 0, 0]))} for crop in crops]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def add(engine: Engine, spec: Read, source: HandSource | None = None) -> tuple[Pipeline, Kept]:
    kept = Kept()
    stages = (Tracked.of(found), spec)
    file = Counted(count=60)
    pipeline = engine.add(
        "a",
        PipelineSpec(source=file if source is None else LIVE, stages=stages, max_delay_s=None),
        source,
        extra_sinks={"kept": kept},
    )
    return pipeline, kept


def values(items: Sequence[Item]) -> list[object]:
    return [
        item.attributes[1]["brightness"].value if 1 in item.attributes else None for item in items
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_of_a_file_every_frame_waits_for_its_own_description(engine: Engine, workers: int) -> None:
    pipeline, kept = add(engine, Read.by(brightness, window_s=0, workers=workers))
    assert pipeline.wait(10) == "ended"
    assert kept.seqs == list(range(60))
    assert values(kept.items) == list(range(60))
    assert [t.stage for t in kept.items[0].timings] == ["tracked", "read"]
    assert pipeline.stats().delivered == 60


def test_a_descriptor_does_not_tell_what_another_one_has_read(engine: Engine) -> None:
    def weight(crops: Sequence[Crop]) -> list[Description]:
        return [{"weight": Reading(1)} for _ in crops]

    kept = Kept()
    often = Read.by(brightness, name="often", window_s=0)
    rarely = Read.by(weight, name="rarely", refresh_s=3600)
    stages = (Tracked.of(found), often, rarely)
    pipeline = engine.add(
        "a", PipelineSpec(source=Counted(count=60), stages=stages), extra_sinks={"kept": kept}
    )
    assert pipeline.wait(10) == "ended"
    assert values(kept.items) == list(range(60)), "as fresh as the first one told it"
    assert kept.items[-1].attributes[1]["weight"].value == 1


def test_of_a_file_an_object_is_refreshed_the_same_way_every_time(engine: Engine) -> None:
    runs = []
    for _ in range(2):
        asked: list[int] = []

        def note(crops: Sequence[Crop], asked: list[int] = asked) -> list[Description]:
            asked += [crop.frame.seq for crop in crops]
            return brightness(crops)

        pipeline, _ = add(engine, Read.by(note, refresh_s=0.5))
        assert pipeline.wait(10) == "ended"
        engine.remove("a")
        runs.append(asked)
    assert runs[0] == runs[1]
    assert len(runs[0]) < 15


def test_live_frames_pass_a_descriptor_that_is_busy(engine: Engine) -> None:
    entered, go = threading.Semaphore(0), threading.Semaphore(0)

    def slow(crops: Sequence[Crop]) -> list[Description]:
        entered.release()
        assert go.acquire(timeout=10)
        return brightness(crops)

    source = HandSource()
    pipeline, kept = add(engine, Read.by(slow, window_s=0), source)
    source.send(1)
    assert entered.acquire(timeout=5)
    for n in range(1, 10):  # one by one, so that the stage before loses none
        source.send(1, start=n)
        kept.wait_for(n + 1)
    assert values(kept.items) == [None] * 10, "boxes leave, nothing is known yet"
    go.release()
    assert wait(lambda: pipeline.stats().stages.get("read") is not None)
    source.send(1, start=10)
    kept.wait_for(11)
    told = kept.items[10].attributes[1]["brightness"]
    assert told.value == 0
    assert told.pts_ns == kept.items[0].frame.pts_ns, "late, and says so"
    go.release(20)
    stats = pipeline.stats()
    assert stats.dropped == {}
    assert stats.captured == stats.delivered == 11


def test_a_descriptor_that_breaks_costs_no_frame_and_is_told(engine: Engine) -> None:
    def broken(crops: Sequence[Crop]) -> list[Description]:
        if crops[0].frame.seq % 3 == 0:
            raise ValueError("no such thing")
        return brightness(crops)

    with engine.bus.subscribe("a") as messages:
        pipeline, kept = add(engine, Read.by(broken))
        assert pipeline.wait(10) == "ended"
        problems: list[Problem] = []
        while (message := messages.get(0)) is not None and not problems:
            problems += [message] if isinstance(message, Problem) else []
    assert kept.seqs == list(range(60))
    assert problems[0].message == "ValueError: no such thing"
    assert pipeline.stats().skipped == {"read/error": 20}
    assert pipeline.stats().dropped == {}


def test_a_descriptor_that_hangs_is_given_up_and_the_stream_goes_on(engine: Engine) -> None:
    never = threading.Event()

    def hangs(crops: Sequence[Crop]) -> list[Description]:
        never.wait(30)
        return brightness(crops)

    source = HandSource()
    pipeline, kept = add(engine, Read.by(hangs, timeout_s=0.05), source)
    sent = 0
    try:
        with engine.bus.subscribe("a") as messages:
            told = ""
            until = now_ns() + 20_000_000_000
            while "given up" not in told and now_ns() < until:
                source.send(1, start=sent)
                sent += 1
                kept.wait_for(sent)
                message = messages.get(0.05)
                told = message.message if isinstance(message, Problem) else ""
        assert "3 workers hang; the stage is given up" in told
        source.send(1, start=sent)
        kept.wait_for(sent + 1)
        assert pipeline.state == "running"
    finally:
        never.set()


def test_a_new_tracker_makes_the_known_unknown(engine: Engine) -> None:
    source = HandSource()
    asked = threading.Semaphore(0)

    def once(crops: Sequence[Crop]) -> list[Description]:
        asked.release()
        return brightness(crops)

    descriptor = Read.by(once, refresh_s=3600)
    pipeline, kept = add(engine, descriptor, source)
    source.send(1)
    assert asked.acquire(timeout=5)
    assert wait(lambda: pipeline.stats().stages.get("read") is not None)
    source.send(1, start=1)
    kept.wait_for(2)
    assert values(kept.items)[1] == 0
    other = PipelineSpec(source=LIVE, stages=(Tracked.of(found), descriptor), max_delay_s=None)
    engine.change("a", other)
    source.send(1, start=2)
    kept.wait_for(3)
    assert asked.acquire(timeout=5), "track 1 is another object now"


def test_a_tracker_that_is_opened_anew_makes_the_known_unknown(engine: Engine) -> None:
    source, kept = HandSource(), Kept()
    asked = threading.Semaphore(0)

    def fails(items: Sequence[Item]) -> list[Item]:
        if 2 <= items[0].frame.seq <= 4:
            raise ValueError("lost count")
        return found(items)

    def once(crops: Sequence[Crop]) -> list[Description]:
        asked.release()
        return brightness(crops)

    stages = (Tracked.of(fails), Read.by(once, refresh_s=3600))
    spec = PipelineSpec(source=LIVE, stages=stages, max_delay_s=None)
    pipeline = engine.add("a", spec, source, extra_sinks={"kept": kept})
    source.send(1)
    assert asked.acquire(timeout=5)
    assert wait(lambda: pipeline.stats().stages.get("read") is not None)
    source.send(1, start=1)
    kept.wait_for(2)
    assert values(kept.items)[1] == 0
    for n in (2, 3, 4):
        source.send(1, start=n)
        assert wait(lambda n=n: pipeline.stats().dropped.get("tracked/error") == n - 1)  # type: ignore[misc]
    source.send(1, start=5)
    kept.wait_for(3)
    assert values(kept.items)[2] is None
    assert asked.acquire(timeout=5), "track 1 is another object now"


def wait(true: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Poll what has no event of its own."""
    until, pause = now_ns() + int(timeout_s * 1e9), threading.Event()
    while not true() and now_ns() < until:
        pause.wait(0.005)
    return true()
