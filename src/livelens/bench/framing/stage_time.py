"""CPU time of the whole stage `reframe` for a frame of 720p: scenery, choice and camera."""

import time
from collections.abc import Sequence
from pathlib import Path

import supervision as sv

from livelens.bench.framing import wide
from livelens.bench.framing.cameras import Method
from livelens.bench.stats import Row, percentile
from livelens.clock import NS_PER_S
from livelens.flow.run import run
from livelens.sources.file import File
from livelens.stages.detect import Detect
from livelens.stages.reframe import Reframe
from livelens.stages.track import Track
from livelens.types import Frame, Item

MODEL = "coco-ssd"


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
    """Mean and 95th percentile of one call, over pictures that nobody has looked at before.

    Raises:
        CannotMeasure: the clip cannot be read.
    """
    items = [
        Item(
            Frame("bench", number, round(number * NS_PER_S / wide.FPS), 0, picture),
            detections=detections,
        )
        for number, (picture, detections) in enumerate(
            zip(wide.pictures(file, len(found)), found, strict=True)
        )
    ]
    ahead = round(lookahead_s * wide.FPS)
    given = [
        item.with_(ahead=tuple(items[index + 1 : index + 1 + ahead]))
        for index, item in enumerate(items)
    ]
    stage = Reframe(method=method, lookahead_s=lookahead_s, aspect=aspect).open()
    times_ms: list[float] = []
    for item in given:
        began_ns = time.process_time_ns()
        stage.process([item])
        times_ms.append((time.process_time_ns() - began_ns) / 1e6)
    stage.close()
    # With the first frame all that will be seen ahead of it comes at once.
    usual = times_ms[1:]
    return {
        "clip": "stage, 720p",
        "chain": "stage",
        "aspect": aspect,
        "method": method,
        "lookahead_s": lookahead_s,
        "frames": len(usual),
        "stage_ms": round(sum(usual) / len(usual), 4),
        "stage_p50_ms": round(percentile(usual, 50), 4),
        "stage_p95_ms": round(percentile(usual, 95), 4),
    }
