"""`livelens plugins` as an author calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from livelens.authoring.new import create
from livelens.errors import DownloadError
from livelens.models import zoo


def livelens(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "livelens", "plugins", *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def _models() -> None:
    try:
        for name in ("coco-ssd", "bikes"):
            zoo.pull(name)
    except DownloadError as error:
        pytest.skip(str(error))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return create("descriptor", "trial-hat", tmp_path)


def edit(package: Path, old: str, new: str) -> None:
    file = package / "src" / "trial_hat" / "__init__.py"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new))


DESCRIBE = "return [self._of(crop) for crop in crops]"


@pytest.mark.e2e
@pytest.mark.usefixtures("_models")
def test_a_package_that_is_not_installed_is_tested_from_its_folder(package: Path) -> None:
    done = livelens("test", str(package), "--json", cwd=package.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    (report,) = told["plugins"]
    assert told["passed"]
    assert (report["kind"], report["name"], report["installed"]) == (
        "descriptor",
        "trial-hat",
        False,
    )
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert status.keys() >= {"loads", "answers", "batch", "order", "threads", "time", "pipeline"}
    assert "fail" not in status.values()
    assert "skip" not in status.values()


@pytest.mark.e2e
@pytest.mark.usefixtures("_models")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (DESCRIBE, "raise OSError('no disk')", "OSError: no disk (trial-hat/src/trial_hat/"),
        (
            DESCRIBE,
            "import threading; threading.Event().wait()",
            "no answer within 0.5 s (trial-hat",
        ),
        ("import msgspec\n", "import no_such_thing\n", "No module named 'no_such_thing'"),
        ("class TrialHatWorker:", "class TrialHatWorker", "SyntaxError"),
        ("TrialHat(DescriptorSpec,", "TrialHat(object,", "TypeError"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_without_our_traceback(
    package: Path, old: str, new: str, said: str
) -> None:
    edit(package, old, new)
    done = livelens("test", str(package), "--timeout", "0.5", cwd=package.parent)
    assert done.returncode == 1
    assert said in done.stdout
    assert "✗" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.e2e
@pytest.mark.usefixtures("_models")
def test_its_settings_come_from_a_pipeline_and_its_time_may_be_bounded(package: Path) -> None:
    (package / "config.yaml").write_text("stages: [{type: trial-hat, threshold: 0.9}]")
    arguments = ("test", str(package), "--config", str(package / "config.yaml"), "--json")
    done = livelens(*arguments, "--max-ms", "0.001", cwd=package)
    (report,) = json.loads(done.stdout)["plugins"]
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["settings"]["detail"] == "threshold: 0.9"
    assert "more than 0.001 ms" in checks["time"]["detail"]
    assert [name for name, check in checks.items() if check["status"] == "fail"] == ["time"]
    assert done.returncode == 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("test", "nothing"), "no plug-in and no folder 'nothing'"),
        (("test", "."), "pyproject.toml: No such file"),
        (("test", "trial-hat", "--config", "none.yaml"), "none.yaml: No such file"),
        (("new", "descriptor", "9"), "cannot name a plug-in"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], said: str, package: Path
) -> None:
    done = livelens(*arguments, cwd=package.parent)
    assert done.returncode != 0
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.e2e
def test_the_list_names_what_is_built_in_and_what_breaks(tmp_path: Path) -> None:
    told = tmp_path / "broken-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[livelens.stages]\nbroken = no_such_thing:Stage\n")
    done = subprocess.run(
        [sys.executable, "-m", "livelens", "plugins", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=True,
    )
    entries = {(each["kind"], each["name"]): each for each in json.loads(done.stdout)}
    assert entries["stage", "detect"]["loads"]
    assert entries["stage", "detect"]["package"] == "livelens"
    assert entries["stage", "detect"]["about"].startswith("Finds objects.")
    assert not entries["stage", "broken"]["loads"]
    assert "No module named 'no_such_thing'" in entries["stage", "broken"]["about"]
