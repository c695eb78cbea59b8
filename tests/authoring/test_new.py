"""A new plug-in works as it is written: it lints, its tests pass, it runs once installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from livelens.authoring.new import Kind, create
from livelens.errors import ConfigError, Conflict, DownloadError
from livelens.models import zoo
from livelens.sinks.record import Record
from livelens.sources.file import File
from livelens.types import Frame, Item

KINDS: tuple[Kind, ...] = ("descriptor", "detector", "stage")
FRAMES = 50
LONGEST = "abcdefgh-bcdefghi-cdefghij-defgh"
RULES = "E,F,W,I,UP,B,C4,SIM,RUF,N,PL,RET,PT"


def done(*command: str, cwd: Path, path: Path | None = None) -> str:
    """What a command printed; it must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x", "hat-colour", "lorry_2", LONGEST])
def test_the_package_is_named_throughout_and_lints(kind: Kind, name: str, tmp_path: Path) -> None:
    folder = create(kind, name, tmp_path / "new")
    module = name.replace("-", "_")
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert {"pyproject.toml", "README.md", "config.yaml", f"tests/test_{module}.py"} <= files
    assert f"src/{module}/__init__.py" in files
    written = "".join(p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()) + " ".join(
        files
    )
    assert "blank" not in written.lower()
    done("ruff", "check", "--isolated", "--line-length=100", f"--select={RULES}",
         "--ignore=PLR2004,PLC0415", "--config=src=['src']", ".", cwd=folder)  # fmt: skip
    done("ruff", "format", "--check", ".", cwd=folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the sample clip: a man walks by."""
    try:
        zoo.pull("coco-ssd")
        source = File(path=str(zoo.clip("bikes"))).open()
    except DownloadError as error:
        pytest.skip(str(error))
    file = tmp_path_factory.mktemp("clip") / "short.mp4"
    recording = Record(path=str(file)).open("clip")
    for n, captured in enumerate(source.frames()):
        if n == FRAMES:
            break
        recording.put(Item(Frame("clip", n, n * 40_000_000, 0, captured.picture)))
    recording.close()
    source.close()
    return file


@pytest.mark.e2e
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_installed_tested_and_run_without_an_edit(
    kind: Kind, clip: Path, tmp_path: Path
) -> None:
    folder, site = create(kind, f"first-{kind}", tmp_path), tmp_path / "site"
    done("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--target", str(site), ".", cwd=folder)  # fmt: skip
    told = done("pytest", "-p", "no:cacheprovider", cwd=folder, path=site)
    assert "3 passed" in told
    assert "skipped" not in told
    results = tmp_path / "out.jsonl"
    done("livelens", "run", str(clip), "--pipeline", "config.yaml", "--results", str(results), "-q",
         cwd=folder, path=site)  # fmt: skip
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    frames = [line for line in lines if line["type"] == "result"]
    assert len(frames) == FRAMES
    objects = [each for frame in frames for each in frame["objects"]]
    if kind == "descriptor":
        known = {o["attributes"]["first_descriptor"]["value"] for o in objects if "attributes" in o}
        assert known <= {"light", "dark"}
        assert known
    elif kind == "detector":
        assert {each["class_name"] for each in objects} == {"first_detector"}
    else:
        counts = [frame["extra"]["first_stage"] for frame in frames]
        assert any("person" in each for each in counts)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("9lives", ConfigError, "cannot name a plug-in"),
        ("Hat", ConfigError, "cannot name a plug-in"),
        ("a--b", ConfigError, "cannot name a plug-in"),
        ("../up", ConfigError, "cannot name a plug-in"),
        ("", ConfigError, "cannot name a plug-in"),
        (LONGEST + "x", ConfigError, "32 at most"),
        ("class", ConfigError, "means something else"),
        ("reading", ConfigError, "means something else"),
        ("track", Conflict, "is a stage already"),
        ("json", Conflict, "a module of Python already"),
        ("numpy", Conflict, "a module of numpy already"),
    ],
)
def test_names_that_would_not_work_are_refused_in_one_line(
    name: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said) as caught:
        create("descriptor", name, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        create("stage", "mine", tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        create("stage", "mine", tmp_path / "file")
