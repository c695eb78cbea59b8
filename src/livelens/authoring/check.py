"""Tests a plug-in: loads it, reads its settings, and puts the questions of its kind to it."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from livelens import plugins
from livelens.authoring.calls import Fault, Worker
from livelens.authoring.descriptors import DescriptorTrial
from livelens.authoring.found import BASES, Plugin
from livelens.authoring.material import material
from livelens.authoring.networks import network_questions
from livelens.authoring.report import Broken, Check, Tested
from livelens.authoring.stages import StageTrial
from livelens.authoring.trial import Question, asked, documented
from livelens.descriptor import DescriptorSpec
from livelens.errors import ConfigError
from livelens.models.manifest import ModelCard
from livelens.spec import StageSpec


@dataclass(frozen=True, slots=True)
class Options:
    """How to test.

    Attributes:
        settings: of the plug-in, as in a configuration; its defaults if empty.
        clip: a video to try it on.
        max_ms: what one object of a descriptor, or one frame of a stage, may take.
        limit_s: a call that takes longer hangs; None is the `timeout_s` of the settings.
    """

    settings: Mapping[str, Any]
    clip: Path | None = None
    max_ms: float | None = None
    limit_s: float | None = None


def tested(plugin: Plugin, options: Options) -> Tested:
    """The answers of a plug-in to the questions of its kind.

    Never raises for what the plug-in does wrong; what it prints goes to stderr.

    Raises:
        SourceError: the clip of the options cannot be read.
    """
    with redirect_stdout(sys.stderr):
        return Tested(plugin, _checks(plugin, options))


def settings_in(file: Path, name: str) -> Mapping[str, Any]:
    """The settings of the stage `name` in a configuration: those of the first of its type.

    Raises:
        ConfigError: the file cannot be read, or has no such stage.
    """
    data = plugins.read_yaml(file)
    stages = data.get("stages") if isinstance(data, Mapping) else None
    for stage in stages if isinstance(stages, list) else ():
        if stage == name:
            return {}
        if isinstance(stage, Mapping) and stage.get("type") == name:
            return {key: value for key, value in stage.items() if key != "type"}
    raise ConfigError(f"{file}: no stage is of type {name!r} - at $.stages")


def _checks(plugin: Plugin, options: Options) -> list[Check]:
    worker = Worker(plugin.folder, options.limit_s or 30.0)
    try:
        loaded = worker.call(plugin.load)
    except Fault as fault:
        return [Check("loads", "fail", str(fault), "python -c 'import …' must work")]
    finally:
        worker.end()
    checks = [Check("loads", "ok", plugin.about())]
    if isinstance(loaded, ModelCard):
        return [*checks, *_of_model(loaded, plugin, options)]
    assert isinstance(loaded, type)
    base = BASES[f"{plugin.kind}s"]
    checks += asked([Question("documented", lambda: documented(loaded, base))])
    if not issubclass(loaded, StageSpec):
        told = f"a {plugin.kind} is not opened here: `livelens run` shows what it does"
        return [*checks, Check("answers", "skip", told)]
    spec: StageSpec | None = None

    def settings() -> str:
        nonlocal spec
        spec = plugins.stage({"type": plugin.name, **options.settings})
        if plugins.stage(plugins.as_data(spec)) != spec:
            raise Broken("they are not the same when read back", "use plain types for settings")
        return ", ".join(f"{k}: {v}" for k, v in options.settings.items()) or "defaults"

    advice = "every setting has a default, and a name that can be configured"
    checks += asked([Question("settings", settings, advice)])
    return [*checks, *_tried(spec, _home(loaded), options)] if spec is not None else checks


def _home(loaded: type) -> Path | None:
    file = getattr(sys.modules.get(loaded.__module__), "__file__", None)
    return Path(file).parent if file else None


def _tried(spec: StageSpec, home: Path | None, options: Options) -> list[Check]:
    limit_s = options.limit_s or spec.timeout_s
    trial: DescriptorTrial | StageTrial
    if isinstance(spec, DescriptorSpec):
        shown = material(spec.classes or spec.describes, options.clip)
        trial = DescriptorTrial(spec, home, shown, limit_s=limit_s, max_ms=options.max_ms)
    else:
        shown = material((), options.clip)
        trial = StageTrial(spec, home, shown, limit_s=limit_s, max_ms=options.max_ms)
    try:
        return asked(trial.questions())
    finally:
        trial.end()


def _of_model(card: ModelCard, plugin: Plugin, options: Options) -> list[Check]:
    if card.name != plugin.name:
        told = f"the entry point is called {plugin.name!r}, the card {card.name!r}"
        return [Check("name", "fail", told, "give both the same name")]
    limit_s = options.limit_s or 60.0
    if card.task == "network":
        return asked(network_questions(card, plugin.folder, limit_s, options.max_ms))
    from livelens.stages.detect import Detect

    spec = msgspec.convert({"model": card.name}, Detect)
    return _tried(spec, plugin.folder, options)
