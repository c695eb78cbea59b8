"""What every bench gives back: a table for people and one JSON object."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

import typer
from rich.console import Console
from rich.table import Table

from livelens.bench.stats import Row, Value
from livelens.errors import LivelensError

Json = str | int | float | bool | None | Sequence["Json"] | dict[str, "Json"]


class CannotMeasure(LivelensError):
    """The bench cannot run here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A promise held against what the same run measured.

    Attributes:
        name: what is promised.
        value: what was measured.
        limit: what was promised.
        better: whether the value must lie at or below the limit, or at or above.
    """

    name: str
    value: float
    limit: float
    better: Literal["lower", "higher"]

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.value <= self.limit if self.better == "lower" else self.value >= self.limit


@dataclass(slots=True)
class Report:
    """One run of one bench.

    Attributes:
        bench: its name.
        settings: sizes, rates, durations, repetitions: what makes two runs comparable.
        rows: one per measured case, the median of its repetitions.
        table: those of them that people are shown, where all are too many.
        bars: only those that could be measured.
        started: when the run began.
    """

    bench: str
    settings: Mapping[str, Json]
    rows: list[Row] = field(default_factory=list)
    table: list[Row] | None = None
    bars: list[Bar] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, Json]:
        """The JSON object of benchmarks: one shape for all."""
        return {
            "bench": self.bench,
            "version": metadata.version("livelens"),
            "commit": commit(),
            "started": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "machine": machine(),
            "settings": dict(self.settings),
            "rows": [dict(row) for row in self.rows],
            "bars": [
                {
                    "name": bar.name,
                    "value": round(bar.value, 4),
                    "limit": round(bar.limit, 4),
                    "better": bar.better,
                    "holds": bar.holds,
                }
                for bar in self.bars
            ],
        }


def note(line: str) -> None:
    """A line on standard error: what is skipped, and progress."""
    typer.echo(line, err=True)


def publish(report: Report, columns: Sequence[str], json_to: str | None) -> None:
    """Print the table and write the JSON, to a file or with `-` to standard output.

    Raises:
        CannotMeasure: the file cannot be written.
    """
    # With the JSON on standard output the table goes to the other one.
    console = Console(stderr=json_to == "-")
    if not console.is_terminal:
        console.width = 200  # a file or a pipe folds no lines
    console.print(table_of(report, columns))
    if report.bars:
        console.print(_bars_table(report))
    if json_to is None:
        return
    text = json.dumps(report.as_json(), indent=1, ensure_ascii=False)
    if json_to == "-":
        typer.echo(text)
        return
    try:
        Path(json_to).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotMeasure(f"cannot write {json_to}: {error.strerror}") from error


def table_of(report: Report, columns: Sequence[str]) -> Table:
    """The rows as a table; columns that no row fills are left out."""
    table = Table(title=f"livelens bench {report.bench}", title_justify="left")
    rows = report.rows if report.table is None else report.table
    shown = [name for name in columns if any(row.get(name) is not None for row in rows)]
    for name in shown:
        text = all(isinstance(row.get(name), str | None) for row in rows)
        table.add_column(name, justify="left" if text else "right")
    for row in rows:
        table.add_row(*(_shown(row, name) for name in shown))
    return table


def _bars_table(report: Report) -> Table:
    table = Table(title="bars", title_justify="left")
    for name in ("bar", "value", "limit", "holds"):
        table.add_column(name, justify="left" if name == "bar" else "right")
    for bar in report.bars:
        sign = "≤" if bar.better == "lower" else "≥"
        holds = "yes" if bar.holds else "NO"
        table.add_row(bar.name, _number(bar.value), f"{sign} {_number(bar.limit)}", holds)
    return table


def _shown(row: Row, name: str) -> str:
    value = row.get(name)
    text = _number(value)
    low, high = row.get(f"{name}_min"), row.get(f"{name}_max")
    if low is not None and high is not None and low != high:
        text += f" ({_number(low)}–{_number(high)})"
    return text


def _number(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def commit() -> str | None:
    """The commit of the source tree this package runs from; None outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        changed = subprocess.run(
            ["git", "-C", str(here), "status", "--porcelain", "--untracked-files=no", "--", "."],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def machine() -> dict[str, Json]:
    """What the figures were measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(pages / 2**30),
        "gpu": _gpu_name(),
        "os": platform.platform(terse=True),
        "python": platform.python_version(),
        "runtime": {
            name: version
            for name in ("openvino", "onnxruntime", "av", "aiortc", "numpy")
            if (version := _version(name)) is not None
        },
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _gpu_name() -> str | None:
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return listed.stdout.strip().splitlines()[0] if listed.stdout.strip() else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
