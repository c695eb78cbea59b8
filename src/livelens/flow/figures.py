"""What a pipeline tells of itself in numbers."""

import msgspec
import numpy as np


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds over the last few hundred frames."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, times_ns: list[int]) -> "Percentiles | None":
        """The percentiles of these times; None of none."""
        if not times_ns:
            return None
        p50, p95, p99 = np.percentile(times_ns, [50, 95, 99]) / 1e6
        return cls(round(float(p50), 2), round(float(p95), 2), round(float(p99), 2))


class PipelineStats(msgspec.Struct, frozen=True):
    """What a pipeline has done so far. captured = delivered + sum(dropped) + in_flight.

    `skipped` counts frames that went on while a descriptor was too slow for their objects.
    """

    captured: int
    delivered: int
    dropped: dict[str, int]
    in_flight: int
    fps: float
    size_px: tuple[int, int] | None
    latency: Percentiles | None
    stages: dict[str, Percentiles]
    waiting: dict[str, int]
    sink_dropped: dict[str, int]
    skipped: dict[str, int]


class Tally(msgspec.Struct, frozen=True):
    """What a pipeline has counted so far, and the times it saw last, the newest at the end.

    Cheap to take, for who looks often.
    """

    captured: int
    delivered: int
    dropped: dict[str, int]
    skipped: dict[str, int]
    sink_dropped: dict[str, int]
    latencies_ns: list[int]
    stages_ns: dict[str, list[int]]
