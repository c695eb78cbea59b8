"""``livelens models`` through its own door."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from livelens.models import zoo
from livelens.models.cli import app
from livelens.models.fetch import Progress
from tests.models.graphs import constant_model

HEAD = np.zeros((6, 84), np.float32)


def test_list_names_licences_and_sizes(cache: Path) -> None:
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if line.startswith("coco-ssd"))
    assert "Apache-2.0" in line
    assert "16.9 MB" in line
    assert line.rstrip().endswith("no")
    assert "bikes" in result.stdout


def test_add_then_list_and_verify(cache: Path, tmp_path: Path) -> None:
    path = constant_model(tmp_path / "own.onnx", [HEAD])
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    options = ["--name", "mine", "--decoder", "ultralytics", "--labels", str(labels)]
    result = CliRunner().invoke(app, ["add", str(path), *options])
    assert result.exit_code == 0
    assert "mine: 64×64, 2 classes" in result.stdout
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"})
    line = next(line for line in result.stdout.splitlines() if line.startswith("mine"))
    assert "own file" in line
    assert line.rstrip().endswith("yes")
    result = CliRunner().invoke(app, ["verify"])
    # The network that tells glasses comes with Livelens.
    assert (result.exit_code, result.stdout) == (0, "glasses: ok\nmine: ok\n")
    path.write_bytes(b"")
    result = CliRunner().invoke(app, ["verify", "mine"])
    assert result.exit_code == 1
    assert "own.onnx has changed" in result.output


def test_pull_prints_where_each_file_is(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def pull(name: str, progress: Progress) -> Path:
        asked.append(name)
        for done in (0, 500_000, 2_000_000):
            progress(f"{name}: some-package 1.0", done, 2_000_000)
        return tmp_path / name

    monkeypatch.setattr(zoo, "pull", pull)
    result = CliRunner().invoke(app, ["pull", "face-blaze"])
    assert result.stdout == f"face-blaze: {tmp_path / 'face-blaze'}\n"
    assert result.stderr == "face-blaze: some-package 1.0: fetching 2.0 MB\n"
    CliRunner().invoke(app, ["pull"])
    assert asked[1:] == zoo.default_names()
