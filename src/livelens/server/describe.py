"""What the HTTP API tells of a stream."""

from typing import Any

import msgspec

from livelens import plugins
from livelens.events import StreamState
from livelens.flow.figures import Percentiles
from livelens.flow.pipeline import Pipeline
from livelens.server.identity import Identity
from livelens.server.state import ServerState
from livelens.sinks.whep import WhepSink, WhepStats
from livelens.sources.upload import Upload
from livelens.spec import PipelineSpec, SinkSpec, redacted


class SourceInfo(msgspec.Struct, frozen=True):
    """Where pictures come from; `label` never holds a password, and nothing for mere viewers."""

    type: str
    label: str


class SinkInfo(msgspec.Struct, frozen=True):
    """A sink; `rendition` tells of those that browsers watch.

    Attributes:
        overlay: whether the server draws for it.
        dropped: pictures that it was too slow for.
    """

    name: str
    type: str
    overlay: bool
    viewers: int
    dropped: int
    rendition: WhepStats | None


class StreamInfo(msgspec.Struct, frozen=True):
    """A stream and how it fares. captured = delivered + sum(dropped) + in_flight."""

    id: str
    state: StreamState
    detail: str
    live: bool
    source: SourceInfo
    size_px: tuple[int, int] | None
    fps: float
    captured: int
    delivered: int
    dropped: dict[str, int]
    in_flight: int
    latency_ms: dict[str, float]
    stages_ms: dict[str, dict[str, float]]
    waiting: dict[str, int]
    sinks: list[SinkInfo]
    spec: dict[str, Any]


class StreamList(msgspec.Struct, frozen=True):
    """All streams, by id."""

    streams: list[StreamInfo]


def stream_info(server: ServerState, pipeline: Pipeline) -> StreamInfo:
    """Everything about a stream."""
    stats = pipeline.stats()
    state, detail = state_of_stream(server, pipeline)
    return StreamInfo(
        id=pipeline.stream_id,
        state=state,
        detail=detail,
        live=pipeline.live,
        source=SourceInfo(plugins.named(pipeline.spec.source), pipeline.spec.source.label),
        size_px=stats.size_px,
        fps=stats.fps,
        captured=stats.captured,
        delivered=stats.delivered,
        dropped=stats.dropped,
        in_flight=stats.in_flight,
        latency_ms=milliseconds(stats.latency),
        stages_ms={name: milliseconds(times) for name, times in stats.stages.items()},
        waiting=stats.waiting,
        sinks=_sinks(pipeline, stats.sink_dropped),
        spec=_without_passwords(pipeline.spec),
    )


def seen_by(identity: Identity, info: StreamInfo) -> StreamInfo:
    """The description as somebody may see it: where a camera is, is for who controls it."""
    if identity.may("control", info.id):
        return info
    return msgspec.structs.replace(
        info,
        source=SourceInfo(info.source.type, ""),
        spec={**info.spec, "source": {"type": info.source.type}},
    )


def state_of_stream(server: ServerState, pipeline: Pipeline) -> tuple[StreamState, str]:
    """A stream's state as people see it, and why."""
    if pipeline.state in ("starting", "running") and server.streams.waiting_for_publisher(
        pipeline.stream_id
    ):
        return "waiting", "nobody publishes"
    return pipeline.state, pipeline.detail


def _sinks(pipeline: Pipeline, dropped: dict[str, int]) -> list[SinkInfo]:
    specs: dict[str, SinkSpec] = {s.name or plugins.named(s): s for s in pipeline.spec.sinks}
    found = []
    for name, sink in pipeline.sinks.items():
        spec = specs.get(name)
        rendition = sink.stats() if isinstance(sink, WhepSink) else None
        found.append(
            SinkInfo(
                name=name,
                type=plugins.named(spec) if spec is not None else type(sink).__name__.lower(),
                overlay=spec is not None and spec.overlay is not None,
                viewers=rendition.viewers if rendition is not None else 0,
                dropped=dropped.get(name, 0),
                rendition=rendition,
            )
        )
    return found


def milliseconds(times: Percentiles | None) -> dict[str, float]:
    """Percentiles by their names; none of none."""
    if times is None:
        return {}
    return {"p50": times.p50_ms, "p95": times.p95_ms, "p99": times.p99_ms}


def _without_passwords(spec: PipelineSpec) -> dict[str, Any]:
    data = plugins.as_data(spec)
    source = data["source"]
    if isinstance(spec.source, Upload):
        del source["folder"]  # the server's to choose, and nobody else's business
    for key, value in source.items():
        if isinstance(value, str) and "://" in value:
            source[key] = redacted(value)
        elif isinstance(value, dict | list) and value:  # options may carry credentials
            source[key] = "…"
    return data
