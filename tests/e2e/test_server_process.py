"""`livelens serve` as a process: what it prints, what it refuses, how it ends."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.server.running import until
from tests.server.viewer import client

pytestmark = pytest.mark.e2e

CONFIG = """
access: {trust_loopback: true}
server: {port: 0}
webrtc: {bind_hosts: [127.0.0.1]}
streams:
  pat: {source: {type: pattern, width_px: 192, height_px: 108}, stages: []}
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "livelens.server", *arguments]


@contextmanager
def serving(tmp_path: Path, config: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    file = tmp_path / "livelens.yaml"
    file.write_text(config)
    process = subprocess.Popen(
        command("--config", str(file), *arguments),
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("w"),
        text=True,
        encoding="utf-8",
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def address(process: subprocess.Popen[str]) -> str:
    """The address that it prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"(https?)://\S+:(\d+)/", line)
    assert found, line
    return f"{found[1]}://127.0.0.1:{found[2]}"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_when_asked_while_somebody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    with serving(tmp_path, CONFIG) as process:
        url = address(process)
        async with client(url, monkeypatch) as viewer:
            until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
            assert (await viewer.watch("/whep/pat", results=True)).status_code == 201
            await viewer.picture()
            process.send_signal(ending)
            await viewer.closed()
            process.wait(10)
        assert process.returncode in (-ending, 128 + ending, 0)
        assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ("server: {prot: 1}", "prot"),
        ("server: [", "livelens.yaml:1"),
        ("streams: {a: {source: {type: whip}, stages: [{type: track}]}}", "$.streams.a.stages[0]"),
        ("streams: {a: {source: {type: whip}, stages: [{type: nothing}]}}", "'nothing'"),
        ("server: {port: many}", "$.server.port"),
    ],
)
def test_a_mistake_in_the_configuration(tmp_path: Path, config: str, what: str) -> None:
    file = tmp_path / "livelens.yaml"
    file.write_text(config)
    done = subprocess.run(
        command("--config", str(file)), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert what in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("--port", port), capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port}" in done.stderr


def test_a_password_is_made_told_once_and_wanted(tmp_path: Path) -> None:
    http = httpx.Client(verify=False)  # the certificate is of its own making
    config = CONFIG.replace("true", "false")
    with serving(tmp_path, config, "--host", "0.0.0.0") as process:
        url = address(process)
        assert process.stdout is not None
        shown = re.search(r"Password: (\S+)", process.stdout.readline())
        assert shown
        password = shown[1]
        assert len(password) >= 16
        assert http.get(f"{url}/healthz").status_code == 200
        assert http.get(f"{url}/api/streams").status_code == 401
        assert http.get(f"{url}/").status_code == 200  # the page, which asks for the password
        assert http.post(f"{url}/api/session", json={"password": "wrong"}).status_code == 401
        signed_in = http.post(f"{url}/api/session", json={"password": password})
        assert signed_in.json()["admin"] is True
        assert "__Host-" in signed_in.headers["set-cookie"]
        assert "Secure" in signed_in.headers["set-cookie"]
        assert http.get(f"{url}/api/streams").status_code == 200
        for name in ("password", "secret"):
            kept = tmp_path / "config" / "livelens" / name
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            assert password not in kept.read_text()
        assert password not in (tmp_path / "log").read_text()
    with serving(tmp_path, config, "--host", "0.0.0.0") as process:
        url = address(process)
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        assert "livelens access password" in told
        assert password not in told
        # Sessions of before ended with the server, and it says so.
        assert http.get(f"{url}/api/session").json()["fault"] == "ended"
        assert http.post(f"{url}/api/session", json={"password": password}).status_code == 200
