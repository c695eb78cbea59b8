"""413, 429."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from livelens.clock import NS_PER_S
from livelens.server.limits import BodyLimit, TokenBucket
from tests.server.running import Running, running, until

JSON = {"Content-Type": "application/json"}


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(10, 0)
    assert [bucket.take(0) for _ in range(20)] == [0.0] * 20
    assert bucket.take(0) == pytest.approx(0.1)
    assert bucket.take(NS_PER_S // 10) == 0
    assert bucket.take(NS_PER_S // 10) > 0
    assert [bucket.take(100 * NS_PER_S) for _ in range(20)] == [0.0] * 20
    assert bucket.take(100 * NS_PER_S) > 0
    assert bucket.take(0) > 0  # a clock that goes back gives nothing


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running({}, limits={"max_body_bytes": 1000}) as one:
        yield one


def test_a_body_that_says_it_is_too_large(server: Running) -> None:
    response = server.http.post("/api/streams", content=b" " * 1001, headers=JSON)
    assert response.status_code == 413
    assert "1000 bytes" in response.json()["error"]
    assert server.http.post("/api/streams", content=b" " * 1000, headers=JSON).status_code == 400


def test_a_body_that_does_not_say_how_large_it_is(server: Running) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    response = server.http.post("/api/streams", content=parts(), headers=JSON)
    assert response.status_code == 413
    assert server.http.get("/healthz").status_code == 200


def test_a_client_who_leaves_amid_his_body_costs_a_count_and_no_traceback(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    before = server.state.refused[400]
    with socket.create_connection(("127.0.0.1", server.http.base_url.port or 0)) as client:
        head = "POST /whep/any HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/sdp\r\n"
        client.sendall(f"{head}Content-Length: 500\r\n\r\nv=0\r\n".encode())
    until(lambda: server.state.refused[400] > before)
    assert "Traceback" not in caplog.text
    assert server.state.refused[500] == 0


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    parts: asyncio.Queue[Message] = asyncio.Queue()
    parts.put_nowait({"type": "http.request", "body": b"{", "more_body": True})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await receive()  # whether the client leaves, which may take as long as it likes

    async def send(_: Message) -> None:
        return

    limit = BodyLimit(app, max_bytes=1000, max_s=0.05)
    with pytest.raises(HTTPException) as raised:
        await asyncio.wait_for(limit({"type": "http", "headers": []}, parts.get, send), 10)
    assert raised.value.status_code == 408
    parts.put_nowait({"type": "http.request", "body": b"{}", "more_body": False})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limit({"type": "http", "headers": []}, parts.get, send), 0.5)


def test_too_many_requests() -> None:
    with running({}, limits={"requests_per_s": 2}) as one:
        statuses: list[httpx.Response] = [one.http.get("/healthz") for _ in range(10)]
        refused = [response for response in statuses if response.status_code == 429]
        assert statuses[0].status_code == 200
        assert refused
        assert int(refused[0].headers["retry-after"]) >= 1
        assert "2 requests a second" in refused[0].json()["error"]
