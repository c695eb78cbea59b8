"""One case of `livelens bench models`, in a process of its own so that memory is its own.

`python -m livelens.bench.model_cases` reads a `Case` as JSON and prints its rows as JSON.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import msgspec

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row, percentile
from livelens.errors import LivelensError
from livelens.flow.engine import Engine
from livelens.media.picture import VideoPicture
from livelens.models import zoo
from livelens.models.runner import Precision, RuntimeName
from livelens.plugins import pipeline
from livelens.types import Item

try:
    import psutil
except ImportError as error:
    raise CannotMeasure("needs more packages: pip install 'livelens[bench]'") from error

_MIB = 2**20
_FEWEST_CALLS = 20
_PICTURES = 24


class ModelCase(msgspec.Struct, frozen=True, kw_only=True, tag="model"):
    """A model alone: one picture a call."""

    model: str
    runtime: RuntimeName
    precision: Precision
    threads: int
    clip: str
    seconds: float


class PipelineCase(msgspec.Struct, frozen=True, kw_only=True, tag="pipeline"):
    """Stages on a clip through the engine.

    Attributes:
        pace: as a live source of the clip's rate, or as fast as it is read without loss.
        settle_s: after the first item, before the window.
    """

    case: str
    stages: list[dict[str, Any]]
    pace: bool
    clip: str
    seconds: float
    settle_s: float


Case = ModelCase | PipelineCase


class Answer(msgspec.Struct):
    """What the process prints: rows, or why there are none."""

    rows: list[dict[str, str | int | float | bool | None]] = []
    error: str = ""


def measure(case: Case) -> list[Row]:
    """The rows of a case.

    Raises:
        LivelensError: it cannot be measured.
    """
    return [measure_model(case)] if isinstance(case, ModelCase) else measure_pipeline(case)


def measure_model(case: ModelCase) -> Row:
    """Times of a model for one picture of a clip, made small from the decoder's planes.

    A detector's time holds that and reading its outputs, as in a pipeline; a network, which
    sees crops that somebody else has cut, only runs.

    Raises:
        LivelensError: the model or the runtime cannot be had.
    """
    pictures = decoded(Path(case.clip), _PICTURES)
    before_mib = _rss_mib()
    call, close = _opened(case, pictures)
    try:
        for number in range(3):
            call(number)
        times_ms: list[float] = []
        until_s = time.monotonic() + case.seconds
        while time.monotonic() < until_s or len(times_ms) < _FEWEST_CALLS:
            began_ns = time.perf_counter_ns()
            call(len(times_ms))
            times_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        grown_mib = _rss_mib() - before_mib
    finally:
        close()
    return {
        "system": case.model,
        "case": "one picture",
        "runtime": case.runtime,
        "precision": case.precision,
        "threads": case.threads,
        "fps": round(1000 * len(times_ms) / sum(times_ms), 1),
        "p50_ms": round(percentile(times_ms, 50), 3),
        "p95_ms": round(percentile(times_ms, 95), 3),
        "rss_mib": round(grown_mib, 1),
    }


def _opened(
    case: ModelCase, pictures: list[VideoPicture]
) -> tuple[Callable[[int], object], Callable[[], None]]:
    """What one call does, by its number, and how to end."""
    settings: dict[str, Any] = {
        "runtime": case.runtime,
        "precision": case.precision,
        "threads": case.threads,
    }
    if zoo.model_card(case.model).task == "detect":
        detector = zoo.load(case.model, **settings)
        size = (pictures[0].width, pictures[0].height)
        small_px = detector.resized_px(size)

        def detect(number: int) -> object:
            picture = pictures[number % len(pictures)]
            return detector.detect([picture.rgb_resized(*small_px)], [size])

        return detect, detector.close
    network = zoo.network(case.model, **settings)
    crops = [picture.rgb_resized(*network.input_size_px) for picture in pictures]

    def run(number: int) -> object:
        return network([crops[number % len(crops)]])

    return run, network.close


def decoded(clip: Path, count: int) -> list[VideoPicture]:
    """Pictures of a clip, spread over its first seconds.

    Raises:
        CannotMeasure: it cannot be read.
    """
    found: list[VideoPicture] = []
    try:
        with av.open(str(clip)) as container:
            for number, frame in enumerate(container.decode(container.streams.video[0])):
                if number % 5 == 0:
                    found.append(VideoPicture(frame))
                if len(found) == count:
                    break
    except (av.FFmpegError, OSError, IndexError) as error:
        raise CannotMeasure(f"{clip}: {error}") from error
    if not found:
        raise CannotMeasure(f"{clip}: there is no picture in it")
    return found


class Watcher:
    """A sink that counts items and how old the attributes of their objects are."""

    wanted = True

    def __init__(self) -> None:
        self._first = threading.Event()
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self.items = 0
        self.objects = 0
        self.ages_ms: list[float] = []
        self.readings: set[tuple[int, str, int]] = set()

    def begin(self) -> None:
        """Forget what was counted so far."""
        with self._lock:
            self._reset()

    def put(self, item: Item) -> None:
        """One more."""
        with self._lock:
            self.items += 1
            self.objects += len(item.detections) if item.detections is not None else 0
            for tracker_id, attributes in item.attributes.items():
                for name, attribute in attributes.items():
                    self.ages_ms.append((item.frame.pts_ns - attribute.pts_ns) / 1e6)
                    self.readings.add((tracker_id, name, attribute.pts_ns))
        self._first.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the first item."""
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Nothing to release."""


def measure_pipeline(case: PipelineCase) -> list[Row]:
    """A row for the whole way, then one for each stage.

    Raises:
        LivelensError: the stages cannot be opened.
    """
    spec = pipeline(
        {
            "source": {"type": "file", "path": case.clip, "loop": True, "pace": case.pace},
            "stages": case.stages,
        }
    )
    process = psutil.Process()
    watcher = Watcher()
    with Engine() as engine:
        running = engine.add("bench", spec, extra_sinks={"watch": watcher})
        if not watcher.wait(90):
            raise CannotMeasure(f"{case.case}: no item comes: {running.detail or running.state}")
        time.sleep(case.settle_s)
        before, cpu_s, busy_s = running.stats(), _cpu_s(process), _busy_s()
        watcher.begin()
        began_s = time.monotonic()
        time.sleep(case.seconds)
        took_s = time.monotonic() - began_s
        items, objects = watcher.items, watcher.objects
        ages_ms, readings = list(watcher.ages_ms), len(watcher.readings)
        after = running.stats()
        cores = (_cpu_s(process) - cpu_s) / took_s
        others = max(0.0, (_busy_s() - busy_s) / took_s - cores)
        rss_mib = _rss_mib()
    if running.state == "failed":
        raise CannotMeasure(f"{case.case}: {running.detail}")
    captured = after.captured - before.captured
    lost = sum(after.dropped.values()) - sum(before.dropped.values())
    whole: Row = {
        "system": "livelens",
        "case": case.case,
        "stage": "all",
        "fps": round(items / took_s, 2),
        "p50_ms": after.latency.p50_ms if after.latency and case.pace else None,
        "p95_ms": after.latency.p95_ms if after.latency and case.pace else None,
        "rss_mib": round(rss_mib, 1),
        "cpu_cores": round(cores, 3),
        "other_cores": round(others, 3),
        "drop_ratio": round(lost / captured, 4) if captured else 0.0,
        "objects": round(objects / items, 2) if items else 0.0,
        "readings_per_s": round(readings / took_s, 1),
        "age_p50_ms": round(percentile(ages_ms, 50), 1) if ages_ms else None,
        "age_p95_ms": round(percentile(ages_ms, 95), 1) if ages_ms else None,
    }
    stages: list[Row] = [
        {"system": "livelens", "case": case.case, "stage": name, "p50_ms": times.p50_ms,
         "p95_ms": times.p95_ms}
        for name, times in after.stages.items()
    ]  # fmt: skip
    return [whole, *stages]


def _family(process: psutil.Process) -> Iterator[psutil.Process]:
    yield process
    yield from process.children(recursive=True)


def _cpu_s(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in _family(process)]
    return float(sum(each.user + each.system for each in times))


def _busy_s() -> float:
    """CPU time that anybody on this machine has spent."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)


def _rss_mib() -> float:
    """Of this process and its children."""
    return sum(each.memory_info().rss for each in _family(psutil.Process())) / _MIB


def describe(data: bytes) -> Mapping[str, object]:
    """The answer to a case in JSON, as what JSON is made of."""
    try:
        case: Case = msgspec.json.decode(data, type=Case)
        answer = Answer(rows=measure(case))
    except LivelensError as error:
        answer = Answer(error=str(error))
    found: Mapping[str, object] = msgspec.to_builtins(answer)
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(describe(sys.stdin.buffer.read())))
    sys.stdout.flush()
