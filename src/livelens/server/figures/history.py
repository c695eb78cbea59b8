"""`GET /api/history`: how streams, stages and the server have fared in the last hour."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from livelens.clock import NS_PER_S, nanoseconds
from livelens.errors import ConfigError, NotFound
from livelens.flow.graph import stage_names
from livelens.server.boards import seconds_of
from livelens.server.figures.gpu import Gpu
from livelens.server.figures.rings import Column, Key, Reduction, Rings, reduced
from livelens.server.figures.sampler import Sampler, Track
from livelens.server.figures.tables import Cell, csv_response, utc
from livelens.server.identity import who
from livelens.server.state import state_of
from livelens.server.threads import in_thread

_LONGEST_S = 3600.0
_POINTS = 600
_MOST_POINTS = 1800
# Where a mean would hide what one looks for.
_LARGEST = frozenset({"p95", "p99", "waiting", "waiting_ms", "viewers", "rss_mib", "memory_mib"})
_PERCENTILES = ("p50", "p95", "p99")

Points = list[float | None]
"""One value for each time; null where nothing is known."""


class StageHistory(msgspec.Struct, frozen=True):
    """One stage of one stream.

    Attributes:
        fps: frames that it worked on per second.
        ms: percentiles of the time of one call.
        waiting, waiting_ms: the most frames that were seen waiting, and the oldest one's age.
        dropped_per_s, skipped_per_s: by reason.
    """

    name: str
    present: bool
    fps: Points
    ms: dict[str, Points]
    waiting: Points
    waiting_ms: Points
    dropped_per_s: dict[str, Points]
    skipped_per_s: dict[str, Points]


class StreamHistory(msgspec.Struct, frozen=True):
    """One stream.

    Attributes:
        present: it is here now; one that is not stays until its hour is over.
        latency_ms: percentiles of capture to the end of the last stage.
        waiting_ms: age of the oldest frame that was seen waiting for any stage.
        dropped_per_s, skipped_per_s: frames, by stage/reason.
        sink_dropped_per_s: pictures that a sink was too slow for, by its name.
        stages: only where this stream was asked for.
    """

    id: str
    present: bool
    captured_fps: Points
    delivered_fps: Points
    latency_ms: dict[str, Points]
    waiting_ms: Points
    viewers: Points
    dropped_per_s: dict[str, Points]
    skipped_per_s: dict[str, Points]
    sink_dropped_per_s: dict[str, Points]
    stages: list[StageHistory]


class GpuHistory(msgspec.Struct, frozen=True):
    """One card as a whole, whoever uses it."""

    index: int
    name: str
    memory_total_mib: float | None
    percent: Points
    memory_mib: Points


class ServerHistory(msgspec.Struct, frozen=True):
    """The server's process and those that it started; `gpus` is empty where there are none."""

    cpu_cores: Points
    rss_mib: Points
    processes: Points
    threads: Points
    streams: Points
    viewers: Points
    readers: Points
    gpus: list[GpuHistory]


class History(msgspec.Struct, frozen=True):
    """Figures over time, as columns of one length.

    Attributes:
        unix_s: the times, of the end of each step.
        step_s: between two points.
        sample_s: between two looks at the counters; percentiles are those of so long.
    """

    unix_s: list[float]
    step_s: float
    sample_s: float
    server: ServerHistory
    streams: list[StreamHistory]


