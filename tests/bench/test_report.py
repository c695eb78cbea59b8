"""The one JSON shape and the table."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from livelens.bench.report import Bar, CannotMeasure, Report, publish, table_of


def report() -> Report:
    made = Report("latency", {"fps": 30, "size_px": [1280, 720]})
    made.rows = [
        {"system": "a", "p50_ms": 12.5, "p50_ms_min": 10.0, "p50_ms_max": 15.0, "odd": None},
        {"system": "b", "p50_ms": None},
    ]
    made.bars = [Bar("p50", 12.5, 20, "lower"), Bar("fps", 28, 29, "higher")]
    return made


def test_the_json_has_the_one_shape(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    publish(report(), ("system", "p50_ms"), str(path))
    told = json.loads(path.read_text())
    assert list(told) == [
        "bench",
        "version",
        "commit",
        "started",
        "machine",
        "settings",
        "rows",
        "bars",
    ]
    assert {"cpu", "cores", "memory_gib", "gpu", "runtime"} <= set(told["machine"])
    assert told["rows"][0]["p50_ms"] == 12.5
    assert told["bars"] == [
        {"name": "p50", "value": 12.5, "limit": 20, "better": "lower", "holds": True},
        {"name": "fps", "value": 28, "limit": 29, "better": "higher", "holds": False},
    ]
    assert told["started"].endswith("Z")


def test_a_dash_leaves_standard_output_to_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    publish(report(), ("system", "p50_ms"), "-")
    out, err = capsys.readouterr()
    assert json.loads(out)["bench"] == "latency"
    assert "p50_ms" in err


def test_the_table_shows_the_spread_and_no_empty_column() -> None:
    text = StringIO()
    Console(file=text, width=120).print(table_of(report(), ("system", "p50_ms", "odd")))
    assert "12.5 (10–15)" in text.getvalue()
    assert "odd" not in text.getvalue()


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"cannot write .*No such file"):
        publish(report(), ("system",), str(tmp_path / "no" / "out.json"))
