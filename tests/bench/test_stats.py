"""Percentiles, slopes and medians."""

import pytest

from livelens.bench.stats import Row, median_rows, percentile, robust_slope, slope


@pytest.mark.parametrize(
    ("q", "value"), [(0, 1.0), (50, 3.0), (100, 5.0), (25, 2.0), (95, 4.8), (99, 4.96)]
)
def test_percentiles_lie_between_the_closest_ranks(q: float, value: float) -> None:
    assert percentile([5, 1, 4, 2, 3], q) == pytest.approx(value)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_slope_of_a_line_is_its_own() -> None:
    assert slope([(x, 3 * x + 7) for x in range(10)]) == pytest.approx(3)
    assert slope([(1, 5)]) == 0
    assert slope([(1, 5), (1, 9)]) == 0


def test_one_hiccup_does_not_tilt_the_robust_slope() -> None:
    flat = [(float(x), 50.0) for x in range(1000)]
    flat[-20:] = [(x, 5000.0) for x, _ in flat[-20:]]
    assert slope(flat) > 0.1
    assert robust_slope(flat) == pytest.approx(0)


def test_repetitions_merge_into_medians_with_their_spread() -> None:
    rows: list[Row] = [
        {"system": "a", "fps": 10.0, "n": 1, "codec": "VP8"},
        {"system": "b", "fps": 1.0, "n": 1, "codec": "H264"},
        {"system": "a", "fps": 30.0, "n": 3, "codec": "VP8"},
        {"system": "a", "fps": 20.0, "n": 2, "codec": "VP8", "extra": 4.0},
    ]
    merged = median_rows(rows, ("system",), ("fps",))
    assert merged[0] == {
        "system": "a",
        "fps": 20.0,
        "fps_min": 10.0,
        "fps_max": 30.0,
        "n": 2,
        "codec": "VP8",
        "extra": 4.0,
        "repeats": 3,
    }
    assert [row["system"] for row in merged] == ["a", "b"]
