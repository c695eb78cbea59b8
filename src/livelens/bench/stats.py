"""Pure numbers: percentiles, slopes, medians over repetitions."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

Value = str | int | float | bool | None
Row = dict[str, Value]


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile (0..100) by linear interpolation between closest ranks.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * q / 100
    low = math.floor(place)
    high = math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the least-squares line through (x, y) points; 0.0 for fewer than two x."""
    if len(points) < 2:
        return 0.0
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def robust_slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope through the medians of ten equal parts: a single hiccup does not tilt it."""
    if len(points) < 20:
        return slope(points)
    ordered = sorted(points)
    size = len(ordered) / 10
    parts = [ordered[round(i * size) : round((i + 1) * size)] for i in range(10)]
    return slope(
        [
            (statistics.fmean(x for x, _ in part), statistics.median(y for _, y in part))
            for part in parts
        ]
    )


def median_rows(
    rows: Iterable[Mapping[str, Value]], key: Sequence[str], spread_of: Sequence[str] = ()
) -> list[Row]:
    """Rows of the same key merged: medians of numbers, the first of everything else.

    Every merged row tells `repeats`, and for each column named in `spread_of` the
    lowest and highest repetition as `NAME_min` and `NAME_max`. Order of first appearance.
    """
    groups: dict[tuple[Value, ...], list[Mapping[str, Value]]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in key), []).append(row)
    merged = []
    for group in groups.values():
        result: Row = {}
        names = list(dict.fromkeys(name for row in group for name in row))
        for name in names:
            values = [row[name] for row in group if row.get(name) is not None]
            numbers = [
                float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)
            ]
            if name in key or not values or len(numbers) != len(values):
                result[name] = values[0] if values else None
                continue
            middle = statistics.median(numbers)
            whole = all(isinstance(v, int) for v in values)
            result[name] = int(middle) if whole and middle == int(middle) else round(middle, 4)
            if name in spread_of:
                result[f"{name}_min"] = round(min(numbers), 4)
                result[f"{name}_max"] = round(max(numbers), 4)
        result["repeats"] = len(group)
        merged.append(result)
    return merged
