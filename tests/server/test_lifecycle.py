"""Starting, stopping and restarting streams, and streams that outlive the server."""

import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from livelens.errors import ConfigError
from livelens.server import read_config
from livelens.server.app import create_app
from tests.server.running import PATTERN, Running, eventually, running, until
from tests.server.viewer import client
from tests.sources.parts import write_clip

SIMULATE = {"type": "simulate", "cost_ms": 1}
FAST = {"limits": {"requests_per_s": 100_000}}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    streams = {"pat": {"source": PATTERN, "stages": [SIMULATE]}}
    with running({"streams": streams, "server": FAST}) as one:
        yield one


def told(one: Running, stream: str = "pat") -> dict[str, Any]:
    info: dict[str, Any] = one.http.get(f"/api/streams/{stream}").json()
    return info


def flows(one: Running, stream: str = "pat") -> dict[str, Any]:
    """The stream, once a picture has come through since it began."""
    return until(lambda: info if (info := told(one, stream))["delivered"] > 2 else {})


def order(one: Running, verb: str, stream: str = "pat") -> httpx.Response:
    return one.http.post(f"/api/streams/{stream}/{verb}")


async def test_a_stopped_stream_stays_listed(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows(server)
    async with client(server.url, monkeypatch) as viewer, client(server.url, monkeypatch) as late:
        assert (await viewer.watch("/whep/pat")).status_code == 201
        await viewer.picture()
        stopped = order(server, "stop")
        assert stopped.status_code == 200, stopped.text
        assert stopped.json()["state"] == "stopped"
        assert stopped.json()["in_flight"] == 0
        await viewer.closed()
        refused = await late.watch("/whep/pat")
        assert refused.status_code == 409
        assert refused.json()["error"] == (
            "the stream 'pat' is stopped: nothing is shown until it starts"
        )
    listed = server.http.get("/api/streams").json()["streams"]
    assert [(each["id"], each["state"]) for each in listed] == [("pat", "stopped")]
    assert order(server, "stop").json()["state"] == "stopped"
    # It can be changed meanwhile, and starts so.
    patch = {"stages": [{"type": "simulate", "cost_ms": 2}]}
    assert server.http.patch("/api/streams/pat", json=patch).status_code == 200
    started = order(server, "start")
    assert started.status_code == 200, started.text
    now = flows(server)
    assert now["state"] == "running"
    assert now["spec"]["stages"][0]["cost_ms"] == 2
    assert now["captured"] == now["delivered"] + sum(now["dropped"].values()) + now["in_flight"]
    # A stream that runs is not disturbed.
    before = told(server)["captured"]
    assert order(server, "start").json()["captured"] >= before
    assert order(server, "pause").status_code in (404, 405)
    for verb in ("start", "stop", "restart"):
        assert order(server, verb, "none").status_code == 404


async def test_a_restart_keeps_viewers_and_readers(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(server, "start")
    flows(server)
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat", results=True)).status_code == 201
        await viewer.picture()
        before = told(server)["captured"]
        restarted = order(server, "restart")
        assert restarted.status_code == 200, restarted.text
        assert restarted.json()["state"] in ("starting", "running")
        await eventually(lambda: told(server)["captured"] > before + 5)
        for _ in range(30):
            await viewer.picture()
        assert told(server)["sinks"][0]["viewers"] == 1
        now = told(server)
        assert now["captured"] == now["delivered"] + sum(now["dropped"].values()) + now["in_flight"]
    await eventually(lambda: server.state.sessions.viewers == 0)


def test_a_stream_that_has_ended_plays_again(server: Running) -> None:
    source = {**PATTERN, "frames": 5}
    body = {"id": "short", "source": source, "stages": []}
    assert server.http.post("/api/streams", json=body).status_code == 201
    for verb in ("start", "restart", "start"):
        until(lambda: told(server, "short")["state"] == "ended")
        assert told(server, "short")["captured"] == 5
        assert order(server, verb, "short").status_code == 200
    assert server.http.delete("/api/streams/short").status_code == 204


async def test_a_camera_stays_through_a_restart_and_is_sent_away_by_a_stop(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as camera:
        assert (await camera.publish("/whip/phone")).status_code == 201
        await eventually(lambda: told(server, "phone").get("delivered", 0) > 2)
        before = told(server, "phone")["captured"]
        assert order(server, "restart", "phone").status_code == 200
        await eventually(lambda: told(server, "phone")["captured"] > before + 3)
        assert server.state.streams.publications["phone"].taken
        assert order(server, "stop", "phone").json()["state"] == "stopped"
        await camera.closed()
    async with client(server.url, monkeypatch) as camera:
        refused = await camera.publish("/whip/phone")
        assert refused.status_code == 409
        assert "is stopped" in refused.json()["error"]
        assert order(server, "start", "phone").json()["state"] == "waiting"
    async with client(server.url, monkeypatch) as camera:
        assert (await camera.publish("/whip/phone")).status_code == 201
        await eventually(lambda: told(server, "phone")["delivered"] > 2)
    assert server.http.delete("/api/streams/phone").status_code == 204


def test_orders_in_parallel_leave_nothing_behind(server: Running) -> None:
    order(server, "start")
    flows(server)
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("call:")])
    threads = {t.name for t in threading.enumerate()}
    body = {"id": "busy", "source": PATTERN, "stages": [SIMULATE]}

    def one(number: int) -> int:
        verb = ("start", "stop", "restart", "remove", "add")[number % 5]
        with httpx.Client(base_url=server.url, timeout=60) as http:
            if verb == "add":
                return http.post("/api/streams", json=body).status_code
            if verb == "remove":
                return http.delete("/api/streams/busy").status_code
            return http.post(f"/api/streams/busy/{verb}").status_code

    with ThreadPoolExecutor(25) as pool:
        statuses = list(pool.map(one, range(100)))
    assert set(statuses) <= {200, 201, 204, 404, 409}
    assert {200, 201, 204} <= set(statuses)
    server.http.delete("/api/streams/busy")
    until(lambda: "busy" not in server.state.engine.streams)

    def left() -> set[str]:
        names = {t.name for t in threading.enumerate() if t.is_alive()}
        return {name for name in names - threads if "busy" in name or name.startswith("call:")}

    until(lambda: not left())
    sinks = [t for t in threading.enumerate() if t.name.startswith("sink:")]
    assert len(sinks) == 2  # of `pat`
    now = flows(server)
    assert now["state"] == "running"
    assert server.http.post("/api/streams", json=body).status_code == 201
    assert flows(server, "busy")["state"] == "running"
    assert server.http.delete("/api/streams/busy").status_code == 204


def test_streams_outlive_the_server(tmp_path: Path) -> None:
    file = tmp_path / "state" / "streams.yaml"
    config = {"server": {"keep_streams": str(file), "allow": ["127.0.0.1"]},
              "streams": {"fixed": {"source": PATTERN, "stages": []}}}  # fmt: skip
    secret = "rtsp://admin:hunter2@127.0.0.1:1/live"
    with running(config) as one:
        for name, source in (("cam", secret), ("pat", PATTERN), ("off", PATTERN), ("no", PATTERN)):
            body = {"id": name, "source": source, "stages": [SIMULATE]}
            assert one.http.post("/api/streams", json=body).status_code == 201
        one.http.patch("/api/streams/pat", json={"max_delay_s": 0.25})
        one.http.patch("/api/streams/fixed", json={"max_delay_s": 0.25})
        assert order(one, "stop", "off").status_code == 200
        assert one.http.delete("/api/streams/no").status_code == 204
        assert "hunter2" not in one.http.get("/api/streams").text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == ["streams.yaml"]
    with running(config) as one:
        assert set(one.state.engine.streams) == {"cam", "fixed", "off", "pat"}
        assert told(one, "pat")["spec"]["max_delay_s"] == 0.25
        assert told(one, "fixed")["spec"]["max_delay_s"] == 1.0
        assert told(one, "off")["state"] == "stopped"
        assert one.state.engine.get("cam").spec.source.label == "rtsp://admin:***@127.0.0.1:1/live"
        assert order(one, "start", "off").status_code == 200
        assert flows(one, "off")["state"] == "running"
        assert one.http.delete("/api/streams/cam").status_code == 204
    assert "hunter2" not in file.read_text()


def test_kept_streams_that_cannot_start_are_not_forgotten(tmp_path: Path) -> None:
    file, clip = tmp_path / "streams.yaml", tmp_path / "gone.mp4"
    file.write_text(f"streams:\n  clip: {{source: {clip}, stages: []}}\n")
    config = {"server": {"keep_streams": str(file), "allow": [f"file:{tmp_path}/*"]}}
    with running(config) as one:
        assert set(one.state.engine.streams) == set()
        body = {"id": "pat", "source": PATTERN, "stages": []}
        assert one.http.post("/api/streams", json=body).status_code == 201
    assert "gone.mp4" in file.read_text()
    assert "pat:" in file.read_text()


def test_what_is_not_allowed_any_more_does_not_start(tmp_path: Path) -> None:
    file, clip = tmp_path / "streams.yaml", tmp_path / "clip.mp4"
    write_clip(clip, frames=20)
    config = {"server": {"keep_streams": str(file), "allow": [f"file:{tmp_path}/*"]},
              "uploads": {"folder": str(tmp_path / "uploads")}}  # fmt: skip
    with running(config) as one:
        assert one.http.put("/api/uploads/a.mp4", content=clip.read_bytes()).status_code == 201
        for name, source in (("file", str(clip)), ("upload", "upload://a.mp4?loop=1")):
            body = {"id": name, "source": source, "stages": []}
            assert one.http.post("/api/streams", json=body).status_code == 201
    stages = "[{type: detect, model: face}, track, identity]"
    file.write_text(file.read_text() + f"  who: {{source: 'pattern://', stages: {stages}}}\n")
    config["server"] = {"keep_streams": str(file)}
    with running(config) as one:
        assert set(one.state.engine.streams) == {"upload"}
        assert flows(one, "upload")["state"] == "running"


@pytest.mark.parametrize("text", ["- 1", "streams: 5", "streams: {a: b}", "{", "\x00"])
def test_a_file_of_something_else_is_one_clear_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "streams.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"streams\.yaml") as refused:
        create_app(read_config({"server": {"keep_streams": str(file)}}))
    assert "\n" not in str(refused.value)
    assert file.read_text() == text


def test_a_folder_that_cannot_be_written_costs_no_stream(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = {"server": {"keep_streams": str(tmp_path / "file" / "streams.yaml")}}
    with running(config) as one:
        body = {"id": "pat", "source": PATTERN, "stages": []}
        assert one.http.post("/api/streams", json=body).status_code == 201
        assert flows(one)["state"] == "running"
