"""Streams over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livelens.media.encode import Encoder
from tests.server.running import PATTERN, Running, eventually, running, until
from tests.server.viewer import client

NO_MODEL = {"type": "detect", "model": "no-such-model"}
NO_CLASS = {"type": "detect", "model": "coco-ssd", "classes": ["person", "dragon"]}
SIMULATE = {"type": "simulate", "cost_ms": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("clips").resolve()
    config = {
        "presets": {"light": {"stages": [SIMULATE], "max_delay_s": 0.25}},
        "streams": {"pat": {"source": PATTERN, "stages": [SIMULATE]}},
    }
    with running(config, allow=[f"file:{folder}/*"]) as one:
        yield one


def test_add_list_and_remove(server: Running) -> None:
    body = {"id": "two", "source": PATTERN, "preset": "light"}
    made = server.http.post("/api/streams", json=body)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/streams/two"
    info = made.json()
    assert info["spec"]["max_delay_s"] == 0.25
    assert [stage["type"] for stage in info["spec"]["stages"]] == ["simulate"]
    assert [(s["name"], s["overlay"]) for s in info["sinks"]] == [
        ("main", False), ("annotated", True)
    ]  # fmt: skip
    assert server.http.post("/api/streams", json=body).status_code == 409
    listed = server.http.get("/api/streams").json()["streams"]
    assert [each["id"] for each in listed] == ["pat", "two"]

    def flowing() -> dict[str, Any]:
        now: dict[str, Any] = server.http.get("/api/streams/two").json()
        return now if now["delivered"] > 3 else {}

    now = until(flowing)
    assert now["state"] == "running"
    assert now["size_px"] == [192, 108]
    assert now["captured"] == now["delivered"] + sum(now["dropped"].values()) + now["in_flight"]
    assert set(now["latency_ms"]) == {"p50", "p95", "p99"}
    assert "simulate" in now["stages_ms"]
    assert server.http.delete("/api/streams/two").status_code == 204
    assert server.http.delete("/api/streams/two").status_code == 404
    assert server.http.get("/api/streams/two").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ([], 400, "object"),
        ({}, 400, "empty"),
        ({"id": "a"}, 400, "source"),
        ({"source": PATTERN}, 400, "stream id"),
        ({"id": "../a", "source": PATTERN}, 400, "stream id"),
        ({"id": 5, "source": PATTERN}, 400, "stream id"),
        ({"id": "a", "source": PATTERN, "sorce": 1}, 400, "'sorce'"),
        ({"id": "a", "source": {**PATTERN, "fsp": 1}}, 400, "$.source"),
        ({"id": "a", "source": PATTERN, "preset": "none"}, 400, "$.preset"),
        ({"id": "a", "source": PATTERN, "stages": [{"type": "track"}]}, 400, "$.stages[0]"),
        ({"id": "a", "source": PATTERN, "stages": "track"}, 400, "$.stages"),
        ({"id": "a", "source": "rtsp://127.0.0.1:1/live"}, 403, "server.allow"),
        ({"id": "a", "source": "http://u:secret@10.0.0.1/x"}, 403, "10.0.0.1"),
        ({"id": "a", "source": "/etc/passwd"}, 403, "server.allow"),
        ({"id": "a", "source": "srt://127.0.0.1:9000"}, 403, "type:ffmpeg"),
        ({"id": "a", "source": PATTERN, "stages": [NO_MODEL]}, 422, "no-such-model"),
        ({"id": "a", "source": PATTERN, "stages": [NO_CLASS]}, 400, "'dragon'"),
        ({"id": "a", "source": PATTERN, "stages": [NO_CLASS]}, 400, "$.stages[0].classes"),
        (
            {
                "id": "a",
                "source": PATTERN,
                "sinks": [{"type": "record", "name": "r", "path": "x.mp4"}],
            },
            403,
            "writing",
        ),
    ],
)
def test_mistakes(server: Running, body: Any, status: int, what: str) -> None:
    response = server.http.post("/api/streams", json=body)
    assert response.status_code == status, response.text
    assert what in response.json()["error"]
    assert "secret" not in response.text
    assert "\n" not in response.json()["error"]
    assert set(server.state.engine.streams) == {"pat"}


def test_bodies_that_are_not_json(server: Running) -> None:
    kind = {"Content-Type": "application/json"}
    response = server.http.post("/api/streams", content=b'{"id": ', headers=kind)
    assert response.status_code == 400
    assert "not JSON" in response.json()["error"]
    response = server.http.post("/api/streams", content=b'{"id": "\xff"}', headers=kind)
    assert response.status_code == 400
    assert "not JSON" in response.json()["error"]
    response = server.http.post("/api/streams", content=b"[" * 100_000, headers=kind)
    assert response.status_code == 400
    assert "nested too deeply" in response.json()["error"]
    # A page of any origin may send this without being asked first.
    plain = {"Content-Type": "text/plain"}
    assert server.http.post("/api/streams", content=b"{}", headers=plain).status_code == 415


def test_an_allowed_file_that_is_no_video_fails_alone(server: Running, tmp_path: Path) -> None:
    folder = Path(server.state.config.server.allow[0].removeprefix("file:")).parent
    (folder / "text.mp4").write_text("no video")
    body = {"id": "text", "source": {"type": "file", "path": str(folder / "text.mp4")}}
    assert server.http.post("/api/streams", json=body).status_code == 201

    def detail() -> str:
        info = server.http.get("/api/streams/text").json()
        return str(info["detail"]) if info["state"] in ("failed", "reconnecting") else ""

    assert "text.mp4" in until(detail)
    assert server.http.get("/api/streams/pat").json()["state"] == "running"
    assert server.http.delete("/api/streams/text").status_code == 204


def test_a_file_that_is_not_there_is_refused_at_once(server: Running) -> None:
    folder = Path(server.state.config.server.allow[0].removeprefix("file:")).parent
    refused = server.http.post("/api/streams", json={"id": "a", "source": str(folder / "no.mp4")})
    assert refused.status_code == 422
    assert "no.mp4" in refused.json()["error"]
    assert set(server.state.engine.streams) == {"pat"}


def test_a_configured_stream_that_cannot_work_is_not_started(
    tmp_path: Path,
) -> None:
    streams = {
        "gone": {"source": str(tmp_path / "gone.mp4"), "stages": []},
        "odd": {"source": PATTERN, "stages": [NO_MODEL]},
        "pat": {"source": PATTERN, "stages": []},
    }
    with running({"streams": streams}) as one:
        assert set(one.state.engine.streams) == {"pat"}
        assert one.http.get("/readyz").json()["not_started"] == ["gone", "odd"]


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    source = {"type": "url", "url": "rtsp://admin:hunter2@127.0.0.1:1/live",
              "options": {"x-password": "hunter3"}}  # fmt: skip
    with running({"streams": {"cam": {"source": source, "stages": []}}}) as one:
        until(lambda: one.http.get("/api/streams/cam").json()["state"] == "reconnecting")
        text = one.http.get("/api/streams").text + one.http.get("/metrics").text
        assert "admin" in text
        assert "hunter" not in text


async def test_change_keeps_viewers(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat")).status_code == 201
        await viewer.picture()
        session = viewer.session

        patch = {"stages": [{"type": "simulate", "cost_ms": 3}], "max_delay_s": 0.5}
        changed = server.http.patch("/api/streams/pat", json=patch)
        assert changed.status_code == 200, changed.text
        assert changed.json()["spec"]["stages"][0]["cost_ms"] == 3
        assert changed.json()["spec"]["max_delay_s"] == 0.5
        await viewer.picture()

        # The same for an encoder's settings: other pictures, the same session.
        sinks = server.http.get("/api/streams/pat").json()["spec"]["sinks"]
        sinks[0] |= {"width_px": 96, "bitrate_bps": 300_000}
        assert server.http.patch("/api/streams/pat", json={"sinks": sinks}).status_code == 200
        await eventually_small(viewer)
        assert server.state.sessions.all()[0].path == session
        assert server.http.get("/api/streams/pat").json()["sinks"][0]["viewers"] == 1
    await eventually(lambda: server.state.sessions.viewers == 0)


async def eventually_small(viewer: Any) -> None:
    for _ in range(300):
        if (await viewer.picture()).width == 96:
            return
    raise AssertionError("the encoder kept its size")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"source": PATTERN}, 400),
        ({"stages": [{"type": "track"}]}, 400),
        ({"stages": [{"type": "detect", "model": "/etc/passwd.onnx"}]}, 403),
        ({"sinks": [{"type": "results", "name": "r", "path": "/tmp/x.jsonl"}]}, 403),
        ({"max_delay_s": "slow"}, 400),
        ({"stages": [{"type": "detect", "model": "no-such-model"}]}, 422),
    ],
)
def test_a_refused_change_changes_nothing(server: Running, body: Any, status: int) -> None:
    before = server.http.get("/api/streams/pat").json()["spec"]
    response = server.http.patch("/api/streams/pat", json=body)
    assert response.status_code == status, response.text
    assert "\n" not in response.json()["error"]
    assert server.http.get("/api/streams/pat").json()["spec"] == before
    assert server.http.patch("/api/streams/none", json={"stages": []}).status_code == 404


async def test_removing_a_stream_ends_its_sessions(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.http.post("/api/streams", json={"id": "gone", "source": PATTERN})
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/gone")).status_code == 201
        await viewer.picture()
        async with client(server.url, monkeypatch) as camera:
            made = server.http.post("/api/streams", json={"id": "cam", "source": "whip://"})
            assert made.status_code == 201
            assert (await camera.publish("/whip/cam")).status_code == 201
            await camera.connected()
            assert server.http.delete("/api/streams/cam").status_code == 204
            await camera.closed()
        assert server.http.delete("/api/streams/gone").status_code == 204
        await viewer.closed()
    await eventually(lambda: server.state.sessions.all() == [])
    assert server.state.streams.publications == {}


async def test_an_encoder_that_fails_is_a_problem_of_its_sink(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.http.post("/api/streams", json={"id": "frail", "source": PATTERN})
    with server.state.engine.bus.subscribe("frail", results=False) as problems:
        async with client(server.url, monkeypatch) as viewer:
            with monkeypatch.context() as broken:
                broken.setattr(Encoder, "encode", lambda *_, **__: 1 / 0)
                assert (await viewer.watch("/whep/frail")).status_code == 201
                await viewer.connected()
                problem = await problems.aget()
                while type(problem).__name__ != "Problem":
                    problem = await problems.aget()
            assert "ZeroDivisionError" in problem.message  # type: ignore[union-attr]
            await viewer.closed()
    assert server.http.get("/api/streams/frail").json()["state"] == "running"
    server.http.delete("/api/streams/frail")


def test_as_many_streams_as_the_limits_allow() -> None:
    with running({}, limits={"max_streams": 1}) as one:
        body = {"id": "a", "source": PATTERN}
        assert one.http.post("/api/streams", json=body).status_code == 201
        refused = one.http.post("/api/streams", json={**body, "id": "b"})
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
