"""Process lanes in pipelines: accounts, order, what dies and hangs, what is left behind."""

import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

import livelens
from livelens.errors import LivelensError
from livelens.events import Problem, State
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.models import zoo
from livelens.sources.pattern import Pattern
from livelens.spec import PipelineSpec, StageSpec
from livelens.stages.detect import Detect
from livelens.stages.simulate import Simulate
from livelens.stages.track import Track
from livelens.types import Item
from tests.fakes import Call, Counted, Kept
from tests.flow.process.stages import Bright, Puppet, Slow
from tests.server.running import PATTERN, running, until


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running
    assert until(lambda: not workers(), 5.0), "a worker process is left behind"


def workers() -> list[psutil.Process]:
    """The worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        try:
            if "livelens.flow.process.worker" in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def has_workers(count: int) -> bool:
    return len(workers()) == count


def deeds(by_seq: dict[int, str]) -> Call:
    """A stage, in a thread, that says what a `Puppet` behind it is to do with which frame."""

    def process(items: Sequence[Item]) -> list[Item]:
        return [i.with_(extra={"deed": by_seq.get(i.frame.seq, "nothing")}) for i in items]

    return Call.of(process)


def outcome(engine: Engine, count: int, *stages: StageSpec) -> tuple[Pipeline, Kept, list[str]]:
    """Run a file of so many frames to its end: the pipeline, its items, its problems."""
    kept = Kept()
    spec = PipelineSpec(source=Counted(count=count), stages=stages)
    told: list[str] = []
    with engine.bus.subscribe("a", results=False) as messages:
        pipeline = engine.add("a", spec, extra_sinks={"k": kept})
        while not isinstance(message := messages.get(30), State) or message.state != "ended":
            if isinstance(message, Problem):
                told.append(message.message)
    stats = pipeline.stats()
    assert stats.captured == stats.delivered + sum(stats.dropped.values())
    return pipeline, kept, told


def test_two_workers_keep_the_order(engine: Engine) -> None:
    _, kept, _ = outcome(engine, 40, Slow(lane="process", workers=2))
    assert kept.seqs == list(range(40))
    pids = {item.extra["pid"] for item in kept.items}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_frames_of_a_child_that_dies_are_lost_and_the_rest_goes_on(engine: Engine) -> None:
    stages = (deeds({3: "crash", 7: "leave", 8: "leave"}), Puppet(lane="process"))
    pipeline, kept, told = outcome(engine, 12, *stages)
    assert kept.seqs == [0, 1, 2, 4, 5, 6, 9, 10, 11]
    assert pipeline.stats().dropped == {"puppet/died": 3}
    assert set(told) == {"worker process died (signal 11)", "worker process died (exit status 3)"}


def test_one_that_dies_again_while_it_opens_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    counted = tmp_path / "openings"
    stages = (deeds({3: "crash"}), Puppet(lane="process", openings=str(counted)))
    pipeline, kept, told = outcome(engine, 6, *stages)
    assert kept.seqs == [0, 1, 2, 4, 5]
    assert pipeline.stats().dropped == {"puppet/died": 1}
    assert len(counted.read_text()) == 4
    assert told == [
        "worker process died (signal 11)",
        "worker process died (exit status 7) while it opened the stage; trying again",
    ]


def test_a_child_that_hangs_is_killed_and_replaced(engine: Engine) -> None:
    hang = deeds(dict.fromkeys((0, 1, 2, 5), "hang"))
    stages = (hang, Puppet(lane="process", workers=3, timeout_s=0.5))
    pipeline, kept, told = outcome(engine, 9, *stages)
    assert kept.seqs == [3, 4, 6, 7, 8], "however many: what is killed hangs no more"
    assert pipeline.stats().dropped == {"puppet/timeout": 4}
    assert set(told) == {"no answer within 0.5 s; worker replaced"}


def test_killed_under_load(engine: Engine) -> None:
    source = Pattern(width_px=640, height_px=360, fps=60)
    kept = Kept()
    stages = (Slow(lane="process", workers=2), Simulate(lane="process", cost_ms=1))
    pipeline = engine.add("a", PipelineSpec(source=source, stages=stages), extra_sinks={"k": kept})
    until(lambda: len({item.extra["pid"] for item in kept.items}) == 2)
    first, second = sorted({item.extra["pid"] for item in kept.items})
    for victim in (first, second):
        os.kill(victim, signal.SIGKILL)
    until(lambda: not {item.extra["pid"] for item in kept.items[-20:]} & {first, second})
    until(partial(has_workers, 3))
    engine.remove("a")
    stats = pipeline.stats()
    assert stats.captured == stats.delivered + sum(stats.dropped.values())
    assert stats.in_flight == 0
    assert stats.dropped["slow/died"] >= 1
    known = ("overrun", "late", "died", "stopped")
    assert {reason.partition("/")[2] for reason in stats.dropped} <= set(known)
    assert kept.seqs == sorted(kept.seqs)


def test_a_descriptor_in_a_process(engine: Engine) -> None:
    boxes = Simulate(boxes=((0.1, 0.1, 0.6, 0.6),))
    source = Pattern(width_px=320, height_px=240, frames=10, realtime=False)
    kept = Kept()
    stages = (boxes, Track(), Bright(lane="process", refresh_s=0))
    pipeline = engine.add("a", PipelineSpec(source=source, stages=stages), extra_sinks={"k": kept})
    assert pipeline.wait(30) == "ended"
    [(_, read)] = kept.items[-1].attributes.items()
    assert read["pid"].value not in (os.getpid(), None)
    brightness = read["brightness"].value
    assert isinstance(brightness, float)
    assert 5 < brightness < 250


@pytest.mark.parametrize("stage", [Puppet(opening="hangs", lane="process"), None])
def test_nothing_is_left_of_a_child_that_hangs(stage: StageSpec | None) -> None:
    """While it opens, or while it works."""
    stages = (stage,) if stage else (deeds({0: "hang"}), Puppet(lane="process"))
    engine = Engine()
    pipeline = engine.add("a", PipelineSpec(source=Counted(count=1), stages=stages))
    assert until(workers)
    if stage is None:
        assert pipeline.lanes()[-1].ready.wait(20)
        until(lambda: pipeline.stats().in_flight == 1 and not pipeline.stats().waiting["puppet"])
    engine.close()
    until(lambda: not workers(), 5.0)


def test_segments_are_gone_when_the_engine_is_closed() -> None:
    names = set(os.listdir("/dev/shm"))
    with Engine() as engine:
        source = Pattern(width_px=640, height_px=360, frames=20, realtime=False)
        stages = (deeds(dict.fromkeys(range(20), "paint")), Puppet(lane="process"))
        pipeline = engine.add("a", PipelineSpec(source=source, stages=stages))
        assert pipeline.wait(30) == "ended"
        assert pipeline.stats().delivered == 20
    until(lambda: not workers(), 5.0)
    assert not {name for name in set(os.listdir("/dev/shm")) - names if "livelens" in name}


def test_a_real_detector_finds_the_same_in_either_lane() -> None:
    try:
        clip = zoo.clip("bikes")
        zoo.load("coco-ssd").close()
    except LivelensError as error:
        pytest.skip(str(error))
    found = []
    for lane in ("thread", "process"):
        run = livelens.run(str(clip), stages=[Detect(lane=lane, precision="f32", confidence=0.3)])
        items = [item for item, _ in zip(run, range(36), strict=False)]
        run.close()
        assert [item.frame.seq for item in items] == list(range(36))
        found.append([item.detections for item in items])
    assert sum(len(each) for each in found[0] if each is not None) > 10
    for here, there in zip(*found, strict=True):
        assert here == there


def test_lanes_and_workers_change_over_http() -> None:
    streams = {"pat": {"source": PATTERN, "stages": [{"type": "simulate"}]}}
    with running({"streams": streams}) as server:

        def delivered() -> int:
            return int(server.http.get("/api/streams/pat").json()["delivered"])

        def goes_on() -> None:
            count = delivered()
            until(lambda: delivered() > count + 3)

        goes_on()
        assert not workers()
        for settings, count in (
            ({"lane": "process", "workers": 2, "batch": 4}, 2),
            ({"lane": "process", "workers": 1}, 1),
            ({"lane": "thread", "workers": 3}, 0),
        ):
            patch = {"stages": [{"type": "simulate", **settings}]}
            changed = server.http.patch("/api/streams/pat", json=patch)
            assert changed.status_code == 200, changed.text
            assert changed.json()["spec"]["stages"][0].items() >= settings.items()
            until(partial(has_workers, count))
            goes_on()
