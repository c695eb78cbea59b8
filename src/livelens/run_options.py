"""What the options of `livelens run` mean: a pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livelens import plugins, presets
from livelens.errors import ConfigError
from livelens.spec import PipelineSpec

_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v"})
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
    raw: bool = False
    results: Path | None = None
    classes: Sequence[str] = ()
    confidence: float | None = None
    device: str = "cpu"
    max_delay_s: float = 1.0


def pipeline_of(options: RunOptions) -> PipelineSpec:
    """The pipeline that the options ask for.

    Raises:
        ConfigError: names the option, or the place in the file, that is wrong.
    """
    data = _begun(options)
    if not options.detect and (options.classes or options.confidence is not None):
        raise ConfigError("--classes and --confidence belong to --detect: name a detector")
    if options.device != "cpu" and not (options.detect or options.describe):
        raise ConfigError("--device belongs to --detect and --describe: name one of them")
    on_device = {} if options.device == "cpu" else {"device": options.device}
    data["stages"] = presets.extended(
        data["stages"],
        detect=_detectors(options, on_device),
        track=options.track,
        describe=[{"type": name, **on_device} for name in options.describe],
        landmarks=options.landmarks,
    )
    data["sinks"] = [*data["sinks"], *_sinks(options)]
    return plugins.pipeline(data)


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


def _sinks(options: RunOptions) -> list[dict[str, Any]]:
    sinks: list[dict[str, Any]] = []
    output, results = options.output, options.results
    if output is not None:
        if output.suffix.lower() not in _VIDEO_SUFFIXES:
            raise ConfigError(f"--output: videos are written as MP4, name a .mp4: {output}")
        drawn = not options.raw
        sinks.append({"type": "record", "name": "output", "path": str(output), "overlay": drawn})
    if results is not None:
        form = "jsonl" if str(results) == "-" else _RESULT_FORMS.get(results.suffix.lower())
        if form is None:
            raise ConfigError(f"--results: name a .jsonl, or a .txt for MOT text: {results}")
        sinks.append({"type": "results", "name": "results", "path": str(results), "format": form})
    return sinks
