"""`livelens bench models`: how long models take, alone and all of them together on faces.

Every case runs in a fresh process on two cores. A model alone gets one picture a call. The
cases end to end go through the engine: a clip played as a live source of 60 pictures a
second, of which frames may be dropped, and the same clip read without loss.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from livelens import plugins, presets
from livelens.bench import face_clips
from livelens.bench.model_cases import Answer, Case, ModelCase, PipelineCase
from livelens.bench.report import Bar, CannotMeasure, Report, note
from livelens.bench.stats import Row, median_rows
from livelens.models import zoo
from livelens.models.hardware import onnxruntime_providers
from livelens.models.openvino import has_bf16
from livelens.models.runner import Precision, RuntimeName

COLUMNS = (
    "system", "case", "stage", "runtime", "precision", "threads", "fps", "p50_ms", "p95_ms",
    "rss_mib", "cpu_cores", "other_cores", "drop_ratio", "objects", "readings_per_s",
    "age_p50_ms", "age_p95_ms",
)  # fmt: skip

_IDENTITY = "identity"
_GALLERY = "gallery.json"
_LEAST_FPS = {"one face": 25.0, "five faces": 15.0}
_CASE_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run, how long, how often.

    Attributes:
        models: names; empty takes all that are cached.
        threads: of each model alone.
        alone, together: whether models alone and the cases end to end are measured.
        seconds, call_seconds: length of a window end to end, and of a model's calls.
        repeats: turns of every case.
    """

    models: tuple[str, ...] = ()
    threads: tuple[int, ...] = (1, 2)
    alone: bool = True
    together: bool = True
    seconds: float = 15.0
    call_seconds: float = 1.0
    repeats: int = 3
    settle_s: float = 3.0


QUICK = Settings(threads=(2,), seconds=5, call_seconds=0.5, repeats=1, settle_s=2)


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: nothing could be measured.
        NotFound: no model has that name.
    """
    for name in settings.models:
        zoo.model_card(name)
    stages, missing = face_stages(Path(os.devnull)) if settings.together else ([], [])
    for name in missing:
        note(f"no descriptor {name!r} is installed: the cases end to end go without it")
    report = Report(
        "models",
        {
            "size_px": list(face_clips.SIZE_PX),
            "cores": len(_cores()),
            "seconds": settings.seconds,
            "call_seconds": settings.call_seconds,
            "repeats": settings.repeats,
            "stages": [str(stage.get("name", stage["type"])) for stage in stages],
        },
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="livelens-bench-") as folder:
        note("making the clips")
        clips = face_clips.write(Path(folder), whole=settings.together)
        if settings.together and _IDENTITY not in missing:
            face_clips.write_gallery(Path(folder) / _GALLERY)
        cases = list(_cases(settings, clips, Path(folder)))
        for repeat in range(settings.repeats):
            for number, (label, case) in enumerate(cases, 1):
                note(f"{repeat + 1}/{settings.repeats} {number}/{len(cases)} {label}")
                rows += _measured(label, case)
    if not rows:
        raise CannotMeasure("no case could be measured")
    key = ("system", "case", "stage", "runtime", "precision", "threads")
    report.rows = median_rows(rows, key, ("fps", "p50_ms"))
    report.bars = _bars(report.rows, missing)
    return report


def face_stages(gallery: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Face detector, tracker and every face descriptor that is installed; and those that are not.

    Args:
        gallery: the file of those who are enrolled.
    """
    known = plugins.known_stages()
    stages: list[dict[str, Any]] = [
        {"type": "detect", "model": presets.FACE_DETECTOR},
        {"type": "track"},
    ]
    wanted = (*presets.FACE_DESCRIPTORS, _IDENTITY)
    for name in wanted:
        if name not in known:
            continue
        stage: dict[str, Any] = {"type": name}
        fields = {field.name for field in msgspec.structs.fields(known[name].load())}
        if "gallery" in fields:
            stage["gallery"] = str(gallery)
        stages.append(stage)
    return stages, [name for name in wanted if name not in known]


def _cases(settings: Settings, clips: dict[str, Path], folder: Path) -> Iterator[tuple[str, Case]]:
    if settings.together:
        stages, _ = face_stages(folder / _GALLERY)
        always = [_always_described(stage) for stage in stages]
        for faces, clip in clips.items():
            for how, pace, chain in (
                (f"live {face_clips.FPS} fps", True, stages),
                ("file", False, stages),
                ("file, every frame described", False, always),
            ):
                case = f"{faces}, {how}"
                yield case, PipelineCase(
                    case=case, stages=chain, pace=pace, clip=str(clip),
                    seconds=settings.seconds, settle_s=settings.settle_s,
                )  # fmt: skip
    if not settings.alone:
        return
    clip = clips["one face"]
    arithmetic = _arithmetic()
    for model in settings.models or _cached_models():
        for runtime, precision in arithmetic:
            for threads in settings.threads:
                label = f"{model}, {runtime} {precision}, {threads} threads"
                yield label, ModelCase(
                    model=model, runtime=runtime, precision=precision, threads=threads,
                    clip=str(clip), seconds=settings.call_seconds,
                )  # fmt: skip


def _always_described(stage: dict[str, Any]) -> dict[str, Any]:
    described = stage["type"] in plugins.installed("descriptors")
    return {**stage, "refresh_s": 0.0} if described else stage


def _cached_models() -> list[str]:
    names = [status.card.name for status in zoo.list_models() if status.cached]
    left_out = [status.card.name for status in zoo.list_models() if not status.cached]
    if left_out:
        note(f"not cached, left out: {', '.join(left_out)}")
    return names


def _arithmetic() -> list[tuple[RuntimeName, Precision]]:
    found: list[tuple[RuntimeName, Precision]] = [("openvino", "f32")]
    if has_bf16():
        found.append(("openvino", "bf16"))
    else:
        note("this CPU does not compute in bfloat16: left out")
    if onnxruntime_providers() is None:
        note("onnxruntime is not installed: left out")
    else:
        found.append(("onnxruntime", "f32"))
    return found


def _measured(label: str, case: Case) -> list[Row]:
    """The rows of a case, measured in a process of its own; none, with a line, if it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "livelens.bench.model_cases"],
            input=msgspec.json.encode(case),
            capture_output=True,
            timeout=_CASE_TIMEOUT_S,
            check=False,
            preexec_fn=_confine,
        )
    except subprocess.TimeoutExpired:
        note(f"{label}: not measured: it took more than {_CASE_TIMEOUT_S:g} s")
        return []
    try:
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except msgspec.DecodeError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        note(f"{label}: not measured: {''.join(last) or f'status {done.returncode}'}")
        return []
    if answer.error:
        note(f"{label}: not measured: {answer.error}")
    return list(answer.rows)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))[:2]


def _confine() -> None:
    os.sched_setaffinity(0, _cores())


def _bars(rows: Sequence[Row], missing: Sequence[str]) -> list[Bar]:
    if missing:
        note(f"no bars: not every face descriptor is installed ({', '.join(missing)})")
        return []
    bars: list[Bar] = []
    for faces, least in _LEAST_FPS.items():
        for how in (f"live {face_clips.FPS} fps", "file"):
            name = f"{faces}, {how}"
            for row in rows:
                if row.get("case") == name and row.get("stage") == "all":
                    fps = row["fps"]
                    assert isinstance(fps, int | float)
                    bars.append(Bar(name, fps, least, "higher"))
    return bars
