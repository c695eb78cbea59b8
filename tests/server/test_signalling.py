"""WHIP and WHEP, as their specifications say."""

import asyncio
from collections.abc import Iterator
from itertools import groupby

import httpx
import pytest

from livelens.events import State
from livelens.media.rtc_config import IceServer
from livelens.server.signalling import ice_links
from tests.server.running import PATTERN, Running, eventually, running
from tests.server.viewer import client

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = {
        "streams": {
            "pat": {"source": PATTERN, "stages": []},
            "cam": {"source": {"type": "whip"}, "stages": []},
        },
        "publish": {"linger_s": 0.3},
    }
    with running(config) as one:
        yield one


async def test_watching_ends_with_delete(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        response = await viewer.watch("/whep/pat")
        assert response.status_code == 201
        assert response.headers["content-type"].startswith("application/sdp")
        assert response.headers["location"].startswith("/whep/pat/")
        assert response.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
        etag = response.headers["etag"]
        assert etag.startswith('"')
        await viewer.connected()
        await viewer.picture()
        info = server.http.get("/api/streams/pat").json()
        assert info["sinks"][0]["viewers"] == 1

        ufrag = response.request.content.decode().partition("a=ice-ufrag:")[2].split()[0]
        fragment = (
            f"a=ice-ufrag:{ufrag}\r\na=mid:0\r\n"
            "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
        )
        assert (await viewer.patch(fragment)).status_code == 204
        assert (await viewer.patch(fragment, **{"If-Match": etag})).status_code == 204
        assert (await viewer.patch(fragment, **{"If-Match": '"other"'})).status_code == 412
        assert (await viewer.patch(fragment, **{"If-Match": "*"})).status_code == 422
        assert (await viewer.patch("nonsense")).status_code == 400
        assert (await viewer.patch("")).status_code == 400
        wrong = await viewer.patch(fragment, **{"Content-Type": "application/sdp"})
        assert wrong.status_code == 415

        assert (await viewer.delete()).status_code == 200
        assert (await viewer.delete()).status_code == 404
        assert (await viewer.patch(fragment)).status_code == 404
        await viewer.closed()
    await eventually(lambda: server.state.sessions.viewers == 0)


async def test_publishing_makes_a_stream_that_goes_with_its_publisher(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as camera:
        response = await camera.publish("/whip/desk")
        assert response.status_code == 201, response.text
        assert response.headers["location"].startswith("/whip/desk/")
        await camera.connected()
        async with client(server.url, monkeypatch) as viewer:
            assert (await viewer.watch("/whep/desk")).status_code == 201
            await viewer.picture()
        async with client(server.url, monkeypatch) as second:
            refused = await second.publish("/whip/desk")
            assert refused.status_code == 409
            assert "publisher already" in refused.json()["error"]
        assert (await camera.delete()).status_code == 200
    await eventually(lambda: "desk" not in server.state.engine.streams)


async def test_a_publisher_who_returns_goes_on_in_the_same_stream(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = server.http.get("/api/streams/cam").json()
    assert (info["state"], info["detail"]) == ("waiting", "nobody publishes")
    messages = server.state.engine.bus.subscribe("cam", results=False)
    async with client(server.url, monkeypatch) as viewer:
        async with client(server.url, monkeypatch) as camera:
            assert (await camera.publish("/whip/cam")).status_code == 201
            assert (await viewer.watch("/whep/cam")).status_code == 201
            await viewer.picture()
            assert server.http.get("/api/streams/cam").json()["state"] == "running"
            await camera.delete()
        captured = server.http.get("/api/streams/cam").json()["captured"]
        async with client(server.url, monkeypatch) as camera:
            assert (await camera.publish("/whip/cam")).status_code == 201
            await eventually(lambda: server.state.engine.get("cam").stats().captured > captured + 5)
            await viewer.picture()
            await camera.delete()
            await eventually(
                lambda: server.http.get("/api/streams/cam").json()["state"] == "waiting"
            )
    messages.close()
    told = [message.state async for message in messages if isinstance(message, State)]
    assert [state for state, _ in groupby(told)] == ["running", "waiting", "running", "waiting"]


async def test_of_two_publishers_at_once_one_is_refused(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        client(server.url, monkeypatch) as one,
        client(server.url, monkeypatch) as two,
    ):
        answers = await asyncio.gather(one.publish("/whip/race"), two.publish("/whip/race"))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert list(server.state.streams.publications) == ["cam", "race"]
    await eventually(lambda: "race" not in server.state.engine.streams)


async def test_a_publisher_cannot_take_a_stream_with_a_source(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as camera:
        refused = await camera.publish("/whip/pat")
    assert refused.status_code == 409
    assert "elsewhere" in refused.json()["error"]


async def test_what_does_not_exist(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/none")).status_code == 404
    async with client(server.url, monkeypatch) as viewer:
        refused = await viewer.watch("/whep/pat?rendition=4k")
        assert refused.status_code == 404
        assert "main, annotated" in refused.json()["error"]
    async with client(server.url, monkeypatch) as camera:
        refused = await camera.publish("/whip/desk?preset=none")
        assert refused.status_code == 400
        assert "no preset 'none'" in refused.json()["error"]
    async with client(server.url, monkeypatch) as camera:
        assert (await camera.publish("/whip/-odd%20name")).status_code == 400
    assert set(server.state.engine.streams) == {"pat", "cam"}
    assert set(server.state.streams.publications) == {"cam"}


@pytest.mark.parametrize("path", ["/whip/new", "/whip/cam", "/whep/pat"])
@pytest.mark.parametrize(
    ("offer", "what"),
    [
        (b"", "empty"),
        (b"\x00\xff\xfe", "UTF-8"),
        (b"garbage", "v=0"),
        (b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "no media section"),
        (b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n", "ice-ufrag"),
        (b"v=0\r\n" + b"a=x\r\n" * 2000, "media section"),
    ],
)
def test_bad_sdp_is_400_and_leaves_nothing(
    server: Running, path: str, offer: bytes, what: str
) -> None:
    response = server.http.post(path, content=offer, headers=SDP)
    assert response.status_code == 400
    assert what in response.json()["error"]
    assert "\n" not in response.json()["error"]
    assert set(server.state.engine.streams) == {"pat", "cam"}
    assert set(server.state.streams.publications) == {"cam"}
    assert server.state.sessions.all() == []
    assert not server.state.streams.publications["cam"].taken


async def test_a_truncated_offer_never_breaks_the_server(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        viewer.pc.addTransceiver("video", "recvonly")
        offer = await viewer.offer()
    for length in range(0, len(offer), 97):
        response = server.http.post("/whep/pat", content=offer[:length], headers=SDP)
        assert response.status_code in (201, 400), response.text
        if response.status_code == 201:
            server.http.delete(response.headers["location"])
    assert server.http.get("/healthz").status_code == 200


def test_wrong_types_sizes_and_methods(server: Running) -> None:
    http = server.http
    assert http.post("/whep/pat", content=b"v=0").status_code == 415
    assert http.post("/whep/pat", json={}).status_code == 415
    with_parameter = {"Content-Type": "Application/SDP; charset=utf-8"}
    assert http.post("/whep/pat", content=b"x", headers=with_parameter).status_code == 400
    assert http.post("/whep/pat", content=b"v" * 70_000, headers=SDP).status_code == 413
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        response = http.request(method, "/whep/pat")
        assert response.status_code == 405, method
        assert response.headers["allow"] == "OPTIONS, POST"
    for method in ("GET", "HEAD", "PUT", "POST"):
        assert http.request(method, "/whip/cam/xyz").status_code == 405, method
    assert http.delete("/whip/cam/xyz").status_code == 404


def test_options_and_cross_origin_requests(server: Running) -> None:
    for path in ("/whip/cam", "/whep/pat"):
        response = server.http.options(path)
        assert response.status_code == 200
        assert response.headers["accept-post"] == "application/sdp"
    preflight = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = server.http.options("/whip/cam", headers=preflight)
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:5173"
    foreign = server.http.options(
        "/whip/cam", headers={**preflight, "Origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in foreign.headers
    seen = server.http.get("/api/streams", headers={"Origin": "http://localhost:5173"})
    assert "Location" in seen.headers["access-control-expose-headers"]


def test_ice_servers_are_told_in_link_headers() -> None:
    links = ice_links(
        [
            IceServer(urls=["stun:stun.example.net"]),
            IceServer(urls=["turn:turn.example.net?transport=udp"], username="u", credential='p"q'),
        ]
    )
    assert links == [
        '<stun:stun.example.net>; rel="ice-server"',
        '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="u"; '
        'credential="p\\"q"; credential-type="password"',
    ]


async def test_capacity_is_503_with_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    limits = {"max_viewers": 1, "max_streams": 1}
    with running(config, limits=limits) as full:
        async with client(full.url, monkeypatch) as first:
            assert (await first.watch("/whep/pat")).status_code == 201
            async with client(full.url, monkeypatch) as second:
                refused = await second.watch("/whep/pat")
                assert_full(refused)
            async with client(full.url, monkeypatch) as camera:
                assert_full(await camera.publish("/whip/desk"))
        await eventually(lambda: full.state.sessions.viewers == 0)
        async with client(full.url, monkeypatch) as second:
            assert (await second.watch("/whep/pat")).status_code == 201


async def test_who_never_connects_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "webrtc": {"bind_hosts": ["127.0.0.1"], "connect_timeout_s": 0.5},
        "streams": {"cam": {"source": {"type": "whip"}, "stages": []}},
    }
    with running(config) as server:
        async with client(server.url, monkeypatch) as camera:
            camera.pc.addTransceiver("video", "sendonly")
            offer = await camera.offer()
        first = server.http.post("/whip/cam", content=offer, headers=SDP)
        assert first.status_code == 201
        assert server.http.post("/whip/cam", content=offer, headers=SDP).status_code == 409
        await eventually(lambda: server.state.sessions.all() == [])
        await eventually(lambda: not server.state.streams.publications["cam"].taken)
        assert server.http.delete(first.headers["location"]).status_code == 404
        assert server.http.post("/whip/cam", content=offer, headers=SDP).status_code == 201


def assert_full(response: httpx.Response) -> None:
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "already" in response.json()["error"]
