"""Detection, tracking, framing and encoding of one 720p stream, as a pipeline does it."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import av

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.flow.engine import Engine
from livelens.plugins import pipeline
from livelens.types import Item

CORES = 2
ASPECT = "9:16"
_OPENING_S = 60.0
# What opened slowly has caught up by then.
_SETTLE_S = 2.0


class Watcher:
    """A sink that knows when each item came."""

    wanted = True

    def __init__(self) -> None:
        self._first = threading.Event()
        self.times_s: list[float] = []

    def put(self, _item: Item) -> None:
        """One more."""
        self.times_s.append(time.monotonic())
        self._first.set()

    def wait(self) -> bool:
        """Wait for the first item."""
        return self._first.wait(_OPENING_S)

    def close(self) -> None:
        """Nothing to release."""


def measure(
    clip: Path, how: Literal["file", "live"], model: str, every: int | str, seconds: float
) -> Row:
    """Frames per second, on two cores, and what a live source lost.

    Args:
        clip: 1280×720.
        how: `file` is read once, as fast as it goes, without loss; `live` comes at its own
            pace and is measured for `seconds`.

    Raises:
        CannotMeasure: nothing comes out.
    """
    output = clip.with_name("framed.mp4")
    spec = pipeline(_settings(clip, output, how == "live", model, every))
    watcher = Watcher()
    with _two_cores(), Engine() as engine:
        cpu_s = time.process_time()
        running = engine.add("bench", spec, extra_sinks={"watch": watcher})
        if not watcher.wait():
            raise CannotMeasure(f"no item comes: {running.detail or running.state}")
        if how == "file":
            before = running.stats()
            running.wait()  # until all is written
            begin_s, end_s = watcher.times_s[0], time.monotonic()
        else:
            time.sleep(_SETTLE_S)
            cpu_s, before, begin_s = time.process_time(), running.stats(), time.monotonic()
            time.sleep(seconds)
            end_s = time.monotonic()
        cpu_s, after = time.process_time() - cpu_s, running.stats()
        failed = running.detail if running.state == "failed" else ""
    if failed:
        raise CannotMeasure(failed)
    if not recorded(output):
        raise CannotMeasure("nothing was recorded")
    came_s = [at_s for at_s in watcher.times_s if begin_s <= at_s <= end_s]
    if len(came_s) < 2:
        raise CannotMeasure("items stopped to come")
    # Of a live source, from frame to frame: a window begins and ends between two.
    took_s = end_s - begin_s if how == "file" else came_s[-1] - came_s[0]
    counted = len(came_s) if how == "file" else len(came_s) - 1
    captured = after.captured - before.captured
    lost = sum(after.dropped.values()) - sum(before.dropped.values())
    row: Row = {
        "clip": f"720p, {how}",
        "chain": how,
        "aspect": ASPECT,
        "boxes": f"{model}, every {every}",
        "method": "operator",
        "detector": model,
        "every": str(every),
        "frames": counted,
        "fps": round(counted / took_s, 2),
        "cpu_cores": round(cpu_s / (end_s - begin_s), 2),
    }
    if how == "live":
        row["drop_ratio"] = round(lost / captured, 4) if captured else 0.0
        row["p50_ms"] = round(after.latency.p50_ms, 1) if after.latency else None
    return row


def _settings(
    clip: Path, output: Path, live: bool, model: str, every: int | str
) -> dict[str, object]:
    return {
        "source": {"type": "file", "path": str(clip), "loop": live, "pace": live},
        "stages": [
            {"type": "detect", "model": model, "every": every},
            {"type": "track"},
            {"type": "reframe", "aspect": ASPECT},
        ],
        "sinks": [{"type": "record", "path": str(output), "viewport": "reframe"}],
    }


def recorded(file: Path) -> int:
    """Pictures in a file; 0 where it is none."""
    try:
        with av.open(str(file)) as container:
            return sum(1 for packet in container.demux(video=0) if packet.size)
    except (av.FFmpegError, OSError, IndexError):
        return 0


@contextmanager
def _two_cores() -> Iterator[None]:
    """Threads that begin in here stay on two cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
