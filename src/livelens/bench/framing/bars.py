"""The promises of framing, held against rows of the run."""

from collections.abc import Sequence
from itertools import pairwise

from livelens.bench.framing.rows import JERK_LIMIT, MEDIAN
from livelens.bench.report import Bar, note
from livelens.bench.stats import Row

INSIDE = 0.98
GAP_AT_1_S = 0.1
STAGE_MS = 0.5
FPS = 30.0


def bars(rows: Sequence[Row]) -> list[Bar]:
    """Those that these rows can answer.

    Of the two aspects always the worse one counts. The camera is the operator without
    look-ahead, but for the gap.
    """
    medians = [row for row in rows if row.get("subject") == MEDIAN and row["method"] == "operator"]
    found: list[Bar] = []
    for clip, boxes in dict.fromkeys((row["clip"], row["boxes"]) for row in medians):
        case = [row for row in medians if (row["clip"], row["boxes"]) == (clip, boxes)]
        at_once = [row for row in case if row["lookahead_s"] == 0]
        label = f"{clip}, {boxes}"
        found += _highest(
            at_once, "jerk_ratio", JERK_LIMIT, f"{label}: RMS jerk over the average's"
        )
        found += _lowest(at_once, "inside", INSIDE, f"{label}: subject inside")
        found += _lowest(at_once, "inside_gain", 0.0, f"{label}: inside, less the average's share")
        found += _highest(at_once, "error_ratio", 1.0, f"{label}: centre error over the average's")
        if boxes == "truth":
            found += _gaps(case, label)
    found += _chain(rows)
    return found


def _gaps(case: Sequence[Row], label: str) -> list[Bar]:
    """Falls with every step of look-ahead; small at one second."""
    by_aspect: dict[object, list[tuple[float, float]]] = {}
    for row in case:
        gap, ahead = row.get("optimum_gap"), row["lookahead_s"]
        if isinstance(gap, float) and isinstance(ahead, int | float):
            by_aspect.setdefault(row["aspect"], []).append((float(ahead), gap))
    ways = [sorted(way) for way in by_aspect.values()]
    rises = [after[1] - before[1] for way in ways for before, after in pairwise(way)]
    last = [gap for way in ways for ahead, gap in way if ahead == 1]
    if not rises or not last:
        note(f"no bars of the gap to the optimum for {label}: it was not measured")
        return []
    grows = f"{label}: most that the gap to the optimum grows with look-ahead"
    return [
        Bar(grows, max(rises), 0.0, "lower"),
        Bar(f"{label}: gap to the optimum at 1 s", max(last), GAP_AT_1_S, "lower"),
    ]


def _chain(rows: Sequence[Row]) -> list[Bar]:
    found: list[Bar] = []
    stages = [row for row in rows if row["method"] == "operator" and row.get("chain") == "stage"]
    found += _highest(stages, "stage_ms", STAGE_MS, "the stage, CPU ms a frame at 720p")
    for row in rows:
        how, fps, lost = row.get("chain"), row.get("fps"), row.get("drop_ratio")
        if how not in ("file", "live") or not isinstance(fps, float):
            continue
        label = f"720p to a framed file on two cores, {row['detector']}, every {row['every']}"
        if how == "file":
            found.append(Bar(f"{label}: fps", fps, FPS, "higher"))
        else:
            # As many as come, but for what the times of the first and the last one differ.
            found.append(Bar(f"{label}, live 30 fps: fps", fps, FPS - 0.1, "higher"))
            if isinstance(lost, float):
                found.append(Bar(f"{label}, live 30 fps: dropped", lost, 0.0, "lower"))
    return found


def _values(rows: Sequence[Row], name: str) -> list[float]:
    return [float(v) for row in rows if isinstance(v := row.get(name), int | float)]


def _highest(rows: Sequence[Row], name: str, limit: float, label: str) -> list[Bar]:
    values = _values(rows, name)
    return [Bar(label, max(values), limit, "lower")] if values else []


def _lowest(rows: Sequence[Row], name: str, limit: float, label: str) -> list[Bar]:
    values = _values(rows, name)
    return [Bar(label, min(values), limit, "higher")] if values else []