class _Reader:
    """Reads columns of some slots, so many of them as one point."""

    def __init__(self, sampler: Sampler, since_s: float, points: int) -> None:
        period_ns = sampler.period_ns
        newest, first = sampler.server.newest, sampler.first
        wanted = min(max(1, -(-nanoseconds(since_s) // period_ns)), sampler.length)
        self.step = -(-wanted // points)
        self._first = self._count = 0
        if newest is not None and first is not None:
            # Points begin where they would for any other request of the same step.
            self._first = max(newest - wanted + 1, first) // self.step * self.step
            self._count = -(-(newest + 1 - self._first) // self.step)
        ends = self._first + np.arange(self._count) * self.step + self.step - 1
        self.unix_s = sampler.unix_s(ends)

    def points(self, rings: Rings, *keys: Key) -> list[Points]:
        """The points of these columns."""
        found = rings.read(keys, self._first, self._count * self.step)
        return [_told(reduced(found[key], self.step, _how(key))) for key in keys]

    def one(self, rings: Rings, *key: str) -> Points:
        """The points of one column."""
        return self.points(rings, key)[0]

    def group(self, rings: Rings, *prefix: str) -> dict[str, Points]:
        """The columns whose names begin so, by the rest of the name."""
        length = len(prefix)
        keys = [k for k in rings.keys if k[:length] == prefix and len(k) == length + 1]
        return {k[-1]: each for k, each in zip(keys, self.points(rings, *keys), strict=True)}


def _how(key: Key) -> Reduction:
    return "max" if key[-1] in _LARGEST else "mean"


def _told(column: Column) -> Points:
    # JSON has no NaN: it becomes null on its way.
    values: Points = np.round(column, 3).tolist()
    return values


def history_of(
    sampler: Sampler,
    *,
    since_s: float = _LONGEST_S,
    points: int = _POINTS,
    stream: str | None = None,
    stages: bool = True,
    may_see: Callable[[str], bool] = lambda _: True,
) -> History:
    """What has been kept.

    Raises:
        NotFound: nothing is known of this stream.
    """
    gpus = {gpu.index: gpu for gpu in sampler.gpus.now()}
    with sampler.lock:
        reader = _Reader(sampler, since_s, points)
        tracks = {name: track for name, track in sampler.tracks.items() if may_see(name)}
        if stream is not None:
            if stream not in tracks:
                raise NotFound(f"there is no history of a stream {stream!r}")
            tracks = {stream: tracks[stream]}
        return History(
            unix_s=reader.unix_s,
            step_s=reader.step * sampler.period_ns / NS_PER_S,
            sample_s=sampler.period_ns / NS_PER_S,
            server=_server(reader, sampler.server, gpus),
            streams=[
                _stream(reader, name, track, stages=stages)
                for name, track in sorted(tracks.items())
            ],
        )


def _server(reader: _Reader, rings: Rings, gpus: dict[int, Gpu]) -> ServerHistory:
    known = sorted({int(key[1]) for key in rings.keys if key[0] == "gpu"})
    return ServerHistory(
        cpu_cores=reader.one(rings, "cpu_cores"),
        rss_mib=reader.one(rings, "rss_mib"),
        processes=reader.one(rings, "processes"),
        threads=reader.one(rings, "threads"),
        streams=reader.one(rings, "streams"),
        viewers=reader.one(rings, "viewers"),
        readers=reader.one(rings, "readers"),
        gpus=[
            GpuHistory(
                index=index,
                name=gpus[index].name if index in gpus else "",
                memory_total_mib=gpus[index].memory_total_mib if index in gpus else None,
                percent=reader.one(rings, "gpu", str(index), "percent"),
                memory_mib=reader.one(rings, "gpu", str(index), "memory_mib"),
            )
            for index in known
        ],
    )


def _stream(reader: _Reader, name: str, track: Track, *, stages: bool) -> StreamHistory:
    rings = track.rings
    dropped, skipped = reader.group(rings, "dropped"), reader.group(rings, "skipped")
    return StreamHistory(
        id=name,
        present=track.pipeline is not None,
        captured_fps=reader.one(rings, "captured_fps"),
        delivered_fps=reader.one(rings, "delivered_fps"),
        latency_ms=_percentiles(reader, rings, "latency_ms"),
        waiting_ms=reader.one(rings, "waiting_ms"),
        viewers=reader.one(rings, "viewers"),
        dropped_per_s=dropped,
        skipped_per_s=skipped,
        sink_dropped_per_s=reader.group(rings, "sink_dropped"),
        stages=_stages(reader, track, dropped, skipped) if stages else [],
    )


def _stages(
    reader: _Reader, track: Track, dropped: dict[str, Points], skipped: dict[str, Points]
) -> list[StageHistory]:
    rings, pipeline = track.rings, track.pipeline
    present = list(stage_names(pipeline.spec.stages)) if pipeline is not None else []
    known = dict.fromkeys(key[1] for key in rings.keys if key[0] == "stage")
    return [
        StageHistory(
            name=name,
            present=name in present,
            fps=reader.one(rings, "stage", name, "fps"),
            ms=_percentiles(reader, rings, "stage", name, "ms"),
            waiting=reader.one(rings, "stage", name, "waiting"),
            waiting_ms=reader.one(rings, "stage", name, "waiting_ms"),
            dropped_per_s=_of_stage(dropped, name),
            skipped_per_s=_of_stage(skipped, name),
        )
        for name in sorted(known, key=lambda each: (each not in present, _place(present, each)))
    ]


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _percentiles(reader: _Reader, rings: Rings, *prefix: str) -> dict[str, Points]:
    keys = [(*prefix, name) for name in _PERCENTILES]
    return dict(zip(_PERCENTILES, reader.points(rings, *keys), strict=True))


def _of_stage(columns: dict[str, Points], stage: str) -> dict[str, Points]:
    found = {}
    for name, points in columns.items():
        owner, _, reason = name.rpartition("/")
        if owner == stage:
            found[reason] = points
    return found


async def history(request: Request) -> Response:
    """The figures of the last hour, as columns over time."""
    state, asked = state_of(request), _asked(request, _POINTS)
    # Stages of all streams together would be half a million figures.
    stages = asked["stream"] is not None
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body = await in_thread(_encoded, state.history, packed=packed, stages=stages, **asked)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"} if packed else None
    return Response(body, headers=headers, media_type="application/json")


def _encoded(sampler: Sampler, *, packed: bool, **asked: Any) -> bytes:
    """The history as JSON, compressed here: on the event loop that would hold up the media."""
    body = msgspec.json.encode(history_of(sampler, **asked))
    return gzip.compress(body, 3) if packed else body


async def history_csv(request: Request) -> Response:
    """The figures of the last hour as a table: a row for each time and stream."""
    state, asked = state_of(request), _asked(request, _MOST_POINTS)
    told = await in_thread(history_of, state.history, stages=asked["stream"] is not None, **asked)
    columns = {stream.id: dict(_columns(stream)) for stream in told.streams}
    names = list(dict.fromkeys(name for each in columns.values() for name in each))
    server = dict(_server_columns(told.server))
    header = ["time_utc", "stream", *names, *server]

    def rows() -> Iterator[list[Cell]]:
        for at, unix_s in enumerate(told.unix_s):
            own = [column[at] for column in server.values()]
            moment = utc(round(unix_s * NS_PER_S))
            for stream_id in columns or [""]:
                mine = columns.get(stream_id, {})
                yield [
                    moment,
                    stream_id,
                    *(mine[n][at] if n in mine else None for n in names),
                    *own,
                ]

    return csv_response("history", header, rows())


def _asked(request: Request, points: int) -> dict[str, Any]:
    identity = who(request)
    return {
        "may_see": lambda stream: identity.may("view", stream),
        "since_s": seconds_of(request, "since_s", _LONGEST_S, 1.0, _LONGEST_S),
        "points": whole_of(request, "points", points, 1, _MOST_POINTS),
        "stream": request.query_params.get("stream") or None,
    }


def whole_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A query parameter that is a whole number.

    Raises:
        ConfigError: it is none, or outside of its bounds.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not least <= value <= most:
        raise ConfigError(f"{name} is a whole number, {least} to {most}, not {text[:40]!r}")
    return value


def _columns(stream: StreamHistory) -> Iterator[tuple[str, Points]]:
    """The columns of a stream by names that carry their units."""
    yield "captured_fps", stream.captured_fps
    yield "delivered_fps", stream.delivered_fps
    yield from ((f"latency_{name}_ms", each) for name, each in stream.latency_ms.items())
    yield "queue_age_ms", stream.waiting_ms
    yield "viewers", stream.viewers
    yield from ((f"dropped_{n}_per_s", each) for n, each in stream.dropped_per_s.items())
    yield from ((f"skipped_{n}_per_s", each) for n, each in stream.skipped_per_s.items())
    yield from ((f"sink_dropped_{n}_per_s", e) for n, e in stream.sink_dropped_per_s.items())
    for stage in stream.stages:
        of = f"stage_{stage.name}"
        yield f"{of}_fps", stage.fps
        yield from ((f"{of}_{name}_ms", each) for name, each in stage.ms.items())
        yield f"{of}_waiting_frames", stage.waiting
        yield f"{of}_queue_age_ms", stage.waiting_ms


def _server_columns(server: ServerHistory) -> Iterator[tuple[str, Points]]:
    yield "server_cpu_cores", server.cpu_cores
    yield "server_rss_mib", server.rss_mib
    yield "server_processes", server.processes
    yield "server_threads", server.threads
    yield "server_streams", server.streams
    yield "server_viewers", server.viewers
    yield "server_readers", server.readers
    for gpu in server.gpus:
        yield f"server_gpu{gpu.index}_percent", gpu.percent
        yield f"server_gpu{gpu.index}_memory_mib", gpu.memory_mib
