"""Whether a source can be used, while somebody still writes it."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.server.running import PATTERN, Running, running, until
from tests.sources.parts import write_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips").resolve()
    write_clip(folder / "street view.mp4", frames=20)
    (folder / "text.mp4").write_text("no video")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    config = {"streams": {"pattern": {"source": PATTERN, "stages": []}}}
    with running(config, allow=[f"file:{folder}/*", "127.0.0.1"]) as one:
        yield one


def checked(one: Running, source: Any, **more: Any) -> dict[str, Any]:
    response = one.http.post("/api/sources/check", json={"source": source, **more})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    assert "\n" not in told["message"]
    assert "hunter2" not in response.text
    return told


@pytest.mark.parametrize(
    ("source", "problem", "what"),
    [
        (None, "empty", "address"),
        ("", "empty", "address"),
        ("   ", "empty", "address"),
        (5, "empty", "address"),
        ("camera.local:8554/live", "no_scheme", "rtsp://"),
        ("rtsp:/camera.local/live", "no_scheme", "rtsp://"),
        ("rstp://camera.local/live", "unknown_scheme", "'rstp'"),
        ("javascript://alert(1)", "unknown_scheme", "'javascript'"),
        ("rtsp://", "invalid", "no host"),
        ("rtsp://admin:hunter2@", "invalid", "no host"),
        ("rtsp://camera:port/live", "invalid", "malformed"),
        ("pattern://12x12", "invalid", "64..7680"),
        ("x" * 5000, "invalid", "longer than"),
        ("rtsp://10.0.0.1/live", "not_allowed", "server.allow"),
        ("rtsp://admin:hunter2@192.168.7.9/live", "not_allowed", "server.allow"),
        ("http://[::1]:9/live", "not_allowed", "server.allow"),
        ("http://2130706434/", "not_allowed", "server.allow"),
        ("srt://127.0.0.1:9000", "not_allowed", "type:ffmpeg"),
        ("/etc/passwd", "not_allowed", "server.allow"),
        ("upload://nothing.mp4", "missing", "no upload 'nothing.mp4'"),
        ("upload://..%2Fsecret", "invalid", "no name of an upload"),
        ({"type": "upload", "name": "a.mp4", "folder": "/etc"}, "not_allowed", "folder"),
        ({"type": "pattern", "fsp": 5}, "invalid", "fsp"),
        ({"type": "magic"}, "invalid", "'magic'"),
        ({}, "invalid", "type"),
    ],
)
def test_what_is_wrong(server: Running, source: Any, problem: str, what: str) -> None:
    told = checked(server, source)
    assert not told["ok"]
    assert told["problem"] == problem, told
    assert what in told["message"]


@pytest.mark.parametrize(
    ("source", "kind", "suggested"),
    [
        ("pattern://640x360@30", "pattern", "pattern-2"),
        (PATTERN, "pattern", "pattern-2"),
        ("rtsp://admin:hunter2@gate.example.org/live/1", "url", "gate-1"),
        ("rtsp://203.0.113.9/", "not_allowed", ""),
        ("rtsp://8.8.8.8/live", "url", "camera-live"),
        ("https://www.example.org/a/clip.mp4?token=hunter2", "url", "example-clip"),
        ("whip://", "whip", "whip"),
    ],
)
def test_what_is_right(server: Running, source: Any, kind: str, suggested: str) -> None:
    told = checked(server, source)
    if kind == "not_allowed":
        assert told["problem"] == kind
        return
    assert told["ok"], told
    assert (told["type"], told["suggested_id"]) == (kind, suggested)
    assert told["problem"] is None


def test_nobody_is_asked_for_a_name_while_it_is_being_written(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    there = socket.getaddrinfo

    def resolving(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "camera.inside.example":
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 0))]
        return there(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    assert checked(server, "rtsp://camera.inside.example/live")["ok"]
    assert asked == []
    # Who has it tried is treated as who adds it.
    told = checked(server, "rtsp://camera.inside.example/live", probe=True)
    assert told["problem"] == "not_allowed"
    assert asked == ["camera.inside.example"]


def test_files_are_looked_for(server: Running, folder: Path) -> None:
    told = checked(server, str(folder / "street view.mp4"))
    assert told["ok"]
    assert told["suggested_id"] == "street-view"
    assert checked(server, str(folder / "none.mp4"))["problem"] == "missing"


def test_a_try_tells_what_is_seen(server: Running, folder: Path) -> None:
    seen = checked(server, str(folder / "street view.mp4"), probe=True)
    assert seen["ok"]
    assert seen["seen"]["codec"] == "h264"
    assert seen["seen"]["fps"] > 1
    width, height = seen["seen"]["size_px"]
    assert f"{width}×{height}" in seen["message"]
    pattern = checked(server, PATTERN, probe=True)["seen"]
    assert pattern["size_px"] == [192, 108]
    assert 10 < pattern["fps"] < 60
    broken = checked(server, str(folder / "text.mp4"), probe=True)
    assert broken["problem"] == "unreachable"
    assert "not a video" in broken["message"]


def test_a_silent_camera_is_given_up(server: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://admin:hunter2@127.0.0.1:{silent.getsockname()[1]}/live"
        told = checked(server, url, probe=True)
        assert told["problem"] == "unreachable"
        assert "no answer" in told["message"] or "no picture" in told["message"]
    closed = checked(server, url, probe=True)
    assert closed["problem"] == "unreachable"
    assert "refused" in closed["message"].lower()


def test_few_are_tried_at_once(server: Running) -> None:
    until(lambda: server.state.probes._running == 0)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(6) as pool:
        body = {"source": f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live", "probe": True}
        asked = [pool.submit(server.http.post, "/api/sources/check", json=body) for _ in range(6)]
        statuses = sorted(each.result().status_code for each in asked)
    assert statuses == [200, 200, 503, 503, 503, 503]
    until(lambda: server.state.probes._running == 0)


@pytest.mark.parametrize("body", [[], {"sorce": "x"}, {"source": "x", "probe": "yes"}])
def test_questions_that_cannot_be_answered(server: Running, body: Any) -> None:
    assert server.http.post("/api/sources/check", json=body).status_code == 400


def test_what_the_server_tells_of_itself(server: Running) -> None:
    told = server.http.get("/api/server").json()
    assert told["features"]["uploads"] is True
    assert told["features"]["publish"] is True
    assert told["features"]["tls"] is False
    assert told["limits"]["max_streams"] == 16
    assert 0 < told["uploads"]["free_bytes"] <= told["uploads"]["max_bytes"]
    assert told["unix_ns"] > 0
    names = [each["name"] for each in told["presets"]]
    assert names[0] == "default"
    assert {"faces", "people", "traffic"} <= set(names)
    assert all(each["description"] for each in told["presets"])
    faces = told["presets"][names.index("faces")]
    assert faces["stages"][0]["type"] == "detect"
