"""The camera page in Firefox, which sends what it can."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browsers import PATIENCE_MS, firefox
from tests.server.running import running

pytestmark = pytest.mark.e2e

CONFIG = {"presets": {"default": {"stages": ["simulate"]}}, "publish": {"linger_s": 0.3}}
DRAWN = """
() => {
  const canvas = document.querySelector('.live-player canvas.picture');
  return canvas !== null && !canvas.hidden && canvas.width > 0;
}
"""


def test_firefox_sends_vp8_and_sees_itself() -> None:
    with firefox() as browser, running(CONFIG) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{server.url}/#/camera")
        turn_on = page.get_by_role("button", name="Turn the camera on")
        begin = page.get_by_role("button", name="Start")
        expect(turn_on.or_(begin).first).to_be_visible()
        if turn_on.is_visible():
            turn_on.click()
        expect(begin).to_be_enabled(timeout=PATIENCE_MS)
        codec = page.get_by_label("Codec")
        if codec.locator("option", has_text="H.264").is_disabled():
            assert "not in this browser" in (codec.text_content() or "")
        codec.select_option("VP8")
        begin.click()
        expect(page.locator(".camera[data-link=live]")).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function(DRAWN)
        expect(page.locator(".facts")).to_contain_text("VP8", timeout=PATIENCE_MS)
        (stream,) = server.http.get("/api/streams").json()["streams"]
        assert stream["source"]["type"] == "whip"
        assert stream["captured"] > 0
