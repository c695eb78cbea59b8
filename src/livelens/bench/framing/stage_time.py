"""CPU time of the whole stage `reframe` for a frame of 720p: scenery, choice and camera."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import supervision as sv

from livelens.bench.framing import wide
from livelens.bench.framing.cameras import Method
from livelens.bench.stats import Row
from livelens.clock import NS_PER_S
from livelens.flow.run import run
from livelens.sources.file import File
from livelens.stages.detect import Detect
from livelens.stages.reframe import Reframe
from livelens.stages.track import Track
from livelens.types import Frame, Item

MODEL = "coco-ssd"
_PASSES = 3
_BEGINNING = 5


def found_in(file: Path, frames: int) -> list[sv.Detections]:
    """What the detector and the tracker find in the first frames.

    Raises:
        LivelensError: the clip or the model cannot be had.
    """
    found: list[sv.Detections] = []
    running = run(File(path=str(file)), stages=[Detect(model=MODEL), Track()])
    for item in running:
        found.append(item.detections if item.detections is not None else sv.Detections.empty())
        if len(found) == frames:
            running.close()
            break
    return found


def measure(
    file: Path, found: Sequence[sv.Detections], method: Method, lookahead_s: float, aspect: str
) -> Row:
    """Mean CPU time of a frame: the median of a few passes, over fresh pictures each.

    Raises:
        CannotMeasure: the clip cannot be read.
    """
    spec = Reframe(method=method, lookahead_s=lookahead_s, aspect=aspect)
    passes = [_pass(spec, file, found) for _ in range(_PASSES)]
    return {
        "clip": "stage, 720p",
        "chain": "stage",
        "aspect": aspect,
        "method": method,
        "lookahead_s": lookahead_s,
        "frames": len(found) - _BEGINNING - round(lookahead_s * wide.FPS),
        "stage_ms": round(statistics.median(passes), 4),
        "stage_ms_min": round(min(passes), 4),
        "stage_ms_max": round(max(passes), 4),
    }


def _pass(spec: Reframe, file: Path, found: Sequence[sv.Detections]) -> float:
    """Milliseconds a frame, after the beginning, in which what is needed once is made."""
    items = [
        Item(
            Frame("bench", number, round(number * NS_PER_S / wide.FPS), 0, picture),
            detections=detections,
        )
        for number, (picture, detections) in enumerate(
            zip(wide.pictures(file, len(found)), found, strict=True)
        )
    ]
    ahead = round(spec.lookahead_s * wide.FPS)
    given = [
        item.with_(ahead=tuple(items[index + 1 : index + 1 + ahead]))
        for index, item in enumerate(items)
    ]
    # Frames that are looked at before the end has come ahead of it are all alike.
    last = len(given) - ahead
    stage = spec.open()
    for item in given[:_BEGINNING]:
        stage.process([item])
    # Around all calls together: this clock is no cheap one everywhere. Of this thread alone: when
    # the stage is opened, BLAS starts threads that turn idly for a while.
    began_ns = time.thread_time_ns()
    for item in given[_BEGINNING:last]:
        stage.process([item])
    took_ns = time.thread_time_ns() - began_ns
    stage.close()
    return took_ns / 1e6 / (last - _BEGINNING)
