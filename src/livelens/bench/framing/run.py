"""`livelens bench framing`: how well virtual cameras follow subjects, and what that costs."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livelens.bench.framing import chain, stage_time, wide
from livelens.bench.framing.bars import bars
from livelens.bench.framing.cameras import METHODS, Took, best, camera, cost_of, follow
from livelens.bench.framing.detected import seen, tracks
from livelens.bench.framing.metrics import STILL_PER_S
from livelens.bench.framing.plots import plot
from livelens.bench.framing.rows import COLUMNS, compare, row, together
from livelens.bench.framing.subjects import Subject, clips
from livelens.bench.report import CannotMeasure, Report, note
from livelens.bench.stats import Row, Value
from livelens.errors import LivelensError
from livelens.framing.aspect import parsed

__all__ = ["COLUMNS", "QUICK", "Settings", "run"]

TRUTH, DETECTOR = "truth", "detector"
_PLOTTED_ASPECT = "9:16"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured.

    Attributes:
        data: folder with `framing/` and `tracking/`; None measures only what needs none.
        aspects: of the viewport.
        lookaheads_s: of the operator.
        subjects: most of each clip; None takes all.
        detector: also with the boxes of our own detector and tracker.
        long: clips with more frames than this are left to ground truth alone; None takes all.
        streams: also the stage and whole streams of 720p.
        frames: of the stage's time and, of 720p, in the chain.
        chains: detector and how often it looks, on a file; on a live source.
        seconds: of the live window.
        plots, gifs: folders to write pictures to; None writes none.
    """

    data: Path | None = None
    aspects: tuple[str, ...] = ("9:16", "1:1")
    lookaheads_s: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    subjects: int | None = None
    detector: bool = True
    long: int | None = None
    streams: bool = True
    frames: int = 240
    chains: tuple[tuple[str, int | str], ...] = (("coco-ssd", 1), ("coco-ssd", 2), ("centernet", 1))
    live: tuple[tuple[str, int | str], ...] = (("coco-ssd", "auto"), ("centernet", "auto"))
    seconds: float = 20.0
    plots: Path | None = None
    gifs: Path | None = None


