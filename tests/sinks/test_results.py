import csv
import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import supervision as sv

from livelens import plugins
from livelens.errors import ConfigError, SinkError
from livelens.events import Result, decoded
from livelens.sinks.results import Results
from livelens.types import Frame, Item, Viewport

IMAGE = np.zeros((120, 160, 3), np.uint8)
FORMS: tuple[Literal["jsonl", "mot"], ...] = ("jsonl", "mot")


def item(seq: int, ids: list[int] | None) -> Item:
    """Two people, side by side."""
    found = sv.Detections(
        xyxy=np.array([[10, 20, 40, 90], [60, 20, 90, 90]], dtype=np.float32),
        confidence=np.array([0.9, 0.5], dtype=np.float32),
        class_id=np.array([0, 0]),
        tracker_id=None if ids is None else np.array(ids),
        data={"class_name": np.array(["person", "person"])},
    )
    frame = Frame.of(IMAGE, stream_id="street", seq=seq, pts_ns=seq * 40_000_000)
    return Item(frame, detections=found)


def test_each_frame_is_a_line_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sink = Results(path=str(path)).open("street")
    sink.put(item(0, [1, -1]))
    assert len(path.read_text().splitlines()) == 1  # before the file is closed
    lost = {"detect/overrun": 3}
    sink.put(Item(Frame.of(IMAGE, stream_id="street", seq=4), dropped=lost))
    sink.close()
    first, second = map(decoded, path.read_text().splitlines())
    assert isinstance(first, Result)
    assert isinstance(second, Result)
    assert (first.stream, first.seq, second.seq) == ("street", 0, 4)
    assert [each.tracker_id for each in first.objects] == [1, None]
    assert first.objects[0].box == (10, 20, 40, 90)
    assert second.objects == []
    assert (first.dropped, second.dropped) == ({}, lost)


def test_mot_text_can_be_read_back_column_by_column(tmp_path: Path) -> None:
    sink = Results(path=str(tmp_path / "{stream}.txt"), format="mot").open("street")
    sink.put(item(0, [7, -1]))
    sink.put(item(2, [7, 8]))
    sink.close()
    rows = list(csv.reader((tmp_path / "street.txt").open()))
    assert rows[0] == ["1", "7", "10.00", "20.00", "30.00", "70.00", "0.9000", "1", "1"]
    assert [(row[0], row[1]) for row in rows] == [("1", "7"), ("3", "7"), ("3", "8")]


def test_viewports_are_in_the_lines_and_change_no_mot_text(tmp_path: Path) -> None:
    plain = item(0, [7, 8])
    at = Viewport(3.25, 0, 67.5, 120, 9 / 16, (67.5, 120), subjects=(7,), state="following")
    framed = plain.with_(viewports={"reframe": at})
    text = {}
    for name, one in (("plain", plain), ("framed", framed)):
        for form in FORMS:
            path = tmp_path / f"{name}.{form}"
            sink = Results(path=str(path), format=form).open("street")
            sink.put(one)
            sink.close()
            text[name, form] = path.read_text()
    told = json.loads(text["framed", "jsonl"])["viewports"]["reframe"]
    assert told["box"] == [3.25, 0, 70.75, 120]
    assert (told["state"], told["subjects"]) == ("following", [7])
    assert json.loads(text["plain", "jsonl"])["viewports"] == {}
    assert text["framed", "mot"] == text["plain", "mot"]


def test_mot_of_a_stream_without_a_tracker_is_a_detection_file(tmp_path: Path) -> None:
    sink = Results(path=str(tmp_path / "det.txt"), format="mot").open("street")
    sink.put(item(0, None))
    sink.close()
    rows = list(csv.reader((tmp_path / "det.txt").open()))
    assert [row[1] for row in rows] == ["-1", "-1"]


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Results(path="-").open("street")
    sink.put(item(3, None))
    sink.close()
    print("still open")
    line, last = capsys.readouterr().out.splitlines()
    assert json.loads(line)["seq"] == 3
    assert last == "still open"


def test_results_wait_for_the_analysis() -> None:
    assert Results(path="-").takes == "item"


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="there is no folder"):
        Results(path=str(tmp_path / "missing" / "out.jsonl")).open("street")


def test_a_full_disk_is_one_clear_line() -> None:
    sink = Results(path="/dev/full").open("street")
    with pytest.raises(SinkError, match="cannot write results to /dev/full: No space left"):
        sink.put(item(0, None))
    sink.close()  # told once is enough


def test_an_unknown_format_names_its_path() -> None:
    with pytest.raises(ConfigError, match=r"xml.* - at \$.format"):
        plugins.sink({"type": "results", "path": "out", "format": "xml"})
