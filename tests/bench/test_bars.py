"""The promises of the latency bench."""

from livelens.bench.latency_bars import bars_of
from livelens.bench.report import Bar
from livelens.bench.stats import Row, Value


def row(system: str, cost_ms: float, p50: float, p99: float, cpu: float, **more: Value) -> Row:
    base: Row = {
        "system": system,
        "cost_ms": cost_ms,
        "workers": 1,
        "cameras": 1,
        "soak": False,
        "p50_ms": p50,
        "p99_ms": p99,
        "cpu_cores": cpu,
        "kbps_out": 2500,
        "fps": 30.0,
        "backward": 0.0,
        "growth_ms_per_min": 1.0,
        "rss_growth_mib": 2.0,
    }
    return base | more


def by_name(bars: list[Bar]) -> dict[str, Bar]:
    return {bar.name: bar for bar in bars}


def test_ours_is_held_against_the_best_peer_of_the_same_run() -> None:
    rows = [
        row("livelens", 50, 100, 133, 0.3),
        row("fast 1.0", 50, 150, 200, 0.2),
        row("faster 1.0", 50, 140, 210, 0.4),
    ]
    bars = by_name(bars_of(rows, lambda _: None))
    assert bars["p50 at 50 ms"] == Bar("p50 at 50 ms", 100, 117, "lower")
    ahead = bars["p50 at 50 ms below that of faster 1.0"]
    assert (ahead.value, ahead.limit, ahead.holds) == (40, 17, True)
    assert bars["p99 at 50 ms, limit: the best peer's"].limit == 200
    assert bars["CPU at 50 ms, limit: that of faster 1.0"].holds


def test_what_was_not_measured_has_no_bar_but_a_line() -> None:
    lines: list[str] = []
    bars = bars_of([row("livelens", 0, 50, 67, 0.2)], lines.append)
    assert [bar.name for bar in bars] == ["p50 at 0 ms"]
    assert any("peers at 0 ms" in line for line in lines)
    assert any("long run" in line for line in lines)
    assert any("4 cameras" in line for line in lines)


def test_a_broken_promise_does_not_hold() -> None:
    rows = [row("livelens", 200, 300, 400, 0.9), row("peer 1", 200, 310, 390, 0.5)]
    broken = [bar.name for bar in bars_of(rows, lambda _: None) if not bar.holds]
    assert broken == [
        "p50 at 200 ms",
        "p50 at 200 ms below that of peer 1",
        "p99 at 200 ms, limit: the best peer's",
        "CPU at 200 ms, limit: that of peer 1",
    ]


def test_cpu_is_compared_at_equal_bitrate_only() -> None:
    lines: list[str] = []
    rows = [row("livelens", 50, 90, 99, 0.1, kbps_out=1600), row("peer 1", 50, 150, 200, 0.4)]
    assert not any(bar.name.startswith("CPU") for bar in bars_of(rows, lines.append))
    assert "no bar of CPU at 50 ms: 1600 kbit/s against 2500 are not equal" in lines


def test_long_runs_workers_cameras_and_the_waitless_picture() -> None:
    main = "livelens, picture not waiting"
    rows = [
        row("livelens, long run", 50, 0, 0, 0.3, soak=True, growth_ms_per_min=-6.0),
        row("livelens, 2 workers", 50, 100, 120, 0.3, workers=2, fps=29.7),
        row("livelens, 4 cameras", 20, 100, 140, 0.3, cameras=4, fps=28.5),
        row(main, 0, 50, 67, 0.2),
        row(main, 200, 66.7, 67, 0.2),
    ]
    bars = by_name(bars_of(rows, lambda _: None))
    assert not bars["growth of delay in ms per minute at 50 ms"].holds
    assert bars["growth of memory in MiB over the long run at 50 ms"].holds
    assert bars["fps of 2 workers at 50 ms, rounded"].holds
    assert bars["fps of the slowest of 4 cameras"].holds
    assert bars["p99 of the slowest of 4 cameras"].value == 140
    assert bars["p50 of the picture that does not wait, 200 ms against 0 ms"].holds
