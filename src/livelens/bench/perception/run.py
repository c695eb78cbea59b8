"""Runs the tasks one after another: what one of them lacks costs the others nothing.

A task is a module of this package with `measure(data) -> Iterator[Row]` and `BARS`, see
`Task`. It measures through the doors that users have, on folders of the layout that
`docs/benchmarks.md` describes, and raises `CannotMeasure` where its data is not there.
"""

import importlib
import importlib.util
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from livelens.bench.report import Bar, CannotMeasure, Json, Report, note
from livelens.bench.stats import Row
from livelens.errors import LivelensError, one_line

COLUMNS = ("task", "dataset", "model", "metric", "value", "n")

Promise = tuple[str, float, Literal["lower", "higher"]]


class Task(Protocol):
    """What a task's module holds.

    Attributes:
        BARS: "task/dataset/metric" of a row, the limit, and on which side of it is better.
    """

    BARS: tuple[Promise, ...]

    def measure(self, data: Path) -> Iterator[Row]:
        """Rows of `task`, `dataset`, `metric`, `value` and `n`, the number of cases behind it.

        Raises:
            CannotMeasure: the data is missing; the message says which.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """A task's place in the order.

    Attributes:
        name: of the module in this package, and for `--only`.
        long: goes through whole videos, which `--quick` leaves out.
    """

    name: str
    long: bool = False


TASKS = (
    Entry("coco"),
    Entry("tracking", long=True),
    Entry("face"),
    Entry("gender_age"),
    Entry("head_pose"),
    Entry("identity"),
    Entry("glasses"),
    Entry("clothing"),
    Entry("flux", long=True),
)

# What a folder of data consists of; docs/benchmarks.md shows what is in each.
FOLDERS = ("coco", "faces", "tracking", "video")


def run(data: Path, *, only: Sequence[str] = (), quick: bool = False) -> Report:
    """Measure.

    Args:
        data: a folder of pictures and videos with their ground truth.
        only: names of tasks; empty takes all.
        quick: without the tasks that go through whole videos, unless they are named.

    Raises:
        CannotMeasure: there is no such folder or task, or nothing could be measured.
    """
    if not data.is_dir():
        raise CannotMeasure(f"no folder {data}")
    known = [entry.name for entry in TASKS]
    for name in only:
        if name not in known:
            raise CannotMeasure(f"there is no task {name!r} ({', '.join(known)})")
    if not only and not any((data / folder).is_dir() for folder in FOLDERS):
        # Some tasks would do with pictures of packages; who names a folder means his own.
        raise CannotMeasure(f"nothing to measure in {data}: no {'/, '.join(FOLDERS)}/ in it")
    chosen = [entry for entry in TASKS if entry.name in only or not only]
    report = Report("perception", {})
    missed: list[str] = []
    for number, entry in enumerate(chosen, 1):
        if quick and entry.long and not only:
            note(f"{entry.name}: left out, it goes through whole videos")
            missed.append(entry.name)
            continue
        note(f"{number}/{len(chosen)} {entry.name}")
        if not _measured(entry.name, data, report):
            missed.append(entry.name)
    measured: list[Json] = [entry.name for entry in chosen if entry.name not in missed]
    report.settings = {"tasks": measured, "not_measured": list(missed), "quick": quick}
    if not report.rows:
        raise CannotMeasure("no task could be measured")
    return report


def _measured(name: str, data: Path, report: Report) -> bool:
    """Add a task's rows and bars; False, with a line, where it could not be measured whole."""
    began_s = time.monotonic()
    rows: list[Row] = []
    promises: tuple[Promise, ...] = ()
    whole = False
    try:
        task = task_named(name)
        promises = task.BARS
        for row in task.measure(data):
            rows.append(checked(row))
        whole = True
    except LivelensError as error:  # CannotMeasure among them
        note(f"{name}: not measured: {error}")
    except Exception as error:  # noqa: BLE001 - one task's mistake costs no other its figures
        note(f"{name}: not measured: {one_line(error)}")
    report.rows += rows
    report.bars += held(promises, rows, say_missing=whole)
    if whole:
        note(f"{name}: {len(rows)} figures in {time.monotonic() - began_s:.0f} s")
    return whole


def task_named(name: str) -> Task:
    """The module of a task.

    Raises:
        CannotMeasure: this installation has none.
    """
    module = f"{__package__}.{name}"
    if importlib.util.find_spec(module) is None:
        raise CannotMeasure("this version of Livelens does not measure it")
    return cast(Task, importlib.import_module(module))


def checked(row: Row) -> Row:
    """The row, if it is one.

    Raises:
        ValueError: a column is missing, or the value is no finite number.
    """
    for column in ("task", "dataset", "metric"):
        if not isinstance(row.get(column), str):
            raise ValueError(f"a row without {column!r}: {row}")  # noqa: TRY004 - of our own making
    value, n = row.get("value"), row.get("n")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"the value of {key_of(row)} is {value!r}")
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ValueError(f"{key_of(row)} does not say of how many cases")
    return {**row, "value": round(value, 4)}


def key_of(row: Row) -> str:
    """What bars call a row."""
    return f"{row['task']}/{row['dataset']}/{row['metric']}"


def held(promises: Sequence[Promise], rows: Sequence[Row], *, say_missing: bool) -> list[Bar]:
    """The bars that these rows answer; of rows alike but for their model, the first one does."""
    bars = []
    for key, limit, better in promises:
        values = [row["value"] for row in rows if key_of(row) == key]
        if values:
            bars.append(Bar(key, cast(float, values[0]), limit, better))
        elif say_missing:
            note(f"no bar {key}: it was not measured")
    return bars
