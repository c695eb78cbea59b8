"""What the latency bench promises, held against the rows of the same run."""

from collections.abc import Callable, Sequence

from livelens.bench.report import Bar
from livelens.bench.stats import Row

_OURS = "livelens"
_MAIN = "livelens, picture not waiting"
_EQUAL = 0.85  # of a bitrate; less is another bitrate


def bars_of(rows: Sequence[Row], say: Callable[[str], None]) -> list[Bar]:
    """The bars that these rows can answer; for the others a line is said."""
    bars: list[Bar] = []
    for cost_ms in sorted({_number(row, "cost_ms") for row in rows if not row["soak"]}):
        bars += _at_cost(rows, cost_ms, say)
    bars += _steady(rows, say)
    bars += _workers(rows, say)
    bars += _cameras(rows, say)
    bars += _not_waiting(rows, say)
    return bars


def _number(row: Row, name: str) -> float:
    value = row[name]
    assert isinstance(value, int | float)
    return float(value)


def _select(rows: Sequence[Row], **wanted: object) -> list[Row]:
    wanted = {"soak": False, "cameras": 1, "workers": 1, **wanted}
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def _at_cost(rows: Sequence[Row], cost_ms: float, say: Callable[[str], None]) -> list[Bar]:
    at = f"at {cost_ms:g} ms"
    here = _select(rows, cost_ms=cost_ms)
    ours = [row for row in here if row["system"] == _OURS]
    peers = [row for row in here if not str(row["system"]).startswith(_OURS)]
    if not ours:
        if here:
            say(f"no bars {at}: livelens was not measured")
        return []
    own = ours[0]
    bars = [Bar(f"p50 {at}", _number(own, "p50_ms"), cost_ms + 67, "lower")]
    if not peers:
        say(f"no bars against peers {at}: none was measured")
        return bars
    best = min(peers, key=lambda row: _number(row, "p50_ms"))
    name = best["system"]
    ahead_ms = _number(best, "p50_ms") - _number(own, "p50_ms")
    p99_ms = min(_number(row, "p99_ms") for row in peers)
    bars += [
        Bar(f"p50 {at} below that of {name}", ahead_ms, 17, "higher"),
        Bar(f"p99 {at}, limit: the best peer's", _number(own, "p99_ms"), p99_ms, "lower"),
    ]
    own_kbps, best_kbps = _number(own, "kbps_out"), _number(best, "kbps_out")
    if own_kbps < _EQUAL * best_kbps:
        say(f"no bar of CPU {at}: {own_kbps:g} kbit/s against {best_kbps:g} are not equal")
        return bars
    own_cores, best_cores = _number(own, "cpu_cores"), _number(best, "cpu_cores")
    return [*bars, Bar(f"CPU {at}, limit: that of {name}", own_cores, best_cores, "lower")]


def _steady(rows: Sequence[Row], say: Callable[[str], None]) -> list[Bar]:
    soaked = [row for row in rows if row["soak"]]
    if not soaked:
        say("no bars of growth: the long run was left out")
    return [
        bar
        for row in soaked
        for bar in (
            Bar(
                f"growth of delay in ms per minute at {row['cost_ms']:g} ms",
                abs(_number(row, "growth_ms_per_min")),
                5,
                "lower",
            ),
            Bar(
                f"growth of memory in MiB over the long run at {row['cost_ms']:g} ms",
                abs(_number(row, "rss_growth_mib")),
                20,
                "lower",
            ),
        )
    ]


def _workers(rows: Sequence[Row], say: Callable[[str], None]) -> list[Bar]:
    found = _select(rows, workers=2)
    if not found:
        say("no bars of 2 workers: not measured")
    return [
        bar
        for row in found
        for bar in (
            # To the whole frame: the camera itself runs at 29.9 to 30.
            Bar("fps of 2 workers at 50 ms, rounded", round(_number(row, "fps")), 30, "higher"),
            Bar("pictures out of order, 2 workers", _number(row, "backward"), 0, "lower"),
        )
    ]


def _cameras(rows: Sequence[Row], say: Callable[[str], None]) -> list[Bar]:
    four = _select(rows, cameras=4)
    found = [row for row in four if str(row["system"]).startswith(_OURS)]
    if not found:
        say("no bars of 4 cameras: not measured")
    return [
        bar
        for row in found
        for bar in (
            Bar("fps of the slowest of 4 cameras", _number(row, "fps"), 28, "higher"),
            Bar("p99 of the slowest of 4 cameras", _number(row, "p99_ms"), 150, "lower"),
        )
    ]


def _not_waiting(rows: Sequence[Row], say: Callable[[str], None]) -> list[Bar]:
    found = {
        _number(row, "cost_ms"): _number(row, "p50_ms")
        for row in _select(rows)
        if row["system"] == _MAIN
    }
    if len(found) < 2:
        say("no bar of the picture that does not wait: not measured at two costs")
        return []
    low, high = min(found), max(found)
    # One beat of the display is what the probe can tell apart.
    name = f"p50 of the picture that does not wait, {high:g} ms against {low:g} ms"
    return [Bar(name, abs(found[high] - found[low]), 17, "lower")]
