"""`GET /api/algorithms`: what is installed that can be done to pictures, and where it runs."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.descriptor import DescriptorSpec
from livelens.errors import one_line
from livelens.models import zoo
from livelens.models.manifest import ModelCard
from livelens.server.boards import Board
from livelens.server.identity import ALL, Identity
from livelens.server.schemas import schema_of
from livelens.server.state import ServerState
from livelens.spec import StageSpec
from livelens.stages.associate import tracker_classes
from livelens.stages.detect import Detect
from livelens.stages.track import Track

Kind = Literal["detector", "tracker", "descriptor", "stage"]

_EVERY_S = 2.0


class ModelView(msgspec.Struct, frozen=True):
    """A model: its licence as its package states it, and whether it is here.

    Attributes:
        size: bytes to fetch.
        confidence, iou: thresholds of a detector that is given none; None of any other model.
    """

    name: str
    description: str
    licence: str
    cached: bool
    size: int
    confidence: float | None = None
    iou: float | None = None


class AlgorithmView(msgspec.Struct, frozen=True):
    """One algorithm.

    Attributes:
        name: of a detector's model, a tracker, or the `type` of a stage or descriptor.
        kind: what it is.
        stage: what to write in a configuration, which `settings` complete.
        description: in one line.
        finds: names of the classes that a detector finds.
        describes: names of the classes that a descriptor describes.
        measures: names of the attributes that it gives.
        needs, gives: what other stages must have given before, and what it gives.
        settings: JSON Schema of the stage's settings.
        models: what it computes with, where it tells.
        streams: where it runs.
        error: why it cannot be used; empty where it can.
    """

    name: str
    kind: Kind
    stage: dict[str, str]
    description: str
    finds: list[str] = []
    describes: list[str] = []
    measures: list[str] = []
    needs: list[str] = []
    gives: list[str] = []
    settings: dict[str, Any] = {}
    models: list[ModelView] = []
    streams: list[str] = []
    error: str = ""


class AlgorithmList(msgspec.Struct, frozen=True):
    """All algorithms: detectors, trackers, descriptors, other stages."""

    algorithms: list[AlgorithmView]


def algorithm_list(state: ServerState) -> AlgorithmList:
    """What is installed, and in which streams it runs."""
    models = _models()
    running = _running(state)
    found = [*_detectors(models, running), *_trackers(running)]
    found += _stages(plugins.installed("descriptors"), models, running)
    others = {
        name: entry
        for name, entry in plugins.installed("stages").items()
        if name not in ("detect", "track")
    }
    return AlgorithmList(found + _stages(others, models, running))


def _models() -> dict[str, tuple[ModelCard, ModelView]]:
    return {status.card.name: (status.card, _model(status)) for status in zoo.list_models()}


def _model(status: zoo.ModelStatus) -> ModelView:
    card = status.card
    finds = card.task == "detect"
    return ModelView(
        card.name,
        card.description,
        card.licence,
        status.cached,
        card.size,
        confidence=card.confidence if finds else None,
        iou=card.iou if finds else None,
    )


def _running(state: ServerState) -> Mapping[tuple[str, str], list[str]]:
    """Streams by stage type and, for detectors and trackers, by what they use."""
    found: dict[tuple[str, str], list[str]] = {}
    for stream_id, pipeline in sorted(state.engine.streams.items()):
        keys = dict.fromkeys(_key(stage) for stage in pipeline.spec.stages)
        for key in keys:
            found.setdefault(key, []).append(stream_id)
    return found


def _key(stage: StageSpec) -> tuple[str, str]:
    if isinstance(stage, Detect):
        return "detect", stage.model
    if isinstance(stage, Track):
        return "track", stage.tracker
    return plugins.named(stage), ""


def _detectors(
    models: Mapping[str, tuple[ModelCard, ModelView]],
    running: Mapping[tuple[str, str], list[str]],
) -> list[AlgorithmView]:
    settings = schema_of(Detect)
    return [
        AlgorithmView(
            name=name,
            kind="detector",
            stage={"type": "detect", "model": name},
            description=card.description,
            finds=[label for label in card.labels if label],
            gives=sorted(Detect.gives),
            settings=settings,
            models=[view],
            streams=running.get(("detect", name), []),
        )
        for name, (card, view) in models.items()
        if card.task == "detect"
    ]


def _trackers(running: Mapping[tuple[str, str], list[str]]) -> list[AlgorithmView]:
    settings = schema_of(Track)
    return [
        AlgorithmView(
            name=name,
            kind="tracker",
            stage={"type": "track", "tracker": name},
            description=_first_line(Track),
            needs=sorted(Track.needs),
            gives=sorted(Track.gives),
            settings=settings,
            streams=running.get(("track", name), []),
        )
        for name in sorted(tracker_classes())
    ]


def _stages(
    entries: Mapping[str, EntryPoint],
    models: Mapping[str, tuple[ModelCard, ModelView]],
    running: Mapping[tuple[str, str], list[str]],
) -> list[AlgorithmView]:
    return [_stage(name, entry, models, running) for name, entry in sorted(entries.items())]


def _stage(
    name: str,
    entry: EntryPoint,
    models: Mapping[str, tuple[ModelCard, ModelView]],
    running: Mapping[tuple[str, str], list[str]],
) -> AlgorithmView:
    kind: Kind = "descriptor" if entry.group == "livelens.descriptors" else "stage"
    written = {"type": name}
    try:
        spec: type[StageSpec] = entry.load()
        settings = schema_of(spec)
    except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way while importing
        why = f"the plug-in {entry.value} does not load: {one_line(error)}"
        return AlgorithmView(name, kind, written, "", error=why)
    described = issubclass(spec, DescriptorSpec)
    return AlgorithmView(
        name=name,
        kind=kind,
        stage=written,
        description=_first_line(spec),
        describes=list(spec.describes) if issubclass(spec, DescriptorSpec) else [],
        measures=list(spec.measures) if issubclass(spec, DescriptorSpec) else [],
        needs=sorted(spec.needs),
        gives=sorted(spec.gives) if not described else ["attributes"],
        settings=settings,
        models=[models[each][1] for each in _used_by(spec) if each in models],
        streams=running.get((name, ""), []),
    )


def _used_by(spec: type[StageSpec]) -> list[str]:
    """Names of the models that a stage computes with: as its class tells, or its settings."""
    named = [field.default for field in msgspec.structs.fields(spec) if field.name == "model"]
    return list(dict.fromkeys([*spec.models, *(each for each in named if isinstance(each, str))]))


def _first_line(spec: type[StageSpec]) -> str:
    return (spec.__doc__ or "").strip().partition("\n")[0]


def _seen(view: AlgorithmList, identity: Identity) -> AlgorithmList:
    if identity.may("view", ALL):
        return view
    return AlgorithmList(
        [
            msgspec.structs.replace(
                each, streams=[stream for stream in each.streams if identity.may("view", stream)]
            )
            for each in view.algorithms
        ]
    )


BOARD = Board("algorithms", algorithm_list, _seen, unlike=lambda view: view)


async def algorithms(request: Request) -> Response:
    """Every detector, tracker, descriptor and stage that is installed, and where it runs."""
    return await BOARD.answer(request, every_s=_EVERY_S)
