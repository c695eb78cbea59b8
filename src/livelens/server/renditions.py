"""The renditions that a stream has unless its configuration names its own."""

from collections.abc import Sequence

import msgspec

from livelens.flow.graph import stage_names
from livelens.sinks.whep import Whep
from livelens.spec import PipelineSpec, SinkSpec, StageSpec
from livelens.stages.overlay import Overlay


def usual(stages: Sequence[StageSpec]) -> tuple[SinkSpec, ...]:
    """Renditions for these stages.

    `main` shows every picture at once and leaves drawing to the page; the server draws on
    `annotated`; `framed` shows what a virtual camera shows, where there is one. Further cameras
    have `framed-2`, `framed-3`.
    """
    return (Whep(name="main"), Whep(name="annotated", overlay=Overlay()), *_framed(stages))


def with_renditions(spec: PipelineSpec) -> PipelineSpec:
    """The pipeline, with the usual renditions if it has none."""
    if any(isinstance(sink, Whep) for sink in spec.sinks):
        return spec
    return msgspec.structs.replace(spec, sinks=(*spec.sinks, *usual(spec.stages)))


def kept_up(sinks: Sequence[SinkSpec], before: Sequence[StageSpec], after: Sequence[StageSpec],
) -> tuple[SinkSpec, ...]:  # fmt: skip
    """The sinks when other stages come: framed renditions come and go with their cameras.

    Only the usual ones do, and only beside the other usual ones: whoever has named their own
    has said what they want.
    """
    gone = [sink for sink in _framed(before) if sink in sinks]
    stay = [sink for sink in sinks if sink not in gone]
    named = {sink.name for sink in stay}
    if not {"main", "annotated"} <= named:
        return tuple(sinks)
    return (*stay, *(sink for sink in _framed(after) if sink.name not in named))


def _framed(stages: Sequence[StageSpec]) -> tuple[SinkSpec, ...]:
    cameras = [
        name
        for stage, name in zip(stages, stage_names(stages), strict=True)
        if "viewports" in stage.gives
    ]
    return tuple(
        Whep(name=f"framed-{number}" if number > 1 else "framed", viewport=camera)
        for number, camera in enumerate(cameras, start=1)
    )
