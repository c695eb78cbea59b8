"""The whole command on made-up data; the stage and the chain on a short clip."""

import json
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pytest
import supervision as sv
from typer.testing import CliRunner

from livelens.bench.cli import app
from livelens.bench.framing import chain, stage_time, wide

FRAMES = 40


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A bright box that walks through a dark picture."""
    folder = tmp_path / "data" / "framing" / "Walker"
    (folder / "img").mkdir(parents=True)
    lines = []
    for number in range(FRAMES):
        image = np.zeros((180, 320, 3), np.uint8)
        left = 40 + 4 * number
        cv2.rectangle(image, (left, 60), (left + 30, 160), (220, 220, 220), -1)
        cv2.imwrite(str(folder / "img" / f"{number:04d}.png"), image)
        lines.append(f"{left},60,30,100")
    (folder / "groundtruth_rect.txt").write_text("\n".join(lines))
    return tmp_path / "data"


def test_the_command_tells_rows_bars_and_plots(data: Path, tmp_path: Path) -> None:
    out, plots = tmp_path / "framing.json", tmp_path / "plots"
    arguments = ["framing", "--data", str(data), "--no-streams", "--no-detector"]
    done = CliRunner().invoke(app, [*arguments, "--json", str(out), "--plots", str(plots)])
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert told["bench"] == "framing"
    rows = [row for row in told["rows"] if row["subject"] == "Walker"]
    methods = {(row["method"], row["lookahead_s"]) for row in rows}
    assert methods == {
        ("ema", 0.0),
        ("one-euro", 0.0),
        *(("operator", ahead_s) for ahead_s in (0.0, 0.25, 0.5, 1.0)),
        ("optimum", None),
    }
    assert len(rows) == 2 * len(methods)
    assert all(0 <= row["inside"] <= 1 for row in rows)
    assert any(bar["name"].startswith("Walker, truth: RMS jerk") for bar in told["bars"])
    assert [file.name for file in plots.iterdir()] == ["framing-walker.svg"]


def test_nothing_to_measure_is_said_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["framing", "--data", str(tmp_path), "--no-streams"])
    assert done.exit_code == 2
    assert "cannot measure: there are neither subjects nor streams" in done.output
    occupied = tmp_path / "file"
    occupied.touch()
    done = CliRunner().invoke(app, ["framing", "--no-streams", "--plots", str(occupied / "in")])
    assert done.exit_code == 2
    assert f"cannot write to {occupied / 'in'}" in done.output


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the sample clip, enlarged."""
    file = tmp_path_factory.mktemp("wide") / "wide.mp4"
    wide.write(file, 60)
    return file


def test_the_stage_is_timed_on_pictures_of_720p(clip: Path) -> None:
    person = sv.Detections(
        xyxy=np.array([[500, 100, 700, 700]], np.float32),
        confidence=np.array([0.9], np.float32),
        class_id=np.array([0]),
        tracker_id=np.array([1]),
        data={"class_name": np.array(["person"])},
    )
    for ahead_s in (0.0, 0.5):
        row = stage_time.measure(clip, [person] * 30, "operator", ahead_s, "1:1")
        assert row["frames"] == 30 - 5 - 30 * ahead_s
        assert isinstance(row["stage_ms"], float)
        assert row["stage_ms"] > 0
    picture = wide.pictures(clip, 1)[0]
    assert (picture.width, picture.height) == wide.SIZE_PX


@pytest.mark.e2e
@pytest.mark.parametrize("how", ["file", "live"])
def test_a_whole_stream_is_written_in_the_shape_of_the_viewport(
    clip: Path, how: Literal["file", "live"]
) -> None:
    row = chain.measure(clip, how, "coco-ssd", 2, 1.0)
    assert isinstance(row["fps"], float)
    assert row["fps"] > 1
    assert ("drop_ratio" in row) == (how == "live")
    if how == "file":
        assert row["frames"] == 60
    with av.open(str(clip.with_name("framed.mp4"))) as written:
        stream = written.streams.video[0]
        assert abs(stream.width / stream.height - 9 / 16) < 0.01
    if how == "file":
        assert chain.recorded(clip.with_name("framed.mp4")) == 60
