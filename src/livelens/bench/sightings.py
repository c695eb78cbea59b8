"""From sightings of numbered pictures to latencies: pure, so that it can be tested."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from livelens.bench.browser import Sighting
from livelens.bench.stats import Row, percentile, robust_slope

CAMERA = -1


def first_sightings(seen: Sequence[Sighting]) -> list[Sighting]:
    """Without repetitions of the picture seen just before."""
    kept: list[Sighting] = []
    for sighting in sorted(seen, key=lambda s: s.at_ms):
        if not kept or kept[-1].number != sighting.number:
            kept.append(sighting)
    return kept


def latencies(
    sent: Sequence[Sighting], returned: Sequence[Sighting], loop_ms: float
) -> list[tuple[float, float]]:
    """(time it came back, latency), both in ms, for every picture first seen on its way back.

    The clip loops, so a number stands for many pictures: the one meant is that whose
    latency lies closest to the latency just before.
    """
    left: dict[int, list[float]] = {}
    for sighting in sent:
        left.setdefault(sighting.number, []).append(sighting.at_ms)
    choices: list[tuple[float, list[float]]] = []
    for sighting in returned:
        times = left.get(sighting.number, [])
        newest = bisect_right(times, sighting.at_ms)
        if newest:
            choices.append((sighting.at_ms, [sighting.at_ms - t for t in times[:newest]]))
    if not choices:
        return []
    expected = median(ages[-1] for _, ages in choices[:30])
    found: list[tuple[float, float]] = []
    for at_ms, ages in choices:
        latency = min(ages, key=lambda age: abs(age - expected))
        # A probe that missed the picture on its way out finds only that of another turn.
        if abs(latency - expected) < loop_ms / 2:
            found.append((at_ms, latency))
            expected = latency
    return found


def backward_steps(returned: Sequence[Sighting], loop: int) -> int:
    """How often a picture older than the one before it was shown, seen over a loop of `loop`."""
    steps = 0
    for earlier, later in pairwise(returned):
        ahead = (later.number - earlier.number) % loop
        steps += ahead > loop // 2
    return steps


def describe(
    seen: Sequence[Sighting], *, probe: str, session: int, fps: float, loop: int
) -> Row | None:
    """The columns of one returning track as one probe saw it; None when nothing came back.

    Window: from the first to the last sighting of the camera.
    """
    mine = [s for s in seen if s.probe == probe]
    sent = first_sightings([s for s in mine if s.session == CAMERA])
    returned = first_sightings([s for s in mine if s.session == session])
    found = latencies(sent, returned, 1000 * loop / fps)
    if len(sent) < 2 or len(found) < 2:
        return None
    values = [latency for _, latency in found]
    window_s = (sent[-1].at_ms - sent[0].at_ms) / 1000
    return {
        "p50_ms": round(percentile(values, 50), 1),
        "p95_ms": round(percentile(values, 95), 1),
        "p99_ms": round(percentile(values, 99), 1),
        "fps": round(len(returned) / window_s, 2),
        "camera_fps": round(len(sent) / window_s, 2),
        "drop_ratio": round(max(0.0, 1 - len(returned) / len(sent)), 4),
        "backward": backward_steps(returned, loop),
        "growth_ms_per_min": round(robust_slope([(t / 60_000, v) for t, v in found]), 2),
    }
