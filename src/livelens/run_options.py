"""What the options of `livelens run` mean: a pipeline."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livelens import plugins, presets
from livelens.errors import ConfigError
from livelens.flow.graph import stage_names
from livelens.framing.aspect import parsed
from livelens.progress import STREAM
from livelens.sinks.paths import filled_in
from livelens.spec import PipelineSpec

_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v"})
# Frames of a file need not hurry: in a single pass the camera looks so far ahead.
_LOOKAHEAD_OF_FILE_S = 1.0
OUTPUT = "output"
_RESULT_FORMS = {".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".txt": "mot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options as they were given; `livelens run --help` says what each is for."""

    source: str
    detect: Sequence[str] = ()
    track: str | None = None
    describe: Sequence[str] = ()
    landmarks: bool = False
    preset: str | None = None
    pipeline: Path | None = None
    output: Path | None = None
    raw: bool | None = None
    results: Path | None = None
    classes: Sequence[str] = ()
    confidence: float | None = None
    device: str = "cpu"
    max_delay_s: float = 1.0
    reframe: str | None = None
    subject: str | None = None
    group: int | None = None
    lookahead_s: float | None = None
    passes: int | None = None
    viewports: Path | None = None


def pipeline_of(options: RunOptions) -> PipelineSpec:
    """The pipeline that the options ask for.

    Raises:
        ConfigError: names the option, or the place in the file, that is wrong.
    """
    data = _begun(options)
    if not options.detect and (options.classes or options.confidence is not None):
        raise ConfigError("--classes and --confidence belong to --detect: name a detector")
    if options.device != "cpu" and not (options.detect or options.describe or options.reframe):
        raise ConfigError(
            "--device belongs to --detect, --describe and --reframe: name one of them"
        )
    on_device = {} if options.device == "cpu" else {"device": options.device}
    data["stages"] = presets.extended(
        data["stages"],
        detect=_detectors(options, on_device),
        track=options.track,
        describe=[{"type": name, **on_device} for name in options.describe],
        landmarks=options.landmarks,
    )
    data["stages"] = _framed(options, data, on_device)
    bare = plugins.pipeline(data)
    data["sinks"] = [*data["sinks"], *_sinks(options, _camera(bare))]
    return plugins.pipeline(data)


def passes_of(options: RunOptions, spec: PipelineSpec) -> int:
    """How many passes over the source there are.

    Raises:
        ConfigError: two are wanted that cannot be.
    """
    from livelens.passes import why_not_twice

    if options.passes == 2 and (why := why_not_twice(spec)) is not None:
        raise ConfigError(f"--passes 2: {why}")
    return options.passes or (1 if why_not_twice(spec) else 2)


def film_of(spec: PipelineSpec) -> Path | None:
    """The file of `--output`, if there is one."""
    paths = [getattr(sink, "path", None) for sink in spec.sinks if sink.name == OUTPUT]
    return Path(paths[0]) if paths and paths[0] else None


def _framed(options: RunOptions, data: Mapping[str, Any], on_device: Mapping[str, str]) -> object:
    """The stages, with a camera if one is asked for."""
    if options.reframe is None:
        for name, value in (("--subject", options.subject), ("--group", options.group),
                            ("--lookahead", options.lookahead_s)):  # fmt: skip
            if value is not None:
                raise ConfigError(f"{name} belongs to --reframe: give an aspect, --reframe 9:16")
        if options.viewports is not None:
            shown = {"type": "viewports", "path": str(options.viewports)}
            return [*data["stages"], plugins.stage(shown, "--viewports")]
        return data["stages"]
    if options.viewports is not None:
        raise ConfigError("give --reframe or --viewports, not both")
    try:
        parsed(options.reframe)
    except ValueError as error:
        raise ConfigError(f"--reframe: {error}") from None
    live = plugins.source(data["source"], "$.source").live
    settings: dict[str, Any] = {"aspect": options.reframe, **_subject(options.subject)}
    settings |= {"group": options.group} if options.group is not None else {}
    lookahead_s = options.lookahead_s
    if lookahead_s is None and not live:
        lookahead_s = _LOOKAHEAD_OF_FILE_S
    settings |= {"lookahead_s": lookahead_s} if lookahead_s is not None else {}
    subject = next(iter(settings.get("classes", ())), None)
    return presets.reframed(
        data["stages"], settings, live=live, subject=subject, detector=on_device
    )


def _subject(words: str | None) -> dict[str, Any]:
    """The settings of `reframe` that `--subject` means."""
    if words is None:
        return {}
    if not words.strip():
        raise ConfigError("--subject: nobody is named: give a class, #7 or 0.3,0.5")
    if words.startswith("#"):
        if not words[1:].isdecimal():
            raise ConfigError(f"--subject: a tracker_id is written as #7, not {words!r}")
        return {"tracker_id": int(words[1:])}
    if "," in words:
        try:
            x, y = (float(number) for number in words.split(","))
        except ValueError:
            x = y = math.nan
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ConfigError(
                "--subject: a point is written as 0.3,0.5, parts of the picture's width and "
                f"height, not {words!r}"
            )
        return {"point": [x, y]}
    return {"classes": [words]}


def _camera(spec: PipelineSpec) -> str | None:
    """The name of the first stage that gives viewports."""
    names = stage_names(spec.stages)
    pairs = zip(spec.stages, names, strict=True)
    return next((name for stage, name in pairs if "viewports" in stage.gives), None)


def _begun(options: RunOptions) -> dict[str, Any]:
    """The pipeline of the file or the preset."""
    data: dict[str, Any] = {
        "source": options.source,
        "max_delay_s": options.max_delay_s,
        "stages": [],
        "sinks": [],
    }
    if options.pipeline is not None:
        if options.preset is not None:
            raise ConfigError("give --preset or --pipeline, not both")
        loaded = plugins.read_yaml(options.pipeline)
        if not isinstance(loaded, dict):
            raise ConfigError(f"{options.pipeline}: expected a mapping - at $")
        return data | loaded
    if options.preset is not None:
        return data | presets.preset(options.preset)
    return data


def _detectors(options: RunOptions, on_device: Mapping[str, str]) -> list[dict[str, Any]]:
    settings: dict[str, Any] = dict(on_device)
    settings |= {"classes": list(options.classes)} if options.classes else {}
    settings |= {"confidence": options.confidence} if options.confidence is not None else {}
    return [{"type": "detect", "model": model, **settings} for model in options.detect]


def _sinks(options: RunOptions, camera: str | None) -> list[dict[str, Any]]:
    """The sinks of `--output` and `--results`; a framed picture is not drawn on unasked."""
    sinks: list[dict[str, Any]] = []
    output, results = options.output, options.results
    if output is not None:
        if output.suffix.lower() not in _VIDEO_SUFFIXES:
            raise ConfigError(f"--output: videos are written as MP4, name a .mp4: {output}")
        drawn = camera is None if options.raw is None else not options.raw
        sinks.append(
            {
                "type": "record",
                "name": OUTPUT,
                "path": str(filled_in(output, STREAM)),
                "overlay": drawn,
                "viewport": camera,
            }
        )
    if results is not None:
        form = "jsonl" if str(results) == "-" else _RESULT_FORMS.get(results.suffix.lower())
        if form is None:
            raise ConfigError(f"--results: name a .jsonl, or a .txt for MOT text: {results}")
        sinks.append({"type": "results", "name": "results", "path": str(results), "format": form})
    return sinks