QUICK = Settings(
    aspects=("9:16",),
    subjects=2,
    long=200,
    lookaheads_s=(0.0, 1.0),
    frames=60,
    chains=(("coco-ssd", 1),),
    live=(("coco-ssd", "auto"),),
    seconds=4.0,
)


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: nothing can be measured, or a folder cannot be written.
    """
    report = Report(
        "framing",
        {
            "aspects": list(settings.aspects),
            "lookaheads_s": list(settings.lookaheads_s),
            "subjects_of_a_clip": settings.subjects,
            "still_widths_per_s": STILL_PER_S,
            "average": {"time_s": 1.0, "dead_zone_px": 10},
            "seconds": settings.seconds,
        },
    )
    for folder in (settings.plots, settings.gifs):
        if folder is not None:
            _made(folder)
    subjects = list(_subjects(settings))
    summary = together(subjects)
    streams = list(_streams(settings)) if settings.streams else []
    if not subjects and not streams:
        raise CannotMeasure("there are neither subjects nor streams to measure")
    _add_delay(subjects + summary, streams)
    report.rows = subjects + summary + streams
    report.table = summary + streams
    report.bars = bars(report.rows)
    if settings.gifs is not None:
        from livelens.bench.framing import gifs

        gifs.write(settings.gifs)
    return report


def _subjects(settings: Settings) -> Iterator[Row]:
    if settings.data is None:
        note("framing: no subjects: --data names no folder")
        return
    for clip, subjects in clips(settings.data):
        chosen = subjects[: settings.subjects]
        note(f"{clip.name}: {len(chosen)} of {len(subjects)} subjects by ground truth")
        for subject in chosen:
            yield from _one(settings, subject, TRUTH)
        if settings.plots is not None and chosen:
            _plot(settings.plots, max(chosen, key=_travel))
        last = max(int(each.frames[-1]) for each in subjects)
        if not settings.detector or (settings.long is not None and last > settings.long):
            continue
        note(f"{clip.name}: detecting with {clip.model}")
        try:
            found = tracks(clip, clip.model)
        except LivelensError as error:
            note(f"{clip.name}: not measured with a detector: {error}")
            continue
        for subject in chosen:
            detected = seen(subject, found)
            if detected is not None:
                yield from _one(settings, detected, DETECTOR)


def _one(settings: Settings, subject: Subject, boxes: str) -> list[Row]:
    """All methods on one subject."""
    found: list[Row] = []
    for aspect in settings.aspects:
        rows = [
            row(
                subject,
                took,
                aspect=aspect,
                boxes=boxes,
                method=method,
                lookahead_s=lookahead_s,
                cost=cost_of(took.shots, subject, _ratio(aspect)),
            )
            for method, lookahead_s, took in _ways(subject, _ratio(aspect), settings.lookaheads_s)
        ]
        compare(rows)
        found += rows
    return found


def _ways(
    subject: Subject, aspect: float, lookaheads_s: tuple[float, ...]
) -> Iterator[tuple[str, float | None, Took]]:
    for method in METHODS:
        for lookahead_s in lookaheads_s if method == "operator" else (0.0,):
            yield method, lookahead_s, follow(camera(method), subject, aspect, lookahead_s)
    yield "optimum", None, best(subject, aspect)


def _travel(subject: Subject) -> float:
    """How far it comes sideways, in pixels."""
    middle = subject.truth[:, [0, 2]].mean(axis=1)
    return float(np.nanmax(middle) - np.nanmin(middle))


def _plot(folder: Path, subject: Subject) -> None:
    aspect = _ratio(_PLOTTED_ASPECT)
    paths = {
        "operator, 1 s ahead" if lookahead_s else method: took.path
        for method, lookahead_s, took in _ways(subject, aspect, (0.0, 1.0))
    }
    who = subject.clip if subject.name == subject.clip else f"{subject.clip}, {subject.name}"
    title = f"{who}, {_PLOTTED_ASPECT}, by ground truth"
    plot(folder / f"framing-{subject.clip.lower()}.svg", title, subject, paths)


def _streams(settings: Settings) -> Iterator[Row]:
    """What is measured on 720p pictures; what cannot be is said in a line."""
    with tempfile.TemporaryDirectory(prefix="livelens-bench-") as folder:
        clip = Path(folder) / "wide.mp4"
        try:
            wide.write(clip, 3 * settings.frames)
            found = stage_time.found_in(clip, settings.frames)
        except LivelensError as error:
            note(f"framing: no stream is measured: {error}")
            return
        for method in METHODS:
            for lookahead_s in settings.lookaheads_s if method == "operator" else (0.0,):
                yield stage_time.measure(clip, found, method, lookahead_s, settings.aspects[0])
        for model, every in settings.chains:
            note(f"chain: a file, {model}, every {every}")
            yield chain.measure(clip, "file", model, every, settings.seconds)
        for model, every in settings.live:
            note(f"chain: live, {model}, every {every}")
            yield chain.measure(clip, "live", model, every, settings.seconds)


def _add_delay(rows: list[Row], streams: list[Row]) -> None:
    """What look-ahead and the stage add to a picture's way."""
    stage: dict[tuple[Value, ...], Row] = {
        (each["method"], each["lookahead_s"]): each for each in streams if each["chain"] == "stage"
    }
    for each in [*rows, *stage.values()]:
        measured = stage.get((each["method"], each.get("lookahead_s")))
        ahead_s = each.get("lookahead_s")
        if measured is None or not isinstance(ahead_s, float):
            continue
        stage_ms = measured["stage_ms"]
        if isinstance(stage_ms, float):
            each["delay_ms"] = round(1000 * ahead_s + stage_ms, 1)


def _ratio(aspect: str) -> float:
    ratio = parsed(aspect)
    assert ratio is not None, "a clip's own aspect leaves nothing to frame"
    return ratio


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotMeasure(f"cannot write to {folder}: {error.strerror}") from error
