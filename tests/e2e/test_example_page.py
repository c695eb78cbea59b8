"""The example of a page of one's own, from another origin than the server's."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsers import PATIENCE_MS, chromium, page_of
from tests.server.running import PATTERN, running

pytestmark = pytest.mark.e2e

FOLDER = Path(__file__).parents[2] / "examples" / "page"
TOKEN = "a-token-for-this-test"
CONFIG = {
    "access": {"trust_loopback": False},
    "presets": {"default": {"stages": [{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}]}},
    "publish": {"preset": "default"},
    "streams": {"street": {"source": PATTERN, "preset": "default"}},
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    """A plain web server of somebody else, on a port of its own."""
    folder = functools.partial(Quiet, directory=str(FOLDER))
    with ThreadingHTTPServer(("127.0.0.1", 0), folder) as site:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()
        thread.join(5)


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser, page_of(browser) as page:
        yield page


PLAYS = "() => document.getElementById('video').currentTime > 0.3"


def test_watches_and_sends_from_another_origin(page: Page, address: str) -> None:
    page.goto(address)
    page.context.grant_permissions(["camera"], origin=address)
    with running(CONFIG, token=TOKEN) as server:
        page.get_by_label("Server").fill(server.url)
        page.get_by_role("button", name="Watch").click()
        expect(page.locator("#state")).to_contain_text("closed", timeout=PATIENCE_MS)
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Watch").click()
        expect(page.locator("#state")).to_have_text("live", timeout=PATIENCE_MS)
        expect(page.locator("#results")).to_contain_text("frame", timeout=PATIENCE_MS)
        page.wait_for_function(PLAYS)
        page.get_by_label("Stream").fill("desk")
        page.get_by_role("button", name="Send my camera").click()
        expect(page.locator("#state")).to_have_text("live", timeout=PATIENCE_MS)
        desk = server.http.get("/api/streams/desk", headers={"Authorization": f"Bearer {TOKEN}"})
        assert desk.json()["source"]["type"] == "whip"
    expect(page.locator("#state")).to_contain_text("reconnecting", timeout=PATIENCE_MS)
