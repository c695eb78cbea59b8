"""`livelens run`, as a user types it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

pytestmark = pytest.mark.e2e

FRAMES = 45


def livelens(*words: str | Path, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "livelens", *map(str, words)],
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of a moving square, 320×240 at 15 fps."""
    path = tmp_path_factory.mktemp("clips") / "square.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for n in range(FRAMES):
            image = np.full((240, 320, 3), 40, np.uint8)
            image[100:140, 4 * n : 4 * n + 40] = (40, 200, 250)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        out.mux(stream.encode())
    return path


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("livelens: "), done.stderr
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in last


def test_a_file_becomes_a_film_and_a_result_for_every_frame(clip: Path, tmp_path: Path) -> None:
    film, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    done = livelens(
        "run", clip, "--detect", "coco-ssd", "--track", "bytetrack",
        "--output", film, "--results", results,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line["seq"] for line in lines(results)] == list(range(FRAMES))
    assert decoded(film) == FRAMES
    assert f"{FRAMES} frames" in done.stderr


def test_a_pipeline_file_does_the_same_as_options(clip: Path, tmp_path: Path) -> None:
    results = tmp_path / "out.jsonl"
    config = tmp_path / "pipeline.yaml"
    config.write_text("stages:\n  - {type: simulate, cost_ms: 1, name: work}\n")
    done = livelens("run", clip, "--pipeline", config, "--results", results)
    assert done.returncode == 0, done.stderr
    assert len(lines(results)) == FRAMES


def test_a_live_source_runs_until_it_is_stopped(tmp_path: Path) -> None:
    results, film = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    with subprocess.Popen(
        [
            sys.executable, "-m", "livelens", "run", "pattern://320x240@15",
            "--results", str(results), "--output", str(film), "--raw",
        ],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            _wait_for_lines(results, 5, process)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    seqs = [line["seq"] for line in lines(results)]
    assert len(seqs) >= 5
    assert seqs == sorted(seqs)  # type: ignore[type-var]
    assert decoded(film) >= 1


def test_work_on_a_file_that_is_stopped_ends_as_interrupted(tmp_path: Path, clip: Path) -> None:
    slow, results = tmp_path / "slow.yaml", tmp_path / "out.jsonl"
    slow.write_text("stages: [{type: simulate, cost_ms: 1000}]\n")
    with subprocess.Popen(
        [
            sys.executable, "-m", "livelens", "run", str(clip), "--pipeline", str(slow),
            "--results", str(results),
        ],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            _wait_for_lines(results, 1, process)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "stopped after" in errors


def test_why_a_live_source_does_not_come_is_said_while_it_is_waited_for() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "livelens", "run", "http://u:hunter2@127.0.0.1:1/x.mjpg", "--quiet"],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=15)
        finally:
            process.kill()
    assert line.startswith("livelens: source: http://u:***@127.0.0.1:1/x.mjpg: ")
    assert "trying again" in line


def _wait_for_lines(path: Path, count: int, process: subprocess.Popen[str]) -> None:
    done = subprocess.run(
        ["timeout", "30", "sh", "-c", f'until [ "$(wc -l < "{path}")" -ge {count} ]; do :; done'],
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"no results; exit status {process.poll()}"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"this is no film at all\n" * 100, "not a video"),
        ("missing.mp4", None, "No such file"),
    ],
)
def test_what_is_no_video_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert_one_line(livelens("run", path, "--results", tmp_path / "r.jsonl"), name, said)


def test_a_film_that_is_cut_off_gives_what_it_has_and_says_so(clip: Path, tmp_path: Path) -> None:
    whole, cut, results = tmp_path / "whole.mkv", tmp_path / "cut.mkv", tmp_path / "r.jsonl"
    with av.open(str(clip)) as source, av.open(str(whole), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert_one_line(livelens("run", cut, "--results", results), "cut.mkv")
    assert 0 < len(lines(results)) < FRAMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages: [{type: simulate, cots_ms: 1}]", "`cots_ms` - at $.stages[0]"),
        ("stages: [{type: simulate, cost_ms: soon}]", "at $.stages[0].cost_ms"),
        ("stages: [{type: track}]", "'track' needs detections"),
        ("stages: [", "pipeline.yaml:1"),
    ],
)
def test_a_config_mistake_names_its_place(clip: Path, tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "pipeline.yaml"
    config.write_text(text)
    done = livelens("run", clip, "--pipeline", config)
    assert_one_line(done, said)
    assert done.returncode == 2


def test_unknown_models_and_places_are_named(clip: Path, tmp_path: Path) -> None:
    assert_one_line(livelens("run", clip, "--detect", "yolo-99"), "yolo-99", "coco-ssd")
    nowhere = tmp_path / "none" / "out.mp4"
    assert_one_line(livelens("run", clip, "--output", nowhere), "none")


def test_a_full_disk_ends_the_run_with_its_reason(clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "pipeline.yaml"
    config.write_text("sinks: [{type: results, path: /dev/full, format: jsonl}]\n")
    assert_one_line(
        livelens("run", clip, "--pipeline", config), "/dev/full", "No space left on device"
    )


def test_the_film_that_is_read_is_not_written(clip: Path) -> None:
    before = clip.read_bytes()
    assert_one_line(livelens("run", clip, "--output", clip), str(clip), "cannot be written too")
    other = clip.with_name("hard.mp4")
    other.hardlink_to(clip)
    assert_one_line(livelens("run", clip, "--output", other), str(other), "cannot be written too")
    assert clip.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "name"), [("--output", "out.avi"), ("--results", "out.csv"), ("--results", "out")]
)
def test_a_form_that_is_not_written_is_refused(
    clip: Path, tmp_path: Path, option: str, name: str
) -> None:
    done = livelens("run", clip, option, tmp_path / name)
    assert_one_line(done, option, name)
    assert done.returncode == 2
    assert not (tmp_path / name).exists()


def test_results_go_to_standard_output(clip: Path) -> None:
    done = livelens("run", clip, "--results", "-", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == list(range(FRAMES))
