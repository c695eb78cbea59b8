"""A server that is killed while it records."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.recordings.test_recordings import pictures, results
from tests.server.running import until

pytestmark = pytest.mark.e2e

CONFIG = """
server: {{port: 0}}
access: {{trust_loopback: true}}
webrtc: {{bind_hosts: [127.0.0.1]}}
recordings: {{folder: {folder}}}
streams:
  pat: {{source: {{type: pattern, width_px: 320, height_px: 288}}, stages: [simulate]}}
"""


@contextmanager
def serving(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    file = tmp_path / "livelens.yaml"
    file.write_text(CONFIG.format(folder=tmp_path / "kept"))
    process = subprocess.Popen(
        [sys.executable, "-m", "livelens.server", "--config", str(file)],
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("a"),
        text=True,
        encoding="utf-8",
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        port = line.rstrip("/\n").rpartition(":")[2]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            until(lambda: http.get("/readyz").status_code == 200)
            yield process, http
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def begun(http: httpx.Client, least_s: float) -> str:
    info = http.post("/api/streams/pat/recordings").json()
    path = f"/api/recordings/{info['id']}"
    until(lambda: http.get(path).json()["duration_s"] >= least_s)
    return str(info["id"])


def test_killed_while_it_records(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, http):
        killed = begun(http, 2.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
    folder = tmp_path / "kept"
    (folder / f"{killed}.jsonl").open("a").write('{"type":"result","stream"')  # half a line

    with serving(tmp_path) as (_, http):
        info = http.get(f"/api/recordings/{killed}").json()
        assert (info["state"], info["end"]) == ("ended", "server")
        assert info["duration_s"] >= 1.5
        shown, told = played(http, tmp_path, info)
        assert len(shown) == info["frames"] >= 40
        first = shown[0][0]
        for number, time in shown:
            assert number - first == round(time * 30)
        assert told[0]["pts_ns"] >= info["first_pts_ns"] > 0
        assert len(told) == info["results"]
    assert "Traceback" not in (tmp_path / "log").read_text()


def played(http: httpx.Client, tmp_path: Path, info: dict[str, Any]) -> Any:
    base = f"/api/recordings/{info['id']}"
    (tmp_path / "got.mp4").write_bytes(http.get(f"{base}/video").content)
    return pictures(tmp_path / "got.mp4"), results(http.get(f"{base}/results").text)
