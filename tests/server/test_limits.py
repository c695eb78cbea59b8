"""413, 429."""

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from livelens.clock import NS_PER_S
from livelens.server.limits import BodyLimit, TokenBucket, client_of
from livelens.server.refusals import Refusals
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


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_streamed_body_may_take_as_long_as_it_comes(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    there, passed_s, left = loop.time, 0.0, 5
    monkeypatch.setattr(loop, "time", lambda: there() + passed_s)

    async def receive() -> Message:
        nonlocal passed_s, left
        passed_s += 15
        left -= 1
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x", "more_body": left > 0}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def send(_: Message) -> None:
        return

    limit = BodyLimit(app, max_bytes=1000, max_s=20, streamed=("/api/uploads/",))
    path = "/api/uploads/a.mp4" if streamed else "/api/streams"
    asked = limit({"type": "http", "path": path, "headers": []}, receive, send)
    if streamed:
        await asked
    else:
        with pytest.raises(HTTPException, match="within 20 s"):
            await asked


def test_too_many_requests() -> None:
    with running({}, limits={"requests_per_s": 2}) as one:
        statuses: list[httpx.Response] = [one.http.get("/healthz") for _ in range(10)]
        refused = [response for response in statuses if response.status_code == 429]
        assert statuses[0].status_code == 200
        assert refused
        assert int(refused[0].headers["retry-after"]) >= 1
        assert "2 requests a second" in refused[0].json()["error"]


NETWORKS = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),  # no proxy of ours
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["192.0.2.9, 203.0.113.1"], "203.0.113.1"),  # the first is invented
        ("10.0.0.1", ["203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1", "10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:DB8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [", ,"], "10.0.0.1"),
    ],
)
def test_only_our_proxies_say_who_asks(peer: str, told: list[str], client: str) -> None:
    headers = [(b"x-forwarded-for", text.encode()) for text in told]
    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    assert client_of(scope, NETWORKS) == client
    assert client_of(scope, ()) == peer


def test_each_client_behind_a_proxy_has_a_limit_of_his_own() -> None:
    def statuses(one: Running, client: str, count: int) -> set[int]:
        headers = {"X-Forwarded-For": client}
        return {one.http.get("/healthz", headers=headers).status_code for _ in range(count)}

    with running({}, limits={"requests_per_s": 0.5}, proxies=["127.0.0.1"]) as one:
        assert 429 in statuses(one, "203.0.113.1", 5)
        assert statuses(one, "203.0.113.2", 1) == {200}
    with running({}, limits={"requests_per_s": 0.5}) as one:
        assert 429 in statuses(one, "203.0.113.1", 5)
        assert statuses(one, "203.0.113.2", 1) == {429}


def test_refusals_are_counted_wherever_they_happen(server: Running) -> None:
    def count(status: int) -> float:
        line = f'livelens_requests_refused_total{{status="{status}"}} '
        found = [each for each in server.http.get("/metrics").text.splitlines() if line in each]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    statuses = (403, 404, 405, 413)
    before = {status: count(status) for status in statuses}
    server.http.post("/api/streams", content=b" " * 1001, headers=JSON)
    server.http.get("/healthz/", headers={"Host": "evil.example"})
    server.http.get("/api/streams/none")
    server.http.delete("/api/streams")
    with pytest.raises(InvalidStatus):
        connect(server.url.replace("http", "ws") + "/api/streams/none/results/ws")
    after = {status: count(status) - before[status] for status in statuses}
    assert after == {403: 1, 404: 2, 405: 1, 413: 1}


def test_a_socket_that_is_closed_unaccepted_is_a_refusal() -> None:
    refused: Counter[int] = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/accepted":
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1013})

    async def call(path: str) -> None:
        async def send(_: Message) -> None:
            return

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": path}
        await Refusals(app, refused=refused)(scope, receive, send)

    asyncio.run(call("/accepted"))
    assert not refused
    asyncio.run(call("/other"))
    assert refused == {429: 1}
