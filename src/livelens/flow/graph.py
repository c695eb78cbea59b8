"""Whether stages can work in the order given, and sinks beside each other and the source."""

import os
import stat
from collections.abc import Sequence

from livelens.descriptor import DescriptorSpec
from livelens.errors import ConfigError
from livelens.plugins import named
from livelens.spec import PipelineSpec, SinkSpec, SourceSpec, StageSpec


def stage_names(stages: Sequence[StageSpec]) -> list[str]:
    """The name of each stage: its own, else its type, numbered from the second on."""
    names: list[str] = []
    for spec in stages:
        base = spec.name or named(spec)
        name, number = base, 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.append(name)
    return names


def check(spec: PipelineSpec, path: str = "$") -> None:
    """Refuse an impossible pipeline before anything is opened.

    Raises:
        ConfigError: names the stage or sink and what it lacks.
    """
    given = {"frame"}
    for i, stage in enumerate(spec.stages):
        _check_needs(stage, given, f"{path}.stages[{i}]")
        _check_lookahead(stage, f"{path}.stages[{i}]")
        given |= stage.gives
    explicit = [stage.name for stage in spec.stages if stage.name]
    for i, stage in enumerate(spec.stages):
        if stage.name and explicit.count(stage.name) > 1:
            raise ConfigError(f"two stages are called {stage.name!r} - at {path}.stages[{i}].name")
    cameras = [
        name
        for stage, name in zip(spec.stages, stage_names(spec.stages), strict=True)
        if "viewports" in stage.gives
    ]
    names: set[str] = set()
    for i, sink in enumerate(spec.sinks):
        name = sink.name or named(sink)
        if sink.viewport is not None and sink.viewport not in cameras:
            raise ConfigError(
                f"no stage {sink.viewport!r} gives a viewport ({', '.join(cameras) or 'none does'})"
                f" - at {path}.sinks[{i}].viewport"
            )
        if name in names:
            raise ConfigError(f"two sinks are called {name!r} - at {path}.sinks[{i}].name")
        names.add(name)
        # Drawing what nothing finds is allowed: it draws nothing.
    _check_files(spec, path)


def _check_files(spec: PipelineSpec, path: str) -> None:
    """No sink may replace a file that is being read, or that another sink writes."""
    users = dict.fromkeys(_files(spec.source), "the source reads")
    for stage, name in zip(spec.stages, stage_names(spec.stages), strict=True):
        users |= dict.fromkeys(_files(stage), f"the stage {name!r} reads")
    for i, sink in enumerate(spec.sinks):
        for file, place in _files(sink).items():
            if file in users:
                raise ConfigError(
                    f"{users[file]} {place}, it cannot be written too - at {path}.sinks[{i}].path"
                )
            users[file] = f"the sink {sink.name or named(sink)!r} writes"


def _files(spec: SourceSpec | StageSpec | SinkSpec) -> dict[str | tuple[int, int], str]:
    """The file that is meant, which may have several names, and its path."""
    path = getattr(spec, "path", None)
    if not isinstance(path, str) or path == "-":
        return {}
    place = os.path.realpath(os.path.expanduser(path))
    try:
        there = os.stat(place)
    except (OSError, ValueError):
        return {place: place}
    if not stat.S_ISREG(there.st_mode):  # a device may be written by many
        return {place: place}
    return {(there.st_dev, there.st_ino): place}


def _check_lookahead(stage: StageSpec, path: str) -> None:
    if not stage.lookahead_s:
        return
    if stage.lane == "process":
        raise ConfigError(
            f"the stage {named(stage)!r} cannot look ahead from a process of its own: "
            f"leave out lookahead_s, or use lane: thread - at {path}.lane"
        )
    if isinstance(stage, DescriptorSpec) or stage.passes_over:
        raise ConfigError(
            f"frames do not wait for the stage {named(stage)!r}: it cannot look ahead - at {path}"
        )


def _check_needs(stage: StageSpec, given: set[str], path: str) -> None:
    lacking = sorted(stage.needs - given)
    if lacking:
        raise ConfigError(
            f"the stage {named(stage)!r} needs {', '.join(lacking)}, which no stage before it "
            f"gives - at {path}"
        )
