"""WHIP in and WHEP out with a real browser."""

import pytest
from webapp import Loopback

from livelens.clock import rtp_timestamp

pytestmark = pytest.mark.e2e


async def test_h264_in_and_out(open_page) -> None:
    app = Loopback()
    async with app.serve() as address, open_page(address) as page:
        await page.evaluate("publish('/whip')")
        await page.evaluate("watch('/whep')")
        await page.wait_for_function("window.shown.length >= 60", timeout=30_000)
        shown = await page.evaluate("window.shown")
        sent = {rtp_timestamp(pts_ns) for pts_ns in app.sent_pts_ns}
        print(app.publishers[0].stats())
        print(app.viewers[0].stats())
        assert app.publishers[0].codec == app.viewers[0].codec == "h264"
        assert all(stamp in sent for stamp, *_ in shown)
