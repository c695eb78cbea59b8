"""The examples are run as a reader would run them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from livelens.errors import DownloadError
from livelens.events import Result, decoded
from livelens.models import zoo
from livelens.sinks.record import Record
from livelens.types import Frame, Item

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = 25


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of a square that moves to the right over noise."""
    noise = np.random.default_rng(0).integers(0, 120, (240, 320, 3), np.uint8)
    recording = Record(path=str(tmp_path / "clip.mp4")).open("clip")
    for n in range(FRAMES):
        image = noise.copy()
        image[80:160, 40 + 5 * n : 120 + 5 * n] = 230
        recording.put(Item(Frame.of(image, seq=n, pts_ns=n * 40_000_000)))
    recording.close()
    return tmp_path / "clip.mp4"


@pytest.fixture(scope="module")
def model() -> None:
    """The detector of the examples, fetched once."""
    try:
        zoo.pull("coco-ssd")
    except DownloadError as error:
        pytest.skip(str(error))


def run(example: str, *arguments: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_to_run_it(example: Path) -> None:
    text = example.read_text()
    assert len(text.splitlines()) < 40
    assert f"python examples/{example.name}" in text


@pytest.mark.e2e
@pytest.mark.usefixtures("model")
def test_a_file_is_boxed_and_tracked(clip: Path) -> None:
    told = run("process_file.py", str(clip), folder=clip.parent)
    assert len(told) == FRAMES
    with av.open(str(clip.parent / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == FRAMES
    results = [decoded(line) for line in (clip.parent / "out.jsonl").read_text().splitlines()]
    assert [r.seq for r in results if isinstance(r, Result)] == list(range(FRAMES))


@pytest.mark.e2e
@pytest.mark.usefixtures("model")
def test_a_live_source_is_followed_until_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "live_results.py"), "pattern://320x240@10"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=60)
    assert first.split()[0].isdigit(), errors
    assert told.splitlines()[-1].startswith("dropped: {"), errors
    assert "Traceback" not in errors


@pytest.mark.e2e
def test_a_stage_of_ones_own(clip: Path) -> None:
    told = run("own_stage.py", str(clip), folder=clip.parent)
    assert [line.split()[0] for line in told] == [str(n) for n in range(FRAMES)]
    assert all(0.2 < float(line.split()[1]) < 0.6 for line in told)
