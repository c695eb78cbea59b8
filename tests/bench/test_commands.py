"""The benches themselves, as short as they can be, on the real server and browser."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

MAIN = "from livelens.cli import main; main()"


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "bench", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, **environment},
        check=False,
    )


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.e2e
def test_latency_is_measured_from_camera_to_page(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    short = ("--no-peers", "--seconds", "2", "--repeats", "1", "--cost", "20", "--soak", "0")
    done = bench("latency", *short, "--only", "livelens at 20", "--json", str(path))
    assert done.returncode == 0, done.stderr
    report = told(path)
    assert report["bench"] == "latency"
    [row] = report["rows"]
    assert row["system"] == "livelens"
    assert row["sent_px"] == "1280x720"
    # The picture went through the stage; nothing is said about how fast this machine is.
    assert row["p50_ms"] >= 20
    assert row["track_p50_ms"] >= 20
    assert row["fps"] > 0
    assert row["kbps_out"] > 0
    assert row["backward"] == 0
    assert [bar["name"] for bar in report["bars"]] == ["p50 at 20 ms"]
    assert "no bars against peers at 20 ms" in done.stderr


@pytest.mark.e2e
def test_a_bench_that_is_ended_leaves_nothing_behind() -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN, "bench", "viewers", "--plain", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    with running.stderr as lines:
        assert "1 plain viewers" in lines.readline()
        family = psutil.Process(running.pid).children(recursive=True)
        running.terminate()
        assert running.wait(30) == 143
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    assert f"llb{running.pid % 16000}" not in listed.stdout.split()


@pytest.mark.e2e
def test_viewers_are_counted_by_the_pictures_they_put_together(tmp_path: Path) -> None:
    path = tmp_path / "viewers.json"
    done = bench("viewers", "--plain", "3", "--seconds", "2", "--repeats", "1", "--json", str(path))
    assert done.returncode == 0, done.stderr
    [row] = told(path)["rows"]
    assert (row["client"], row["viewers"]) == ("plain", 3)
    assert row["min_fps"] > 0
    assert row["kbps"] > 0


@pytest.mark.e2e
def test_the_footprint_names_size_and_import_times(tmp_path: Path) -> None:
    path = tmp_path / "footprint.json"
    done = bench("footprint", "--repeats", "1", "--json", str(path))
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in told(path)["rows"]}
    assert rows["import livelens"]["import_ms"] > rows["python alone"]["import_ms"] > 0
    assert rows["default install"]["packages"] > 20
    assert rows["default install"]["size_mib"] > 50


def test_what_cannot_run_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    # Neither a browser nor the tools of namespaces are on this path.
    done = bench("latency", "--seconds", "1", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("cannot measure: ")
    assert "Traceback" not in done.stderr


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "psutil.py").write_text("raise ImportError('not installed')")
    done = bench("viewers", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "cannot measure: needs more packages: pip install 'livelens[bench]'"
    )


def test_a_clip_that_is_no_video_ends_with_status_2(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("no video")
    done = bench("throughput", "--quick", "--clip", str(clip))
    assert done.returncode == 2
    assert "clip.mp4" in done.stderr
    assert "Traceback" not in done.stderr


def test_perception_wants_a_folder_and_tasks_that_there_are(tmp_path: Path) -> None:
    missing = bench("perception", "--data", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert missing.stderr.strip() == f"cannot measure: no folder {tmp_path / 'none'}"
    unknown = bench("perception", "--data", str(tmp_path), "--only", "taste")
    assert unknown.returncode == 2
    assert "no task 'taste' (coco, " in unknown.stderr
    assert "Traceback" not in unknown.stderr


@pytest.mark.e2e
def test_a_model_alone_is_measured_on_each_runtime(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    done = bench("models", "--quick", "--model", "coco-ssd", "--json", str(path))
    assert done.returncode == 0, done.stderr
    report = told(path)
    assert {row["runtime"] for row in report["rows"]} == {"openvino", "onnxruntime"}
    assert all(row["p50_ms"] > 0 and row["system"] == "coco-ssd" for row in report["rows"])
    unknown = bench("models", "--model", "none-such")
    assert unknown.returncode == 2
    assert "no model 'none-such'" in unknown.stderr
