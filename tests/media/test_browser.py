"""WHIP in and WHEP out with a real browser."""

import asyncio

import pytest
from playwright.async_api import Page

from livelens.clock import rtp_timestamp
from livelens.media.peer import Peer
from livelens.media.rtc_config import RtcConfig
from tests.media.conftest import OpenPage
from tests.media.remote import Bottleneck, Network
from tests.media.webapp import Loopback

pytestmark = pytest.mark.e2e


async def shows(page: Page, count: int) -> None:
    """Wait until the viewer has shown this many more pictures."""
    so_far = await page.evaluate("window.shown.length")
    await page.wait_for_function(f"window.shown.length >= {so_far + count}", timeout=30_000)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_in_and_out_with_timestamps_that_we_chose(open_page: OpenPage, codec: str) -> None:
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("publish('/whip')")
        await page.evaluate("codec => watch('/whep', codec)", codec)
        await shows(page, 60)
        shown = await page.evaluate("window.shown")
        sent = {rtp_timestamp(pts_ns) for pts_ns in app.sent_pts_ns}
        assert app.publishers[0].codec == "h264"
        assert app.viewers[0].codec == codec
        assert all(stamp in sent for stamp, *_ in shown)
        assert {tuple(one[1:3]) for one in shown} == {(1280, 720)}
        assert app.captured[-1].ntp_ns is not None
        stats = app.viewers[0].stats()
        assert stats.rtt_s is not None
        assert stats.pictures >= 60


async def test_results_reach_the_page(open_page: OpenPage) -> None:
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("watch('/whep')")
        await page.wait_for_function("window.viewer.connectionState === 'connected'")
        viewer = app.viewers[0]
        async with asyncio.timeout(10):
            while not viewer.send_message('{"seq": 1}'):
                await page.evaluate("new Promise(done => setTimeout(done, 20))")
        await page.wait_for_function("window.messages.includes('{\"seq\": 1}')")


async def test_full_size_at_once_on_a_good_link(open_page: OpenPage) -> None:
    """Without a start bitrate and congestion feedback this takes more than 14 s."""
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("publish('/whip')")
        await page.evaluate(
            "until(async () => (await stat(publisher, 'outbound-rtp')).frameWidth === 1280, 5000)"
        )
        await page.evaluate(
            "until(async () => (await stat(publisher, 'outbound-rtp')).framesSent > 60, 15000)"
        )
        sent = await page.evaluate("stat(window.publisher, 'outbound-rtp')")
        assert sent["frameWidth"] == 1280
        assert {one.picture.width for one in app.captured} == {1280}


async def test_a_weak_link_makes_the_sender_step_down(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        link = Bottleneck(600_000)
        link.install(monkeypatch)
        await page.evaluate("publish('/whip')")
        await page.evaluate(
            "until(async () => { const s = await stat(publisher, 'outbound-rtp');"
            " return s.targetBitrate < 700000 && s.frameWidth && s.frameWidth < 1280; }, 40000)"
        )
        count = len(app.captured)
        await page.evaluate(
            "until(async () => (await stat(publisher, 'outbound-rtp')).framesSent > 100, 30000)"
        )
        assert len(app.captured) > count


async def test_pictures_survive_loss_both_ways(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fate(number: int, data: bytes) -> list[int]:
        return [] if number > 100 and number % 25 == 0 else [1] if number % 13 == 0 else [0]

    Network(inward=fate, outward=fate).install(monkeypatch)
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("publish('/whip')")
        await page.evaluate("watch('/whep')")
        await shows(page, 90)
        publisher, viewer = app.publishers[0].stats(), app.viewers[0].stats()
        assert publisher.recovered > 3
        assert publisher.dropped["undecodable"] == 0
        assert viewer.recovered > 3
        received = await page.evaluate("stat(window.viewer, 'inbound-rtp')")
        assert received["nackCount"] > 0


async def test_a_browser_that_lost_its_way_gets_a_keyframe(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lossy = False

    def fate(number: int, data: bytes) -> list[int]:
        return [] if lossy else [0]

    Network(outward=fate).install(monkeypatch)
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("publish('/whip')")
        await page.evaluate("watch('/whep')")
        await shows(page, 30)
        keyframes = await page.evaluate(
            "stat(window.viewer, 'inbound-rtp').then(s => s.keyFramesDecoded)"
        )
        lossy = True
        before = app.viewers[0].stats().plis
        async with asyncio.timeout(20):
            while app.viewers[0].stats().plis == before:
                await page.evaluate("new Promise(done => setTimeout(done, 20))")
        lossy = False
        await page.evaluate(
            "before => until(async () =>"
            " (await stat(viewer, 'inbound-rtp')).keyFramesDecoded > before, 20000)",
            keyframes,
        )
        await shows(page, 10)


async def closed(peer: Peer) -> None:
    await asyncio.wait_for(peer.closed.wait(), 15)


async def test_a_closed_page_ends_its_peers(open_page: OpenPage) -> None:
    app = Loopback(RtcConfig(bind_hosts=["127.0.0.1"], idle_timeout_s=2))
    async with app.serve() as address:
        async with open_page(address) as page:
            await page.evaluate("publish('/whip')")
            await page.evaluate("watch('/whep')")
            await shows(page, 5)
            await page.evaluate("window.viewer.close()")
            await closed(app.viewers[0])
            assert "ended the session" in (app.viewers[0].reason or "")
        await closed(app.publishers[0])
