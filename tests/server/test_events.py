"""Results by SSE, WebSocket and data channel."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from livelens.events import Problem, Result, State, decoded
from tests.server.running import PATTERN, Running, eventually, running, until
from tests.server.viewer import client

ADDED = {"id": "new", "source": PATTERN}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips").resolve()


@pytest.fixture(scope="module")
def server(clips: Path) -> Iterator[Running]:
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    with running(config, allow=[f"file:{clips}/*"]) as one:
        yield one


def socket_of(server: Running, path: str, origin: Origin | None = None) -> ClientConnection:
    return connect(server.url.replace("http", "ws") + path, origin=origin)


def closed_with(ws: ClientConnection) -> int | None:
    """The close code, once the server has closed."""
    with suppress(ConnectionClosed):
        while True:
            ws.recv(10)
    return ws.close_code


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """(name, data) of each event."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


def test_results_by_sse(server: Running) -> None:
    with server.http.stream("GET", "/api/streams/pat/results") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        got = []
        for name, data in events(response):
            message = decoded(data)
            assert isinstance(message, Result)
            assert name == "result"
            got.append(message)
            if len(got) == 5:
                break
        assert [m.seq for m in got] == list(range(got[0].seq, got[0].seq + 5))
        assert got[0].stream == "pat"
        assert got[0].size_px == (192, 108)
    until(lambda: server.state.readers["sse"] == 0)
    assert not server.state.engine.bus.has_readers("pat")


def test_results_by_websocket(server: Running) -> None:
    with socket_of(server, "/api/streams/pat/results/ws") as ws:
        first = decoded(ws.recv(10))
        second = decoded(ws.recv(10))
        ws.send("what a reader says is ignored")
        third = decoded(ws.recv(10))
        assert isinstance(first, Result)
        assert isinstance(second, Result)
        assert isinstance(third, Result)
        assert (second.seq, third.seq) == (first.seq + 1, first.seq + 2)
    until(lambda: server.state.readers["websocket"] == 0)
    assert not server.state.engine.bus.has_readers("pat")


async def test_results_by_data_channel(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat", results=True)).status_code == 201
        picture: Any = await viewer.picture()
        stamps = set()
        for _ in range(60):
            message = decoded(await viewer.messages.get())
            assert isinstance(message, Result)
            stamps.add(message.rtp_timestamp)
            picture = await viewer.picture()
            if picture.pts & 0xFFFFFFFF in stamps:
                break
        else:
            raise AssertionError("no result belongs to a picture")
    await eventually(lambda: not server.state.engine.bus.has_readers("pat"))


async def test_no_data_channel_costs_nothing(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat")).status_code == 201
        await viewer.picture()
        assert not server.state.engine.bus.has_readers("pat")


def test_readers_learn_that_their_stream_has_ended(server: Running) -> None:
    server.http.post("/api/streams", json=ADDED)
    with (
        socket_of(server, "/api/streams/new/results/ws") as ws,
        server.http.stream("GET", "/api/streams/new/results") as response,
    ):
        ws.recv(10)
        lines = events(response)
        next(lines)
        assert httpx.delete(f"{server.url}/api/streams/new").status_code == 204
        for _ in lines:  # ends
            pass
        assert closed_with(ws) == 1001


def test_problems_and_states_of_all_streams(server: Running, clips: Path) -> None:
    with httpx.stream("GET", f"{server.url}/api/events", timeout=20) as response:
        lines = events(response)
        text = clips / "text.mp4"
        text.write_text("no video")
        bad = {"id": "bad", "source": str(text), "stages": []}
        assert server.http.post("/api/streams", json=bad).status_code == 201
        seen: list[Problem | State] = []
        for name, data in lines:
            message = decoded(data)
            assert not isinstance(message, Result)
            assert name == type(message).__name__.lower()
            seen.append(message)
            if any(isinstance(m, Problem) for m in seen) and any(
                isinstance(m, State) for m in seen
            ):
                break
        assert {m.stream for m in seen} == {"bad"}
        assert any("text.mp4" in m.message for m in seen if isinstance(m, Problem))
    server.http.delete("/api/streams/bad")


def test_what_does_not_exist(server: Running) -> None:
    assert server.http.get("/api/streams/none/results").status_code == 404
    with pytest.raises(InvalidStatus) as refused:
        socket_of(server, "/api/streams/none/results/ws")
    assert refused.value.response.status_code == 404
    assert "no stream 'none'" in json.loads(refused.value.response.body)["error"]


def test_a_foreign_page_may_not_read_results(server: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        socket_of(server, "/api/streams/pat/results/ws", origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403


def test_an_oversized_message_ends_its_sender_only(server: Running) -> None:
    with socket_of(server, "/api/streams/pat/results/ws") as ws:
        ws.send("x" * 100_000)
        assert closed_with(ws) == 1009
    assert server.http.get("/healthz").status_code == 200


def test_as_many_readers_as_the_limits_allow() -> None:
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    with (
        running(config, limits={"max_readers": 1}) as one,
        one.http.stream("GET", "/api/streams/pat/results") as first,
    ):
        reading = events(first)
        next(reading)
        refused = httpx.get(f"{one.url}/api/streams/pat/results")
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        with pytest.raises(InvalidStatus) as closed:
            socket_of(one, "/api/streams/pat/results/ws")
        assert closed.value.response.status_code == 503


def test_a_slow_reader_loses_only_his_own_messages() -> None:
    config = {"streams": {"pat": {"source": {**PATTERN, "fps": 30}, "stages": []}}}
    limits = {"result_queue": 4}
    with running(config, limits=limits) as one:
        host, port = one.url.removeprefix("http://").split(":")
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(b"GET /api/streams/pat/results HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until(lambda: one.state.readers["sse"] == 1)
        # Messages large enough to fill what the kernel holds for him.
        bus = one.state.engine.bus
        padding = "x" * 60_000
        with bus.subscribe("pat", capacity=10_000) as quick:
            for number in range(60):
                bus.publish(Problem("pat", f"test {number}", padding, 0))
                message = quick.get(5)
                while not isinstance(message, Problem):
                    message = quick.get(5)
                assert message.where == f"test {number}"
                one.http.get("/healthz")  # the server's loop had its turn
            assert quick.dropped == 0
        slow.close()
        until(lambda: one.state.readers["sse"] == 0)
        assert one.state.results_lost["sse"] > 0
        assert 'livelens_results_lost_total{transport="sse"}' in one.http.get("/metrics").text


def test_a_result_that_cannot_be_told_cuts_no_reader_off(server: Running) -> None:
    with (
        server.http.stream("GET", "/api/streams/pat/results") as response,
        socket_of(server, "/api/streams/pat/results/ws") as ws,
    ):
        told = events(response)
        assert next(told)[0] == "result"
        ws.recv(10)
        odd = msgspec.structs.replace(decoded_result(next(told)[1]), extra={"odd": object()})
        server.state.engine.bus.publish(odd)
        assert "cannot be told" in next(data for name, data in told if name == "problem")
        until(lambda: b"cannot be told" in ws.recv(10, decode=False))
        assert next(told)[0] == "result"


@pytest.mark.parametrize("path", ["/api/streams/pat/results", "/api/events", "/api/stats"])
def test_who_asks_for_the_head_of_events_is_no_reader(server: Running, path: str) -> None:
    for _ in range(2):  # the second one over the same connection
        response = server.http.head(path, headers={"Accept": "text/event-stream"})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
    until(lambda: server.state.readers["sse"] == 0)


def decoded_result(data: str) -> Result:
    message = decoded(data)
    assert isinstance(message, Result)
    return message
