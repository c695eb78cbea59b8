"""The whole way in a real browser: camera, WHIP, pipeline, WHEP, results."""

import asyncio
import threading
from typing import Any

import psutil
import pytest
from playwright.async_api import Page

from tests.media.conftest import OpenPage, camera, open_page  # noqa: F401
from tests.media.webapp import SCRIPT
from tests.server.running import Running, eventually, running

pytestmark = pytest.mark.e2e

READERS = """
function readResults(stream) {
  window.bySse = []; window.byWs = [];
  window.sse = new EventSource(`/api/streams/${stream}/results`);
  window.sse.addEventListener('result', event => window.bySse.push(JSON.parse(event.data)));
  window.ws = new WebSocket(`ws://${location.host}/api/streams/${stream}/results/ws`);
  window.ws.onmessage = event => window.byWs.push(JSON.parse(event.data));
}
"""
CONFIG = {
    "webrtc": {"bind_hosts": ["127.0.0.1"], "idle_timeout_s": 2.0, "connect_timeout_s": 5.0},
    "presets": {"default": {"stages": [{"type": "simulate", "cost_ms": 20}]}},
    "publish": {"linger_s": 0.5},
}


async def prepared(page: Page, server: Running) -> None:
    """Give the page our scripts; one without a content security policy takes them."""
    await page.goto(f"{server.url}/healthz")
    await page.add_script_tag(content=SCRIPT + READERS)


async def settled(page: Page, expression: str) -> Any:
    return await (await page.wait_for_function(expression, timeout=30_000)).json_value()


async def publish_and_watch(page: Page, rendition: str = "main") -> None:
    await page.evaluate("publish('/whip/desk', {width: 640, height: 360})")
    await page.evaluate(f"watch('/whep/desk?rendition={rendition}')")
    await page.evaluate("readResults('desk')")
    await settled(page, "window.shown.length > 30")


@pytest.mark.parametrize("rendition", ["main", "annotated"])
async def test_camera_to_picture_and_results(open_page: OpenPage, rendition: str) -> None:  # noqa: F811
    with running(CONFIG) as server:
        async with open_page(server.url + "/healthz") as page:
            await prepared(page, server)
            await publish_and_watch(page, rendition)
            await settled(
                page, "[bySse, byWs, messages].every(list => list.length > 30) && shown.length > 60"
            )
            shown = {stamp for stamp, *_ in await page.evaluate("window.shown")}
            by_sse = await page.evaluate("window.bySse")
            by_ws = await page.evaluate("window.byWs")
            by_channel = await page.evaluate("window.messages.map(JSON.parse)")
            for results in (by_sse, by_ws, by_channel):
                stamps = {result["rtp_timestamp"] for result in results}
                # Every result belongs to a picture, most of which the browser has shown.
                assert len(stamps & shown) > len(results) / 2
                assert all(result["stages"][0]["stage"] == "simulate" for result in results)
            info = server.http.get("/api/streams/desk").json()
            assert info["state"] == "running"
            watched = next(sink for sink in info["sinks"] if sink["name"] == rendition)
            assert watched["viewers"] == 1
            assert watched["rendition"]["encoders"]["h264"]["pictures"] > 30
            idle = next(sink for sink in info["sinks"] if sink["name"] != rendition)
            assert idle["rendition"]["encoders"] == {}, "nobody watches it"
        await eventually(lambda: server.state.sessions.all() == [])
        await eventually(lambda: "desk" not in server.state.engine.streams)


def level(server: Running) -> dict[str, object]:
    """What a server holds: tasks, threads, sockets."""
    assert server.loop is not None
    port = int(server.url.rpartition(":")[2])
    connections = psutil.Process().net_connections("inet")
    return {
        "tasks": sorted(
            task.get_name().partition("-")[0] for task in asyncio.all_tasks(server.loop)
        ),
        # Threads of the loops' own pools, and of this test, stay for their next use.
        "threads": sorted(
            thread.name
            for thread in threading.enumerate()
            if not (
                isinstance(thread, threading.Timer)
                or thread.name.startswith(("asyncio", "uvloop_", "AnyIO"))
            )
        ),
        "udp": sum(c.type.name == "SOCK_DGRAM" for c in connections),
        "tcp": sum(bool(c.laddr) and c.laddr.port == port for c in connections),
        "readers": server.state.readers.total(),
        "sessions": len(server.state.sessions.all()),
        "streams": sorted(server.state.engine.streams),
    }


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()


async def test_a_killed_browser_leaves_nothing_behind(open_page: OpenPage) -> None:  # noqa: F811
    with running(CONFIG) as server:
        before = level(server)
        async with open_page(server.url + "/healthz") as page:
            await prepared(page, server)
            await publish_and_watch(page)
            assert server.state.sessions.viewers == 1
            assert level(server) != before
            ours = [
                process
                for process in psutil.Process().children(recursive=True)
                if any("--user-data-dir=" in part for part in process.cmdline())
            ]
            assert ours, "no browser found"
            await asyncio.to_thread(kill, ours)
            await eventually(lambda: server.state.sessions.all() == [], 30)
            await eventually(lambda: level(server) == before, 30)
        assert server.http.get("/healthz").status_code == 200


async def test_one_viewer_of_two_vanishes(open_page: OpenPage) -> None:  # noqa: F811
    with running(CONFIG) as server:
        async with open_page(server.url + "/healthz") as page:
            await prepared(page, server)
            await publish_and_watch(page)
            async with open_page(server.url + "/healthz") as other:
                await prepared(other, server)
                await other.evaluate("watch('/whep/desk', 'vp8')")
                await settled(other, "window.shown.length > 10")
                assert server.state.sessions.viewers == 2
                sink = server.http.get("/api/streams/desk").json()["sinks"][0]
                assert set(sink["rendition"]["encoders"]) == {"h264", "vp8"}
            await eventually(lambda: server.state.sessions.viewers == 1, 30)
            count = await page.evaluate("window.shown.length")
            await settled(page, f"window.shown.length > {count + 30}")
