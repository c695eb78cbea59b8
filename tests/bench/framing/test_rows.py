"""Rows and bars of the framing bench: what is held against what."""

import pytest

from livelens.bench.framing.bars import bars
from livelens.bench.framing.rows import compare, together
from livelens.bench.stats import Row


def row(subject: str, method: str, ahead_s: float | None = 0.0, **figures: float | int) -> Row:
    measured: Row = {"inside": 1.0, "centre_error": 0.1, "jerk": 1.0, "accel": 1.0, "still": 0.5}
    measured |= {"cuts": 0, "cost": 1.0, "camera_ms": 0.1}
    case: Row = {"clip": "street", "aspect": "9:16", "boxes": "truth", "method": method}
    return {**case, "lookahead_s": ahead_s, "subject": subject, **measured, **figures}


def rows_of(subject: str, jerk: float, *, gaps: tuple[float, float] = (0.5, 0.05)) -> list[Row]:
    found = [
        row(subject, "ema", jerk=10.0, centre_error=0.2, inside=0.9, cost=9.0),
        row(subject, "operator", 0.0, jerk=jerk, cost=2.0 * (1 + gaps[0])),
        row(subject, "operator", 1.0, jerk=jerk, cost=2.0 * (1 + gaps[1])),
        row(subject, "optimum", None, jerk=0.1, cost=2.0),
    ]
    compare(found)
    return found


def test_rows_of_a_subject_are_compared_with_its_average_and_its_optimum() -> None:
    average, operator, ahead, optimum = rows_of("one", 0.5)
    assert "jerk_ratio" not in average
    assert average["optimum_gap"] == 3.5
    assert operator["jerk_ratio"] == 0.05
    assert operator["jerk_held"] == 1.0
    assert operator["error_ratio"] == 0.5
    assert operator["inside_gain"] == 0.1
    assert (operator["optimum_gap"], ahead["optimum_gap"]) == (0.5, 0.05)
    assert "optimum_gap" not in optimum


def test_an_average_that_stands_has_no_ratio_but_a_promise() -> None:
    standing = row("one", "ema", jerk=0.0)
    quiet, moving = row("one", "operator", jerk=1e-6), row("one", "operator", 1.0, jerk=0.2)
    compare([standing, quiet, moving])
    assert quiet["jerk_ratio"] is None
    assert moving["jerk_ratio"] is None
    assert (quiet["jerk_held"], moving["jerk_held"]) == (1.0, 0.0)


def test_cases_tell_their_median_and_their_worst() -> None:
    found = together([*rows_of("one", 0.5), *rows_of("two", 0.9), *rows_of("three", 4.0)])
    case = [r for r in found if r["method"] == "operator" and r["lookahead_s"] == 0.0]
    middle, worst = case
    assert (middle["subject"], worst["subject"]) == ("median", "worst")
    assert middle["subjects"] == 3
    assert (middle["jerk_ratio"], worst["jerk_ratio"]) == (0.09, 0.4)
    assert middle["jerk_held"] == pytest.approx(2 / 3, abs=1e-4)
    assert (middle["gap_of_all"], worst["inside"]) == (0.5, 1.0)


def test_costs_of_all_weigh_by_their_size() -> None:
    still = [row("still", "operator", cost=0.002), row("still", "optimum", None, cost=0.001)]
    moving = [row("moving", "operator", cost=10.5), row("moving", "optimum", None, cost=10.0)]
    compare(still)
    compare(moving)
    [middle] = [r for r in together([*still, *moving]) if r["subject"] == "median"
                and r["method"] == "operator"]  # fmt: skip
    assert middle["gap_of_all"] == pytest.approx(0.05, abs=0.001)
    assert middle["optimum_gap"] == pytest.approx(0.525)


def holds(rows: list[Row]) -> dict[str, bool]:
    return {bar.name.partition(": ")[2] or bar.name: bar.holds for bar in bars(rows)}


def test_bars_take_the_worse_aspect() -> None:
    tall = rows_of("one", 0.5)
    square = [{**each, "aspect": "1:1"} for each in rows_of("one", 3.0, gaps=(0.2, 0.3))]
    good = holds(together(tall))
    assert all(good.values())
    assert len(good) == 6
    both = holds(together([*tall, *square]))
    assert {name for name, held in both.items() if not held} == {
        "RMS jerk over the average's",
        "most that the gap to the optimum grows with look-ahead",
        "gap to the optimum at 1 s",
    }


def test_a_subject_that_is_cut_off_breaks_its_bars() -> None:
    cut_off = rows_of("one", 0.5)
    for each in cut_off:
        if each["method"] == "operator":
            each["inside"] = 0.8
    compare(cut_off)
    failed = {name for name, held in holds(together(cut_off)).items() if not held}
    assert failed == {"subject inside", "inside, less the average's share"}


def test_bars_of_streams(capsys: pytest.CaptureFixture[str]) -> None:
    stage: Row = {"chain": "stage", "method": "operator", "lookahead_s": 0.0, "aspect": "1:1"}
    file: Row = {"chain": "file", "method": "operator", "fps": 41.0, "detector": "d", "every": "1"}
    found = bars([{**stage, "stage_ms": 0.4}, {**stage, "stage_ms": 0.6}, file,
                  {**file, "chain": "live", "fps": 29.0, "drop_ratio": 0.03}])  # fmt: skip
    assert [(bar.value, bar.holds) for bar in found[:2]] == [(0.6, False), (41.0, True)]
    assert not any(bar.holds for bar in found[2:])
    assert bars([]) == []
    assert not capsys.readouterr().err
