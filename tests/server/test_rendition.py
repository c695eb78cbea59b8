"""From one rendition to another over the connection that stands."""

import asyncio
import json
from collections.abc import Iterator

import av
import httpx
import pytest
from aiortc import RTCRtpReceiver

from tests.server.running import PATTERN, Running, eventually, running
from tests.server.viewer import Client, client

WIDE, SMALL, SQUARE = (192, 108), (96, 54), (108, 108)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    stream = {
        "source": PATTERN,
        "stages": [],
        "sinks": [
            {"type": "whep", "name": "main", "gop_s": 600},
            {"type": "whep", "name": "small", "gop_s": 600, "width_px": SMALL[0]},
        ],
    }
    followed = {
        "source": PATTERN,
        "stages": [
            {"type": "simulate", "cost_ms": 40, "boxes": [[0.7, 0.2, 0.8, 0.8]]},
            {"type": "reframe", "aspect": "1:1", "lookahead_s": 0.4},
        ],
    }
    streams = {"pat": stream, "fleeting": stream, "followed": followed}
    with running({"streams": streams}) as one:
        yield one


def only(viewer: Client, codec: str) -> None:
    """Offer this codec alone."""
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    viewer.pc.getTransceivers()[0].setCodecPreferences(
        [each for each in capabilities.codecs if each.mimeType in (f"video/{codec}", "video/rtx")]
    )


async def until_size(viewer: Client, size: tuple[int, int]) -> list[int]:
    """The times of the pictures until one of this size comes, that one included."""
    times: list[int] = []
    for _ in range(300):
        frame = await viewer.picture()
        assert isinstance(frame, av.VideoFrame)
        assert frame.pts is not None
        times.append(frame.pts)
        if (frame.width, frame.height) == size:
            return times
    raise AssertionError(f"no picture of {size}")


def sinks(server: Running, stream: str = "pat") -> dict[str, int]:
    told = server.http.get(f"/api/streams/{stream}").json()["sinks"]
    return {sink["name"]: sink["viewers"] for sink in told}


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_there_and_back_over_the_same_connection(
    server: Running, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        viewer.pc.addTransceiver("video", "recvonly")
        only(viewer, codec)
        viewer.pc.createDataChannel("results").on("message", viewer.messages.put_nowait)
        assert (await viewer.exchange("/whep/pat?rendition=main")).status_code == 201
        times = await until_size(viewer, WIDE)
        for name, size in (("small", SMALL), ("main", WIDE), ("main", WIDE), ("small", SMALL)):
            assert (await viewer.show(name)).status_code == 204
            times += await until_size(viewer, size)
        assert times == sorted(set(times)), "time goes on"
        assert sinks(server) == {"main": 0, "small": 1}
        [told] = server.http.get("/api/viewers?stream=pat").json()["sessions"]
        assert told["rendition"] == "small"
        assert told["server"]["codec"] == codec.lower()
        encoders = server.http.get("/api/streams/pat").json()["sinks"][0]["rendition"]["encoders"]
        resting = encoders[codec.lower()]["pictures"]
        while not viewer.messages.empty():
            viewer.messages.get_nowait()
        fresh = [json.loads(await asyncio.wait_for(viewer.messages.get(), 10)) for _ in range(3)]
        assert {each["type"] for each in fresh} == {"result"}, "results come all the time"
        await until_size(viewer, SMALL)
        encoders = server.http.get("/api/streams/pat").json()["sinks"][0]["rendition"]["encoders"]
        assert encoders[codec.lower()]["pictures"] <= resting + 1, "nobody is left to encode for"
    await eventually(lambda: sinks(server) == {"main": 0, "small": 0})


async def test_to_the_framed_picture_which_comes_later_and_back(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer, client(server.url, monkeypatch) as other:
        assert (await other.watch("/whep/followed?rendition=framed")).status_code == 201
        await until_size(other, SQUARE)
        assert (
            await viewer.watch("/whep/followed?rendition=main", results=True)
        ).status_code == 201
        times = await until_size(viewer, WIDE)
        for name, size in (("framed", SQUARE), ("main", WIDE), ("framed", SQUARE)):
            assert (await viewer.show(name)).status_code == 204
            times += await until_size(viewer, size)
        for _ in range(10):
            times += await until_size(viewer, SQUARE)
        assert times == sorted(set(times)), "no picture comes twice, though this one is later"
        told: set[int] = set()
        while not told.intersection(times):  # results come by now, if they did not at first
            times += await until_size(viewer, SQUARE)
            while not viewer.messages.empty():
                message = json.loads(viewer.messages.get_nowait())
                if message["type"] == "result":
                    told.add(message["rtp_timestamp"])
                    assert message["viewports"]["reframe"]["aspect"] == 1.0
        assert sinks(server, "followed") == {"main": 0, "annotated": 0, "framed": 2}


async def test_twenty_fast_switches(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer, client(server.url, monkeypatch) as other:
        assert (await viewer.watch("/whep/pat?rendition=main")).status_code == 201
        assert (await other.watch("/whep/pat?rendition=main")).status_code == 201
        await until_size(viewer, WIDE)
        await until_size(other, WIDE)
        for number in range(20):
            answer = await viewer.show("main" if number % 2 else "small")
            assert answer.status_code == 204
        assert sinks(server) == {"main": 2, "small": 0}
        assert (await viewer.show("small")).status_code == 204
        in_a_row = 0
        for _ in range(300):  # those that came during the switches wait to be looked at
            in_a_row = in_a_row + 1 if len(await until_size(viewer, SMALL)) == 1 else 0
            assert len(await until_size(other, WIDE)) == 1, "who stays notices nothing"
            if in_a_row == 15:
                break
        assert in_a_row == 15, "pictures of the other come no more"
        assert (await viewer.delete()).status_code == 200


async def test_what_cannot_be_shown(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/fleeting?rendition=main")).status_code == 201
        await until_size(viewer, WIDE)
        refused = await viewer.show("4k")
        assert refused.status_code == 404
        assert refused.json()["error"] == "stream 'fleeting' has no rendition '4k' (main, small)"
        assert_refused(await viewer.show(7), 400, "rendition")
        path = f"{viewer.session}/rendition"
        post = server.http.post
        assert_refused(post(path, json={}), 400, "rendition")
        assert_refused(post(path, json={"rendition": "small", "size": 1}), 400, "size")
        assert_refused(
            post(path, content=b"{", headers={"Content-Type": "application/json"}), 400, "JSON"
        )
        assert_refused(post(path, content=b"small"), 415, "application/json")
        assert_refused(
            post("/whep/pat/none/rendition", json={"rendition": "small"}), 404, "session"
        )
        elsewhere = path.replace("/fleeting/", "/pat/")
        assert_refused(post(elsewhere, json={"rendition": "small"}), 404, "session")
        assert server.http.get(path).status_code == 405
        assert len(await until_size(viewer, WIDE)) == 1, "he watches on"
        assert server.http.post("/api/streams/fleeting/stop").status_code == 200
        answer = await viewer.show("small")
        assert answer.status_code in (404, 409)
        assert "\n" not in answer.json()["error"]
        await viewer.closed()


def assert_refused(response: httpx.Response, status: int, why: str) -> None:
    assert response.status_code == status
    assert why in response.json()["error"]
    assert "\n" not in response.json()["error"]
