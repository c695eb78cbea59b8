"""The example plug-ins are installed, tested and run as a reader would do it."""

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livelens.errors import DownloadError
from livelens.models import zoo

PLUGINS = Path(__file__).parents[1] / "examples" / "plugins"
EXAMPLES = sorted(PLUGINS.iterdir())
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them installed into a folder of their own."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([*command, *map(str, EXAMPLES)], check=True, timeout=100)
    return folder


@pytest.fixture(scope="module")
def clip() -> Path:
    try:
        for name in ("coco-ssd", "faces"):
            zoo.pull(name)
        return zoo.clip("bikes")
    except DownloadError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def command(site: Path) -> Command:
    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The example's service, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = PLUGINS / "http-label"
    arguments = ["uvicorn", "service:app", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen([sys.executable, "-m", *arguments], cwd=folder) as process:
        try:
            for _ in range(300):
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)  # another process: nothing tells us
            yield f"http://127.0.0.1:{port}/label"
        finally:
            process.terminate()


@pytest.fixture
def pipeline(example: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The example's pipeline; that of the HTTP service finds it where it is."""
    text = (example / "config.yaml").read_text("utf-8")
    if example.name == "http-label":
        url = request.getfixturevalue("service")
        assert "http://127.0.0.1:8099/label" in text
        text = text.replace("http://127.0.0.1:8099/label", url)
        text = text.replace("deadline_s: 0.5, timeout_s: 5", "deadline_s: 5, timeout_s: 60")
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_complete(example: Path) -> None:
    project = tomllib.loads((example / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == f"livelens-{example.name}"
    (code,) = example.glob("src/*/__init__.py")
    assert len(code.read_text("utf-8").splitlines()) < 100
    assert "pip install -e" in (example / "README.md").read_text("utf-8")


@pytest.mark.e2e
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_its_own_tests_pass(example: Path, command: Command) -> None:
    done = command("pytest", "-q", "-p", "no:cacheprovider", cwd=example)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.e2e
@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_keeps_its_contract_on_real_frames(
    example: Path, pipeline: Path, command: Command, tmp_path: Path
) -> None:
    arguments = ["livelens", "plugins", "test", str(example), "--config", str(pipeline), "--json"]
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = json.loads(done.stdout)["plugins"]
    assert all(report["installed"] for report in reports)
    kinds = ["descriptor", "model"] if example.name == "onnx-sharpness" else ["descriptor"]
    assert [report["kind"] for report in reports] == kinds
    (answers,) = [check for check in reports[0]["checks"] if check["name"] == "answers"]
    assert answers["status"] == "ok", answers


SENSIBLE: dict[str, Callable[[dict[str, object]], bool]] = {
    "dominant-colour": lambda told: told["colour"] in ("grey", "black", "white", "brown"),
    "onnx-sharpness": lambda told: isinstance(told["blurred"], bool) and 0 < told["sharpness"] < 1,  # type: ignore[operator]
    "http-label": lambda told: told["label"] in ("bright", "dark"),
}


@pytest.mark.e2e
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_its_pipeline_runs(
    example: Path, pipeline: Path, command: Command, clip: Path, tmp_path: Path
) -> None:
    results = tmp_path / "out.jsonl"
    arguments = ["run", str(clip), "--pipeline", str(pipeline), "--results", str(results), "-q"]
    done = command("livelens", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert sum(line["type"] == "result" for line in lines) == 250
    known = [
        {name: each["value"] for name, each in found["attributes"].items()}
        for line in lines
        for found in line.get("objects", ())
        if found.get("attributes")
    ]
    assert len(known) > 20
    sensible = sum(map(SENSIBLE[example.name], known))
    assert sensible > 0.6 * len(known), known[:5]
