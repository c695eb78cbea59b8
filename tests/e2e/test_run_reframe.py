"""`livelens run --reframe`, as a user types it: a person walks, the picture follows."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.audio.stream import AudioStream

from livelens.models import zoo

pytestmark = pytest.mark.e2e

WIDTH, HEIGHT, FPS, FRAMES = 640, 360, 25, 60
# Where the person stands in the clip's picture 120, and how far he is moved for each picture.
PERSON = slice(345, 490)
FROM_X, STEP_PX = 40, 6
PERSON_PX = PERSON.stop - PERSON.start

Box = tuple[float, float, float, float]


def livelens(*words: str | Path, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "livelens", "run", *map(str, words)],
        capture_output=True, encoding="utf-8", timeout=timeout_s, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person goes from left to right, with a tone."""
    with av.open(str(zoo.clip("bikes"))) as bikes:
        picture = next(f for n, f in enumerate(bikes.decode(video=0)) if n == 120)
    person = picture.to_ndarray(format="bgr24")[:, PERSON]
    street = cv2.resize(cv2.GaussianBlur(person, (0, 0), 25), (WIDTH, HEIGHT))
    path = tmp_path_factory.mktemp("clips") / "walk.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        assert isinstance(sound, AudioStream)
        for n in range(FRAMES):
            image = np.array(street, np.uint8)
            left = FROM_X + STEP_PX * n
            image[HEIGHT - person.shape[0] :, left : left + PERSON_PX] = person
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        out.mux(video.encode())
        for n in range(FRAMES * 48_000 // FPS // 1024):
            times = np.arange(1024 * n, 1024 * (n + 1)) / 48_000
            tone = np.sin(2 * np.pi * 440 * times, dtype=np.float32)[None]
            frame = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            frame.rate, frame.pts, frame.time_base = 48_000, 1024 * n, Fraction(1, 48_000)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def pictures(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


def boxes(path: Path) -> list[Box]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(FRAMES))
    return [tuple(line["viewports"]["reframe"]["box"]) for line in lines]


def inside(box: Box, n: int) -> bool:
    """Whether the person's middle two thirds are in the shot: his box is wider than he is."""
    left = FROM_X + STEP_PX * n
    return box[0] <= left + PERSON_PX / 6 and box[2] >= left + PERSON_PX * 5 / 6


def assert_shows(film: Path, source: Path, shown: list[Box]) -> None:
    """Each picture of the film is the part of the source's that was told."""
    for picture, whole, box in zip(pictures(film), pictures(source), shown, strict=True):
        height, width = picture.shape[:2]
        left, top, right, bottom = (round(edge) for edge in box)
        cut = cv2.resize(whole[top:bottom, left:right], (width, height))
        blurred = [cv2.GaussianBlur(each, (0, 0), 3).astype(int) for each in (picture, cut)]
        assert np.abs(blurred[0] - blurred[1]).mean() < 6


@pytest.mark.parametrize("passes", [None, 1])
def test_the_picture_follows(clip: Path, tmp_path: Path, passes: int | None) -> None:
    film, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    more = [] if passes is None else ["--passes", str(passes)]
    done = livelens(clip, "--reframe", "9:16", "--output", film, "--results", results, *more)
    assert done.returncode == 0, done.stderr
    shown = boxes(results)
    assert all(0 <= b[0] < b[2] <= WIDTH and 0 <= b[1] < b[3] <= HEIGHT for b in shown)
    assert all(abs((b[2] - b[0]) / (b[3] - b[1]) - 9 / 16) < 0.01 for b in shown)
    assert sum(inside(box, n) for n, box in enumerate(shown)) >= FRAMES * 0.98
    assert_shows(film, clip, shown)
    with av.open(str(film)) as made:
        video, sound = made.streams.video[0], made.streams.audio[0]
        assert (video.width, video.height) == (202, 360)
        assert sound.codec_context.name == "aac"
        for stream in (video, sound):
            assert stream.duration is not None
            assert stream.time_base is not None
            assert float(stream.duration * stream.time_base) == pytest.approx(2.4, abs=0.1)
    said = done.stderr.splitlines()
    assert [line.partition(" frames in ")[0] for line in said if " frames in " in line] == (
        [f"looking: {FRAMES}", f"showing: {FRAMES}"] if passes is None else [str(FRAMES)]
    )


def test_whoever_edits_the_results_edits_the_film(clip: Path, tmp_path: Path) -> None:
    results, film = tmp_path / "path.jsonl", tmp_path / "out.mp4"
    done = livelens(clip, "--reframe", "1:1", "--detect", "face-blaze", "--results", results)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    for n, line in enumerate(lines):
        line["viewports"]["reframe"] |= {"box": [n, 20, n + 300, 320]}
    results.write_text("\n".join(map(json.dumps, lines)))
    done = livelens(clip, "--viewports", results, "--output", film)
    assert done.returncode == 0, done.stderr
    assert_shows(film, clip, boxes(results))
    lines[9]["viewports"]["reframe"]["box"] = [500, 0, 860, 360]
    results.write_text("\n".join(map(json.dumps, lines)))
    done = livelens(clip, "--viewports", results, "--output", film)
    assert done.returncode != 0
    assert f"{results}:10: the box [500.0, 0.0, 860.0, 360.0] is not inside" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("text.mp4", b"no film" * 500, "not a video"), ("none.mp4", None, "No such file")],
)
def test_what_is_no_film_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    source, film = tmp_path / name, tmp_path / "out.mp4"
    if content is not None:
        source.write_bytes(content)
    done = livelens(source, "--reframe", "9:16", "--output", film)
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(f"livelens: {source}: ")
    assert said in line
    assert not film.exists()
