"""Rows of the framing bench: one for each subject and method, then what they say together."""

import statistics
from collections.abc import Iterable, Sequence

from livelens.bench.framing import metrics
from livelens.bench.framing.cameras import Took
from livelens.bench.framing.subjects import Subject
from livelens.bench.stats import Row, Value

# What people are shown; the JSON has more.
COLUMNS = (
    "clip",
    "aspect",
    "boxes",
    "method",
    "lookahead_s",
    "subject",
    "inside",
    "centre_error",
    "jerk",
    "accel",
    "still",
    "cuts",
    "jerk_ratio",
    "error_ratio",
    "optimum_gap",
    "stage_ms",
    "delay_ms",
    "fps",
    "drop_ratio",
)
# What is one case, whoever is the subject.
CASE = ("clip", "aspect", "boxes", "method", "lookahead_s")
MEDIAN, WORST = "median", "worst"
# Of each measure, which end is the bad one.
_BAD = {
    "inside": min,
    "centre_error": max,
    "jerk": max,
    "accel": max,
    "still": min,
    "cuts": max,
    "jerk_ratio": max,
    "error_ratio": max,
    "inside_gain": min,
    "optimum_gap": max,
    "camera_ms": max,
    "cost": max,
}
# The promise of jerk, and what is no jerk at all: rounding, in widths per second³.
JERK_LIMIT = 0.1
_NO_JERK = 1e-3


def row(
    subject: Subject,
    took: Took,
    *,
    aspect: str,
    boxes: str,
    method: str,
    lookahead_s: float | None,
    cost: float | None = None,
) -> Row:
    """What a camera did with one subject, held against where that really was."""
    path = took.path
    return {
        "clip": subject.clip,
        "aspect": aspect,
        "boxes": boxes,
        "method": method,
        "lookahead_s": lookahead_s,
        "subject": subject.name,
        "frames": len(subject.frames),
        "inside": _rounded(metrics.inside(path, subject.truth), 4),
        "centre_error": _rounded(metrics.centre_error(path, subject.truth), 4),
        "jerk": _rounded(metrics.rms(path, 3), 4),
        "accel": _rounded(metrics.rms(path, 2), 4),
        "still": _rounded(metrics.still(path), 4),
        "cuts": metrics.cuts(path),
        "cost": _rounded(cost, 5),
        "camera_ms": _rounded(took.camera_ms, 4),
    }


def compare(rows: Iterable[Row]) -> None:
    """Add to rows of one subject what they are against its average, and its optimum.

    `jerk_ratio` is missing where the average does not move at all; `jerk_held` tells whether
    the jerk is within the promise then too.
    """
    rows = list(rows)
    average = next((each for each in rows if each["method"] == "ema"), None)
    optimum = next((each for each in rows if each["method"] == "optimum"), None)
    for each in rows:
        if average is not None and each is not average:
            jerk, base = _number(each["jerk"]), _number(average["jerk"])
            if jerk is not None and base is not None:
                each["jerk_ratio"] = _rounded(jerk / base, 4) if base > _NO_JERK else None
                each["jerk_held"] = float(jerk <= JERK_LIMIT * base + _NO_JERK)
            error, base = _number(each["centre_error"]), _number(average["centre_error"])
            if error is not None and base:
                each["error_ratio"] = _rounded(error / base, 4)
            share, base = _number(each["inside"]), _number(average["inside"])
            if share is not None and base is not None:
                each["inside_gain"] = _rounded(share - base, 4)
        if optimum is not None and each is not optimum:
            cost, base = _number(each["cost"]), _number(optimum["cost"])
            if cost is not None and base:
                each["optimum_gap"] = _rounded(cost / base - 1, 4)


def together(rows: Sequence[Row]) -> list[Row]:
    """Of each case the median over its subjects, and the worst that any of them met.

    The worst of each column is that of whichever subject: the row is nobody's. `gap_of_all` is
    the gap of all subjects' costs together, in which those who hardly move, and whose optimum
    costs next to nothing, weigh little.
    """
    of_all = total_gaps(rows)
    cases: dict[tuple[Value, ...], list[Row]] = {}
    for each in rows:
        cases.setdefault(tuple(each[name] for name in CASE), []).append(each)
    found: list[Row] = []
    for case, members in cases.items():
        shared: Row = dict(zip(CASE, case, strict=True))
        middle: Row = {**shared, "subject": MEDIAN, "subjects": len(members)}
        worst: Row = {**shared, "subject": WORST, "subjects": len(members)}
        for name, bad in _BAD.items():
            values = [v for each in members if (v := _number(each.get(name))) is not None]
            if values:
                middle[name], worst[name] = _rounded(statistics.median(values), 4), bad(values)
        held = [v for each in members if (v := _number(each.get("jerk_held"))) is not None]
        if held:
            middle["jerk_held"] = _rounded(statistics.fmean(held), 4)
        if case in of_all:
            middle["gap_of_all"] = _rounded(of_all[case], 4)
        found += [middle, worst]
    return found


def total_gaps(rows: Sequence[Row]) -> dict[tuple[Value, ...], float]:
    """By case: cost of all subjects together over that of their optima, less 1."""
    best = {
        (each["clip"], each["aspect"], each["boxes"], each["subject"]): cost
        for each in rows
        if each["method"] == "optimum" and (cost := _number(each["cost"])) is not None
    }
    sums: dict[tuple[Value, ...], list[float]] = {}
    for each in rows:
        optimum = best.get((each["clip"], each["aspect"], each["boxes"], each["subject"]))
        cost = _number(each["cost"])
        if optimum is not None and cost is not None and each["method"] != "optimum":
            entry = sums.setdefault(tuple(each[name] for name in CASE), [0.0, 0.0])
            entry[0] += cost
            entry[1] += optimum
    return {case: cost / best - 1 for case, (cost, best) in sums.items() if best > 0}


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
