"""Counts over lines: of vehicles against a count by eye, of persons against their true tracks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from livelens.bench.perception.sequences import Box, boxes, sequences
from livelens.bench.report import CannotMeasure, note
from livelens.bench.stats import Row
from livelens.flow.run import run
from livelens.sources.file import File
from livelens.spec import SourceSpec, StageSpec
from livelens.stages.detect import Detect
from livelens.stages.flux.shapes import Line
from livelens.stages.flux.stage import Flux
from livelens.stages.track import Track
from livelens.stages.vehicle import VEHICLES

TASK = "flux"
BARS = (("flux/car-detection/count_error", 0.0, "lower"),)

# What docs/flux.md recommends for traffic and for people.
TRAFFIC: tuple[StageSpec, ...] = (
    Detect(model="nanodet", classes=VEHICLES, confidence=0.1),
    Track(activation_confidence=0.15, high_confidence=0.15),
)
PEOPLE: tuple[StageSpec, ...] = (Detect(model="nanodet", classes=("person",)), Track())
# Across the picture and down it.
_MIDDLES = (
    Line(name="across", start=(0.0, 0.5), end=(1.0, 0.5)),
    Line(name="down", start=(0.5, 0.0), end=(0.5, 1.0)),
)
_NO_VEHICLES = ("PETS09-S2L1",)
# A true track has crossed when its feet are this far beyond.
_BEYOND_PX = 8.0

# By line, direction and class.
Counts = Counter[tuple[str, str, str]]


class Crossing(msgspec.Struct, frozen=True, rename={"class_name": "class"}):
    """One object that crosses all lines of its video."""

    class_name: str
    what: str
    direction: Literal["in", "out"]


class Counted(msgspec.Struct, frozen=True):
    """A video whose crossings somebody has counted by eye."""

    video: str
    counted: str
    lines: tuple[Line, ...]
    crossings: tuple[Crossing, ...]


def measure(data: Path) -> Iterator[Row]:
    """`count_error`: how many more or fewer than the truth, summed over lines and directions.

    Raises:
        CannotMeasure: none of the videos is there.
    """
    measured = False
    for counted in labels():
        video = data / counted.video
        if not video.is_file():
            note(f"flux: {counted.video} left out, it is not there")
            continue
        measured = True
        truth: Counts = Counter(
            (line.name, each.direction, each.class_name)
            for line in counted.lines
            for each in counted.crossings
        )
        found = _counts(File(path=str(video)), TRAFFIC, counted.lines)
        yield from _rows(video.stem, truth, found)
    try:
        filmed = sequences(data)
    except CannotMeasure:
        if not measured:
            raise
        return
    for sequence in filmed:
        true_boxes = boxes(sequence.folder / "gt" / "gt.txt")
        truth = _true_counts(true_boxes, sequence.size_px)
        yield from _rows(sequence.name, truth, _counts(sequence.source, PEOPLE, _MIDDLES))
        if sequence.name in _NO_VEHICLES:
            # So little confidence finds many vehicles where there are none: do they cross?
            found = _counts(sequence.source, TRAFFIC, _MIDDLES)
            yield {
                "task": TASK,
                "dataset": sequence.name,
                "metric": "crossings by vehicles that are not there",
                "value": found.total(),
                "n": sequence.frames,
            }


def labels() -> list[Counted]:
    """The videos that were counted by eye."""
    file = resources.files("livelens.bench.perception").joinpath("labels/flux.json")
    return msgspec.json.decode(file.read_bytes(), type=list[Counted])


def _counts(source: SourceSpec, stages: Sequence[StageSpec], lines: tuple[Line, ...]) -> Counts:
    note(f"  {source.label}")
    flux = Flux(lines=lines, units="fraction")
    told: Mapping[str, list[dict[str, object]]] = {}
    for item in run(source, stages=[*stages, flux]):
        told = item.extra["flux"]
    counts: Counts = Counter()
    for line in told.get("lines", []):
        for direction in ("in", "out"):
            by_class = line[direction]
            assert isinstance(by_class, dict)
            for name, count in by_class.items():
                counts[str(line["name"]), direction, name] += count
    return counts


def _rows(dataset: str, truth: Counts, found: Counts) -> Iterator[Row]:
    wrong = sum(abs(found[key] - truth[key]) for key in {*truth, *found})
    n = truth.total()
    yield {"task": TASK, "dataset": dataset, "metric": "count_error", "value": wrong, "n": n}
    for line, direction, name in sorted({*truth, *found}):
        key = line, direction, name
        for what, counts in (("true", truth), ("counted", found)):
            yield {
                "task": TASK,
                "dataset": dataset,
                "metric": f"{line}, {name} {direction}, {what}",
                "value": counts[key],
                "n": n,
            }


def _true_counts(by_frame: Mapping[int, list[Box]], size_px: tuple[int, int]) -> Counts:
    """Crossings of the picture's middles by the feet of true tracks."""
    paths: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for number in sorted(by_frame):
        for box in by_frame[number]:
            left, _, right, bottom = box.xyxy
            paths[box.track].append(((left + right) / 2, bottom))
    counts: Counts = Counter()
    for path in paths.values():
        feet = np.array(path)
        # Upwards is to the left of a line that runs to the right, and to the right of a
        # picture is to the left of one that runs down.
        for name, beyond in (
            ("across", size_px[1] / 2 - feet[:, 1]),
            ("down", feet[:, 0] - size_px[0] / 2),
        ):
            sides = np.sign(beyond[np.abs(beyond) >= _BEYOND_PX])
            for change in np.diff(sides)[np.diff(sides) != 0]:
                counts[name, "in" if change > 0 else "out", "person"] += 1
    return counts
