"""`livelens bench lanes`: what a process lane costs, and what it is good for.

Three questions: how long a frame takes to a child and back, against a call on a thread;
how much faster Python that holds the interpreter gets with a second worker; and what a
child costs in memory.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import av
import numpy as np

from livelens.bench.report import Bar, CannotMeasure, Report, note
from livelens.bench.stats import Row, median_rows, percentile
from livelens.bench.throughput import Counter
from livelens.flow.engine import Engine
from livelens.flow.opening import open_stage
from livelens.flow.process.stage import ProcessStage
from livelens.media.picture import VideoPicture
from livelens.picture import ArrayPicture
from livelens.sources.pattern import Pattern
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Frame, Item

COLUMNS = ("case", "lane", "workers", "p50_ms", "p95_ms", "fps", "ratio", "mib")
LaneName = Literal["thread", "process"]
LANES: tuple[LaneName, ...] = ("thread", "process")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run, how long, how often.

    Attributes:
        calls: of each case of handing over.
        busy_ms: how long the stage of pure Python works on a frame.
        seconds: length of each window of the second question.
        repeats: turns of everything.
    """

    calls: int = 300
    busy_ms: float = 30.0
    seconds: float = 5.0
    repeats: int = 3
    sizes_px: tuple[tuple[int, int], ...] = ((1280, 720), (1920, 1080), (3840, 2160))


QUICK = Settings(calls=100, seconds=2.0, repeats=1, sizes_px=((1280, 720),))


class Busy(StageSpec, frozen=True, kw_only=True):
    """Counts in pure Python, which keeps all other Python of its process waiting.

    Attributes:
        turns: how far it counts for each frame.
    """

    turns: int = 0

    def open(self) -> "BusyStage":
        """The stage."""
        return BusyStage(self.turns)


class BusyStage:
    """What `Busy` opens into."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items, after a while; those whose extras say `repaint` with a grey picture."""
        for _ in items:
            count_to(self._turns)
        return [self._repainted(item) if "repaint" in item.extra else item for item in items]

    def close(self) -> None:
        """Nothing to release."""

    def _repainted(self, item: Item) -> Item:
        width, height = item.frame.size_px
        grey = ArrayPicture(np.full((height, width, 3), 128, np.uint8))
        return item.with_(frame=replace(item.frame, picture=grey))


def count_to(turns: int) -> int:
    """Pure Python that does nothing useful."""
    total = 0
    for number in range(turns):
        total += number
    return total


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: a stage cannot be opened, or gives nothing.
    """
    report = Report(
        "lanes",
        {
            "calls": settings.calls,
            "busy_ms": settings.busy_ms,
            "seconds": settings.seconds,
            "repeats": settings.repeats,
        },
    )
    rows: list[Row] = []
    for repeat in range(settings.repeats):
        note(f"{repeat + 1}/{settings.repeats} handing over, then two workers")
        rows += _one_worker(settings)
        rows += _two_workers(settings)
    report.rows = median_rows(rows, ("case", "lane", "workers"), ("p50_ms", "ratio"))
    report.bars = _bars(report.rows)
    return report


def _one_worker(settings: Settings) -> Iterator[Row]:
    """Handing over, and the memory of the child that does it, before it has seen a frame."""
    for lane in LANES:
        stage = open_stage(Busy(lane=lane))
        try:
            if isinstance(stage, ProcessStage):
                yield _memory(stage.pid)
            for width, height in settings.sizes_px:
                for name, item in _items(width, height):
                    times = _times(partial(stage.process, [item]), settings.calls)
                    yield {
                        "case": f"{name} {width}x{height}",
                        "lane": lane,
                        "workers": 1,
                        "p50_ms": round(percentile(times, 50), 3),
                        "p95_ms": round(percentile(times, 95), 3),
                    }
        finally:
            stage.close()


def _items(width: int, height: int) -> Iterator[tuple[str, Item]]:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    planes = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p")
    video = Item(Frame("bench", 0, 0, 0, VideoPicture(planes)))
    yield "planes there", video
    yield "array there", Item(Frame("bench", 0, 0, 0, ArrayPicture(pixels)))
    yield "planes there, array back", video.with_(extra={"repaint": True})


def _two_workers(settings: Settings) -> Iterator[Row]:
    turns = _turns(settings.busy_ms)
    case = f"{settings.busy_ms:g} ms of Python"
    for lane in LANES:
        one = _fps(Busy(lane=lane, workers=1, turns=turns), settings.seconds)
        two = _fps(Busy(lane=lane, workers=2, turns=turns), settings.seconds)
        yield {"case": case, "lane": lane, "workers": 1, "fps": round(one, 2)}
        ratio = round(two / one, 3)
        yield {"case": case, "lane": lane, "workers": 2, "fps": round(two, 2), "ratio": ratio}


def _memory(pid: int) -> Row:
    """Memory that an idle child adds: what it shares with others counts in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    pss = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    mib = round(pss / 1024, 1)
    return {"case": "an idle worker's memory", "lane": "process", "workers": 1, "mib": mib}


def _times(call: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of each call, without the first few."""
    times = []
    for _ in range(count + 10):
        began_s = time.perf_counter()
        call()
        times.append((time.perf_counter() - began_s) * 1000)
    return times[10:]


def _turns(busy_ms: float) -> int:
    """How far Python counts in this time here."""
    took_ms = statistics.median(_times(lambda: count_to(100_000), 5))
    return round(100_000 * busy_ms / took_ms)


def _fps(stage: StageSpec, seconds: float) -> float:
    """Frames per second of a stream that has no end and does not wait."""
    source = Pattern(width_px=1280, height_px=720, realtime=False)
    counter = Counter()
    with Engine() as engine:
        spec = PipelineSpec(source=source, stages=(stage,))
        pipeline = engine.add("busy", spec, extra_sinks={"count": counter})
        if not (all(lane.ready.wait(60) for lane in pipeline.lanes()) and counter.wait(60)):
            raise CannotMeasure(f"no item comes: {pipeline.detail}")
        time.sleep(0.5)
        before, began_s = counter.count, time.monotonic()
        time.sleep(seconds)
        return (counter.count - before) / (time.monotonic() - began_s)


def _bars(rows: Sequence[Row]) -> list[Bar]:
    bars: list[Bar] = []
    for row in rows:
        ratio, took_ms = row.get("ratio"), row.get("p50_ms")
        if row["lane"] != "process":
            continue
        if isinstance(ratio, float):
            bars.append(Bar("two worker processes against one", ratio, 1.6, "higher"))
        if isinstance(took_ms, float) and row["case"] == "planes there 1280x720":
            bars.append(Bar("a 720p frame to a process and back, ms", took_ms, 2.0, "lower"))
    return bars
