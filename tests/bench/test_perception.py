"""The perception bench: tasks that fail, lack data or are not there cost the others nothing."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from livelens.bench import report
from livelens.bench.perception import run as bench
from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row


def row(task: str, metric: str, value: float, **more: str | int) -> Row:
    return {"task": task, "dataset": "some", "metric": metric, "value": value, "n": 3, **more}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that looks like one of data."""
    (tmp_path / "faces").mkdir()
    return tmp_path


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(bench, "note", said.append)
    return said


def install(monkeypatch: pytest.MonkeyPatch, name: str, rows: Iterator[Row], *bars: object) -> None:
    module = ModuleType(f"{bench.__package__}.{name}")
    module.__dict__.update(measure=lambda data: rows, BARS=bars)
    module.__spec__ = sys.modules[bench.__name__].__spec__
    monkeypatch.setitem(sys.modules, module.__name__, module)


def broken(*rows: Row, error: Exception) -> Iterator[Row]:
    yield from rows
    raise error


def test_what_fails_is_said_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, data: Path, lines: list[str]
) -> None:
    good = row("face", "recall", 0.97)
    install(monkeypatch, "coco", broken(error=CannotMeasure("no folder coco/")))
    install(
        monkeypatch,
        "face",
        iter([good, row("face", "recall", 0.5, model="other"), row("face", "false", 2)]),
        ("face/some/recall", 0.95, "higher"),
        ("face/some/false", 1, "lower"),
        ("face/some/missing", 1, "lower"),
    )
    half = row("glasses", "half", 0.5)
    install(monkeypatch, "glasses", broken(half, error=ZeroDivisionError("by zero\nand more")))
    monkeypatch.setattr(
        bench, "TASKS", tuple(bench.Entry(n) for n in ("coco", "face", "glasses", "none_such"))
    )
    done = bench.run(data)
    assert done.rows[0] == good
    assert done.rows[-1] == half
    assert [(bar.name, bar.value, bar.holds) for bar in done.bars] == [
        ("face/some/recall", 0.97, True),
        ("face/some/false", 2, False),
    ]
    assert done.settings["tasks"] == ["face"]
    assert done.settings["not_measured"] == ["coco", "glasses", "none_such"]
    assert "coco: not measured: no folder coco/" in lines
    assert "no bar face/some/missing: it was not measured" in lines
    assert any(line.startswith("glasses: not measured: ZeroDivisionError: by") for line in lines)
    assert any(line.startswith("none_such: not measured: this version") for line in lines)
    assert not any("\n" in line for line in lines)
    shown = report.table_of(done, bench.COLUMNS)
    assert [str(column.header) for column in shown.columns] == list(bench.COLUMNS)


def test_only_and_quick_choose_tasks(
    monkeypatch: pytest.MonkeyPatch, data: Path, lines: list[str]
) -> None:
    for name in ("face", "flux"):
        install(monkeypatch, name, iter([row(name, "a", 1), row(name, "b", 2)]))
    entries = (bench.Entry("face"), bench.Entry("flux", long=True))
    monkeypatch.setattr(bench, "TASKS", entries)
    assert bench.run(data, quick=True).settings["tasks"] == ["face"]
    assert bench.run(data, quick=True, only=["flux"]).settings["tasks"] == ["flux"]
    with pytest.raises(CannotMeasure, match=r"no task 'fluxx' \(face, flux\)"):
        bench.run(data, only=["fluxx"])
    with pytest.raises(CannotMeasure, match="no folder"):
        bench.run(data / "none")


def test_a_folder_without_data_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: list[str]
) -> None:
    install(monkeypatch, "identity", iter([row("identity", "eer", 0.01)]))
    monkeypatch.setattr(bench, "TASKS", (bench.Entry("identity"),))
    with pytest.raises(CannotMeasure, match=r"no coco/, faces/, tracking/, video/ in it$"):
        bench.run(tmp_path)
    assert lines == []
    assert bench.run(tmp_path, only=["identity"]).rows


def test_a_run_without_any_figure_is_no_run(
    monkeypatch: pytest.MonkeyPatch, data: Path, lines: list[str]
) -> None:
    monkeypatch.setattr(bench, "TASKS", (bench.Entry("none_such"),))
    with pytest.raises(CannotMeasure, match="no task could be measured"):
        bench.run(data)


@pytest.mark.parametrize(
    "bad",
    [
        {"dataset": "some", "metric": "a", "value": 1.0, "n": 1},
        {**row("face", "a", 1.0), "value": "high"},
        {**row("face", "a", 1.0), "value": float("nan")},
        {**row("face", "a", 1.0), "value": True},
        {**row("face", "a", 1.0), "n": None},
    ],
)
def test_rows_that_say_nothing_are_refused(bad: Row) -> None:
    with pytest.raises(ValueError):
        bench.checked(bad)


@pytest.mark.parametrize("name", [entry.name for entry in bench.TASKS])
def test_a_task_keeps_the_contract(name: str) -> None:
    try:
        task = bench.task_named(name)
    except CannotMeasure:
        pytest.skip("not in this version")
    assert callable(task.measure)
    for key, limit, better in task.BARS:
        assert len(key.split("/")) >= 3, key
        assert re.fullmatch(r"[a-z0-9_]+", key.rpartition("/")[2]), key
        assert isinstance(limit, int | float)
        assert better in ("lower", "higher")
