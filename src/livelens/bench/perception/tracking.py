"""How well objects keep their numbers: HOTA, MOTA and IDF1 on sequences of persons."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker  # type: ignore[import-untyped]

from livelens.bench.perception.sequences import (
    Box,
    Filmed,
    boxes,
    scores,
    sequences,
    tracked,
    write_tracks,
)
from livelens.bench.report import note
from livelens.bench.stats import Row
from livelens.flow.run import run
from livelens.spec import StageSpec
from livelens.stages.detect import Detect
from livelens.stages.track import Track
from livelens.types import Frame, Item

TASK = "tracking"
BARS = (
    ("tracking/TUD-Stadtmitte/hota_over_library", 0.0, "higher"),
    ("tracking/TUD-Stadtmitte/mota", 0.6, "higher"),
    ("tracking/PETS09-S2L1/mota", 0.7, "higher"),
)
Tracks = dict[int, list[Box]]


@dataclass(frozen=True, slots=True)
class Case:
    """A pipeline to be measured."""

    model: str
    every: int = 1

    @property
    def label(self) -> str:
        return self.model if self.every == 1 else f"{self.model}, every {self.every}"

    @property
    def stages(self) -> list[StageSpec]:
        return [Detect(model=self.model, classes=("person",), every=self.every), Track()]


# The first one is what the bars hold for: the detector that is recommended for persons.
CASES = (
    Case("centernet"),
    Case("nanodet"),
    Case("nanodet", 2),
    Case("nanodet", 3),
    Case("nanodet", 5),
    Case("coco-ssd"),
    Case("person-ssdlite"),
)


def measure(data: Path) -> Iterator[Row]:
    """HOTA, MOTA, IDF1 and changes of id, with our detectors and with given detections.

    Raises:
        CannotMeasure: no sequence is there, or the evaluation cannot be had.
    """
    for sequence in sequences(data):
        truth = boxes(sequence.folder / "gt" / "gt.txt")
        results = [(case.label, _with_detector(sequence, case)) for case in CASES]
        given = sequence.folder / "det" / "det.txt"
        if given.is_file():
            detections = _normalised(boxes(given))
            results.append(("given detections", _with_given(sequence, detections)))
            results.append(("given detections, library alone", _alone(sequence, detections)))
        yield from _rows(sequence, truth, results)


def _rows(
    sequence: Filmed, truth: Mapping[int, list[Box]], results: list[tuple[str, Tracks]]
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        true_file = Path(scratch) / "truth.txt"
        write_tracks(true_file, dict(truth))
        files = [Path(scratch) / f"{i}.txt" for i in range(len(results))]
        for file, (_, tracks) in zip(files, results, strict=True):
            write_tracks(file, tracks)
        measured = scores([(true_file, file) for file in files])
    count = sum(map(len, truth.values()))
    by_label = {label: each for (label, _), each in zip(results, measured, strict=True)}
    for label, each in by_label.items():
        for metric, value in each.items():
            yield _row(sequence, label, metric, value, count)
    alone = by_label.get("given detections, library alone")
    if alone is not None:
        more = by_label["given detections"]["hota"] - alone["hota"]
        label = "given detections"
        yield _row(sequence, label, "hota_over_library", more, count)


def _row(sequence: Filmed, label: str, metric: str, value: float, count: int) -> Row:
    return {
        "task": TASK,
        "dataset": sequence.name,
        "model": label,
        "metric": metric,
        "value": value,
        "n": count,
    }


def _with_detector(sequence: Filmed, case: Case) -> Tracks:
    note(f"  {sequence.name}, {case.label}")
    tracks: Tracks = defaultdict(list)
    for item in run(sequence.source, stages=case.stages):
        tracked(item.detections, item.frame.seq + 1, tracks)
    return tracks


def _normalised(found: Mapping[int, list[Box]]) -> Tracks:
    """Scores to 0..1: detectors of that time state any scale."""
    highest = max((box.score for each in found.values() for box in each), default=1.0)
    scale = 100.0 if highest > 10 else max(1.0, highest)
    return {
        number: [Box(-1, box.xyxy, min(max(box.score / scale, 0.0), 1.0)) for box in each]
        for number, each in found.items()
    }


def _detections(found: list[Box]) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array([box.xyxy for box in found], np.float32).reshape(-1, 4),
        confidence=np.array([box.score for box in found], np.float32),
        class_id=np.zeros(len(found), int),
        data={"class_name": np.full(len(found), "person")},
    )


_CONFIDENCE = 0.3


def _with_given(sequence: Filmed, given: Tracks) -> Tracks:
    stage = Track(activation_confidence=_CONFIDENCE, high_confidence=_CONFIDENCE).open()
    width, height = sequence.size_px
    black = np.zeros((height, width, 3), np.uint8)
    tracks: Tracks = defaultdict(list)
    for number in range(1, sequence.frames + 1):
        frame = Frame.of(black, seq=number, pts_ns=number * sequence.interval_ns)
        item = Item(frame, detections=_detections(given.get(number, [])))
        (done,) = stage.process([item])
        tracked(done.detections, number, tracks)
    return tracks


def _alone(sequence: Filmed, given: Tracks) -> Tracks:
    tracker = ByteTrackTracker(
        lost_track_buffer=30,
        frame_rate=1e9 / sequence.interval_ns,
        track_activation_threshold=_CONFIDENCE,
        high_conf_det_threshold=_CONFIDENCE,
    )
    tracks: Tracks = defaultdict(list)
    for number in range(1, sequence.frames + 1):
        tracked(tracker.update(_detections(given.get(number, []))), number, tracks)
    return tracks
