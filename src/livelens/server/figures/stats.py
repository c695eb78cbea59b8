"""`GET /api/stats`: how every stream and every stage of it fares, and the server itself."""

import threading
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.clock import NS_PER_S, now_ns, wall_ns
from livelens.descriptor import DescriptorSpec
from livelens.events import StreamState
from livelens.flow.figures import PipelineStats
from livelens.flow.graph import stage_names
from livelens.flow.pipeline import Pipeline
from livelens.server.boards import Board, seconds_of
from livelens.server.describe import milliseconds, state_of_stream
from livelens.server.figures.usage import usage
from livelens.server.identity import Identity
from livelens.server.state import ServerState
from livelens.sinks.whep import WhepSink
from livelens.spec import StageSpec
from livelens.stages.track import Track

StageKind = Literal["detector", "tracker", "descriptor", "stage"]
_LEAST_S, _MOST_S = 0.2, 60.0


class StageStats(msgspec.Struct, frozen=True):
    """One stage of one stream.

    Attributes:
        name, type, kind: what it is.
        fps: frames that it has worked on per second, over the last seconds (`window_s`).
        ms: percentiles of the time of one call.
        done: frames that it has worked on so far.
        dropped: frames that were lost before or in it, by reason.
        skipped: of a descriptor, frames that went on without its answer, by reason.
        waiting: frames that wait for it.
        waiting_ms: age of the oldest of them, since its capture.
        lane, workers, batch: who works on it.
        shared: whether streams share its workers.
        given_up: its workers hang, and frames go on without it.
    """

    name: str
    type: str
    kind: StageKind
    fps: float
    ms: dict[str, float]
    done: int
    dropped: dict[str, int]
    skipped: dict[str, int]
    waiting: int
    waiting_ms: float
    lane: Literal["thread", "process"]
    workers: int
    batch: int
    shared: bool
    given_up: bool


class StreamStats(msgspec.Struct, frozen=True):
    """One stream. captured = delivered + sum(dropped) + in_flight.

    Attributes:
        captured_fps, delivered_fps: frames per second over the last seconds (`window_s`).
        dropped: frames, by stage/reason.
        skipped: frames that descriptors did not answer for, by stage/reason; not lost.
        latency_ms: percentiles of capture to the end of the last stage.
        viewers: who watch it.
        sinks: pictures that each sink was too slow for, by its name.
    """

    id: str
    state: StreamState
    live: bool
    size_px: tuple[int, int] | None
    captured_fps: float
    delivered_fps: float
    captured: int
    delivered: int
    dropped: dict[str, int]
    in_flight: int
    skipped: dict[str, int]
    latency_ms: dict[str, float]
    viewers: int
    sinks: dict[str, int]
    stages: list[StageStats]


class ServerStats(msgspec.Struct, frozen=True):
    """The server's process, and those that it started.

    Attributes:
        cpu_cores: in use since the last look, 1.0 is one core.
        readers: of results and events, by transport.
        results_lost: messages that readers were too slow for, by transport.
    """

    version: str
    uptime_s: float
    cpu_cores: float
    rss_mib: float
    processes: int
    threads: int
    streams: int
    viewers: int
    readers: dict[str, int]
    results_lost: dict[str, int]


class Stats(msgspec.Struct, frozen=True):
    """Everything at one moment; `window_s` is what rates are the mean of."""

    unix_ns: int
    window_s: float
    server: ServerStats
    streams: list[StreamStats]


def stats_of(state: ServerState) -> Stats:
    """The figures as they are now."""
    rates = state.rates.per_s()
    streams = [
        _stream(state, pipeline, rates) for _, pipeline in sorted(state.engine.streams.items())
    ]
    return Stats(wall_ns(), round(state.rates.window_s, 2), _server(state), streams)


def _server(state: ServerState) -> ServerStats:
    from livelens import __version__

    used = usage()
    return ServerStats(
        version=__version__,
        uptime_s=round((now_ns() - state.began_ns) / NS_PER_S, 1),
        cpu_cores=round(state.cpu.cores(used), 3),
        rss_mib=round(used.rss_mib, 1),
        processes=used.processes,
        threads=threading.active_count(),
        streams=len(state.engine.streams),
        viewers=state.sessions.viewers,
        readers={name: count for name, count in list(state.readers.items()) if count},
        results_lost={**dict(state.results_lost), "datachannel": state.sessions.messages_lost},
    )


def _stream(
    state: ServerState, pipeline: Pipeline, rates: dict[tuple[str, ...], float]
) -> StreamStats:
    stats = pipeline.stats()
    stream_id = pipeline.stream_id
    sinks = dict(pipeline.sinks)
    return StreamStats(
        id=stream_id,
        state=state_of_stream(state, pipeline)[0],
        live=pipeline.live,
        size_px=stats.size_px,
        captured_fps=round(rates.get((stream_id, "captured"), 0.0), 2),
        delivered_fps=round(rates.get((stream_id, "delivered"), 0.0), 2),
        captured=stats.captured,
        delivered=stats.delivered,
        dropped=stats.dropped,
        in_flight=stats.in_flight,
        skipped=stats.skipped,
        latency_ms=milliseconds(stats.latency),
        viewers=sum(s.stats().viewers for s in sinks.values() if isinstance(s, WhepSink)),
        sinks=stats.sink_dropped,
        stages=_stages(pipeline, stats, rates),
    )


def _stages(
    pipeline: Pipeline, stats: PipelineStats, rates: dict[tuple[str, ...], float]
) -> list[StageStats]:
    specs = pipeline.spec.stages
    by_name = dict(zip(stage_names(specs), specs, strict=True))
    found = []
    for name, load in pipeline.loads().items():
        spec = by_name.get(name)
        if spec is None:  # the stages are being changed
            continue
        found.append(
            StageStats(
                name=name,
                type=plugins.named(spec),
                kind=kind_of(spec),
                fps=round(rates.get((pipeline.stream_id, "stage", name), 0.0), 2),
                ms=milliseconds(stats.stages.get(name)),
                done=load.done,
                dropped=_reasons(stats.dropped, name),
                skipped=_reasons(stats.skipped, name),
                waiting=load.waiting,
                waiting_ms=round(load.waiting_ns / 1e6, 1),
                lane=load.lane,
                workers=load.workers,
                batch=load.batch,
                shared=load.shared,
                given_up=load.given_up,
            )
        )
    return found


def kind_of(spec: StageSpec) -> StageKind:
    """What a stage is to those who read about it."""
    if isinstance(spec, DescriptorSpec):
        return "descriptor"
    if isinstance(spec, Track):
        return "tracker"
    finds = "detections" in spec.gives and "detections" not in spec.needs
    return "detector" if finds else "stage"


def _reasons(counts: dict[str, int], stage: str) -> dict[str, int]:
    """Counts of one stage, by reason. A stage's name may hold a slash, a reason does not."""
    found = {}
    for key, count in counts.items():
        name, _, reason = key.rpartition("/")
        if name == stage:
            found[reason] = count
    return found


def _seen(view: Stats, identity: Identity) -> Stats:
    streams = [each for each in view.streams if identity.may("view", each.id)]
    return msgspec.structs.replace(view, streams=streams)


BOARD = Board("stats", stats_of, _seen)


async def stats(request: Request) -> Response:
    """Rates, times, losses and queues of every stream and stage, and the server's own."""
    every_s = seconds_of(request, "interval_s", 1.0, _LEAST_S, _MOST_S)
    return await BOARD.answer(request, every_s=every_s)
