"""`GET /api/sources`: where pictures come from, and what is done to them."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.descriptor import DescriptorSpec
from livelens.events import StreamState
from livelens.flow.graph import stage_names
from livelens.server.boards import Board
from livelens.server.describe import state_of_stream
from livelens.server.filters import detectors_of
from livelens.server.identity import Identity
from livelens.server.state import ServerState
from livelens.stages.track import Track


class SourceView(msgspec.Struct, frozen=True):
    """One stream's source.

    Attributes:
        id: of the stream.
        type, label: what it is; never with a password.
        live: frames of it may be dropped so that it stays in time.
        size_px, fps: of the pictures; None and 0 until some came.
        detectors: names that results tell as `detector`, and that they can be filtered by.
        tracker: who follows the objects, if anybody.
        descriptors: names of the stages that describe them.
        algorithms: the names of all stages, in order.
    """

    id: str
    type: str
    label: str
    state: StreamState
    detail: str
    live: bool
    size_px: tuple[int, int] | None
    fps: float
    detectors: list[str]
    tracker: str | None
    descriptors: list[str]
    algorithms: list[str]


class SourceList(msgspec.Struct, frozen=True):
    """All sources, by stream id."""

    sources: list[SourceView]


def source_list(state: ServerState) -> SourceList:
    """The sources of all streams."""
    found = []
    for stream_id, pipeline in sorted(state.engine.streams.items()):
        spec, stats = pipeline.spec, pipeline.stats()
        present, detail = state_of_stream(state, pipeline)
        named = list(zip(spec.stages, stage_names(spec.stages), strict=True))
        trackers = [stage.tracker for stage in spec.stages if isinstance(stage, Track)]
        found.append(
            SourceView(
                id=stream_id,
                type=plugins.named(spec.source),
                label=spec.source.label,
                state=present,
                detail=detail,
                live=pipeline.live,
                size_px=stats.size_px,
                fps=stats.fps,
                detectors=detectors_of(spec),
                tracker=trackers[0] if trackers else None,
                descriptors=[name for stage, name in named if isinstance(stage, DescriptorSpec)],
                algorithms=[name for _, name in named],
            )
        )
    return SourceList(found)


def _lasting(view: SourceList) -> object:
    """All but the frame rate, which never stays as it is."""
    return [msgspec.structs.replace(each, fps=0.0) for each in view.sources]


def _seen(view: SourceList, identity: Identity) -> SourceList:
    return SourceList(
        [
            # Where a camera is, is for who controls it.
            each if identity.may("control", each.id) else msgspec.structs.replace(each, label="")
            for each in view.sources
            if identity.may("view", each.id)
        ]
    )


BOARD = Board("sources", source_list, _seen, unlike=_lasting)


async def sources(request: Request) -> Response:
    """Every stream's source, and which detectors and descriptors work on it."""
    return await BOARD.answer(request)
