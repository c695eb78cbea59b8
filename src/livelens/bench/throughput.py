"""`livelens bench throughput`: what the pipeline costs against a loop written by hand.

The bare loop decodes with all threads FFmpeg wants, makes the model's input straight from
the decoder's planes, and calls the very detector that the pipeline's stage calls. It does
nothing else, so the ratio is what order, accounts, results and fairness cost.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av

from livelens.bench import camera
from livelens.bench.report import Bar, CannotMeasure, Report, note
from livelens.bench.stats import Row, median_rows
from livelens.flow.engine import Engine
from livelens.media.picture import VideoPicture
from livelens.models import zoo
from livelens.plugins import pipeline
from livelens.types import Item

COLUMNS = ("system", "streams", "fps", "ratio", "min_fps", "fairness")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run, how long, how often.

    Attributes:
        clip: a video file; None makes one, 1280x720 H.264.
        model: of the zoo.
        streams: how many share the detector.
        seconds: length of each window.
        repeats: turns of the bare loop and of every number of streams.
    """

    clip: Path | None = None
    model: str = "coco-ssd"
    streams: tuple[int, ...] = (1, 4, 8)
    seconds: float = 20.0
    repeats: int = 3
    settle_s: float = 2.0


QUICK = Settings(streams=(1, 4), seconds=6, repeats=1, settle_s=1)


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: the clip cannot be read.
        ModelError: the model cannot be had.
    """
    report = Report(
        "throughput",
        {
            "clip": settings.clip.name if settings.clip else "made, 1280x720 H.264",
            "model": settings.model,
            "seconds": settings.seconds,
            "repeats": settings.repeats,
        },
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="livelens-bench-") as folder:
        clip = settings.clip
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            camera.write_mp4(clip, 1280, 720, 30, 150, 2500)
        next(_decoded(clip, time.monotonic() + 10))  # before any model is loaded
        for repeat in range(settings.repeats):
            for streams in settings.streams:
                note(f"{repeat + 1}/{settings.repeats} bare loop, then {streams} streams")
                bare_fps = _bare_loop(clip, settings)
                rows.append({"system": "bare loop", "streams": 1, "fps": round(bare_fps, 2)})
                rows.append(_pipelines(clip, streams, bare_fps, settings))
    report.rows = median_rows(rows, ("system", "streams"), ("fps", "ratio"))
    report.bars = _bars(report.rows)
    return report


def _bare_loop(clip: Path, settings: Settings) -> float:
    """Frames per second of decoding and detecting, in a loop over the file."""
    detector = zoo.load(settings.model)
    try:
        count, began_s = 0, time.monotonic()
        until_s = began_s + settings.settle_s + settings.seconds
        measuring = False
        for picture in _decoded(clip, until_s):
            size = (picture.width, picture.height)
            resized = picture.rgb_resized(*detector.resized_px(size))
            detector.detect([resized], [size])
            now_s = time.monotonic()
            if measuring:
                count += 1
            elif now_s >= began_s + settings.settle_s:
                measuring, began_s = True, now_s
        return count / (time.monotonic() - began_s)
    finally:
        detector.close()


def _decoded(clip: Path, until_s: float) -> Iterator[VideoPicture]:
    while True:
        before = time.monotonic()
        try:
            with av.open(str(clip)) as container:
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                for frame in container.decode(stream):
                    if time.monotonic() >= until_s:
                        return
                    yield VideoPicture(frame)
        except (av.FFmpegError, OSError, IndexError) as error:
            raise CannotMeasure(f"{clip}: {error}") from error
        if time.monotonic() - before < 0.001:
            raise CannotMeasure(f"{clip}: there is no picture in it")


class Counter:
    """A sink that counts items."""

    wanted = True

    def __init__(self) -> None:
        self._count = 0
        self._first = threading.Event()

    @property
    def count(self) -> int:
        """Items so far."""
        return self._count

    def put(self, item: Item) -> None:
        """One more."""
        self._count += 1
        self._first.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the first item."""
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Nothing to release."""


def _pipelines(clip: Path, streams: int, bare_fps: float, settings: Settings) -> Row:
    spec = pipeline(
        {
            "source": {"type": "file", "path": str(clip), "loop": True, "pace": False},
            "stages": [{"type": "detect", "model": settings.model}],
        }
    )
    counters = {f"stream{i}": Counter() for i in range(streams)}
    with Engine() as engine:
        for name, counter in counters.items():
            engine.add(name, spec, extra_sinks={"count": counter})
        for name, counter in counters.items():
            if not counter.wait(60):
                raise CannotMeasure(f"{name} gives no item: {engine.get(name).detail}")
        time.sleep(settings.settle_s)
        rates = _rates(counters, settings.seconds)
    total = sum(rates)
    return {
        "system": "livelens",
        "streams": streams,
        "fps": round(total, 2),
        "ratio": round(total / bare_fps, 4),
        "min_fps": round(min(rates), 2),
        "fairness": round(min(rates) / statistics.fmean(rates), 4),
    }


def _rates(counters: Mapping[str, Counter], seconds: float) -> list[float]:
    before, began_s = [c.count for c in counters.values()], time.monotonic()
    time.sleep(seconds)
    after, took_s = [c.count for c in counters.values()], time.monotonic() - began_s
    return [(b - a) / took_s for a, b in zip(before, after, strict=True)]


def _bars(rows: list[Row]) -> list[Bar]:
    bars: list[Bar] = []
    for row in rows:
        ratio, fairness, streams = row.get("ratio"), row.get("fairness"), row["streams"]
        if not isinstance(ratio, float) or not isinstance(fairness, float):
            continue
        if streams == 1:
            bars.append(Bar("pipeline against the bare loop", ratio, 0.95, "higher"))
            continue
        name = f"{streams} streams against the bare loop"
        bars.append(Bar(name, ratio, 0.9, "higher"))
        slowest = f"slowest of {streams} streams against their mean"
        bars.append(Bar(slowest, fairness, 0.8, "higher"))
    return bars
