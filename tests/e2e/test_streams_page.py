"""The control room in real Chromium: tiles that play, and orders to the server."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browsers import PATIENCE_MS, page_of
from tests.e2e.viewing import sessions
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

BOX = {"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}
PLAYING = (
    "(count) => [...document.querySelectorAll('.tile video')]"
    ".filter((each) => each.videoWidth > 0).length === count"
)
MOST_PLAYING = 9


def pattern(fps: float = 15) -> dict[str, Any]:
    source = {"type": "pattern", "width_px": 320, "height_px": 180, "fps": fps}
    return {"source": source, "stages": [BOX]}


def tile(page: Page, stream: str) -> Locator:
    return page.locator(f"[data-stream={stream}]")


def act(page: Page, stream: str, name: str) -> None:
    page.get_by_role("button", name=f"Actions of {stream}").click()
    tile(page, stream).get_by_role("button", name=name, exact=True).click()


def state(server: Running, stream: str) -> str:
    told: str = server.http.get(f"/api/streams/{stream}").json()["state"]
    return told


def test_a_tile_plays_tells_how_it_fares_and_takes_orders(page: Page) -> None:
    with running({"streams": {"one": pattern(), "two": pattern()}}) as server:
        page.goto(server.url)
        page.wait_for_function(PLAYING, arg=2)
        expect(tile(page, "one")).to_contain_text("running")
        expect(tile(page, "one").locator("dl")).to_contain_text(re.compile(r"delay\s*\d+ ms"))
        expect(tile(page, "one").locator("dl")).to_contain_text(re.compile(r"viewers\s*1"))
        act(page, "one", "Stop")
        expect(tile(page, "one")).to_contain_text("It is stopped.", timeout=PATIENCE_MS)
        assert state(server, "one") == "stopped"
        tile(page, "one").get_by_role("button", name="Start one").click()
        expect(tile(page, "one")).to_have_attribute("data-state", "running", timeout=PATIENCE_MS)
        page.wait_for_function(PLAYING, arg=2)
        act(page, "one", "Restart")
        until(lambda: state(server, "one") == "running")
        expect(page.get_by_text("one was restarted.")).to_be_visible()
        act(page, "two", "Remove")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Remove two?")
        dialog.get_by_role("button", name="Cancel").click()
        assert state(server, "two") == "running"
        act(page, "two", "Remove")
        dialog.get_by_role("button", name="Remove", exact=True).click()
        expect(tile(page, "two")).to_have_count(0)
        assert server.http.get("/api/streams/two").status_code == 404
        tile(page, "one").get_by_role("link", name="one").click()
        expect(page).to_have_url(re.compile(r"#/watch/one$"))


def test_a_dead_camera_says_why_and_streams_are_found(page: Page) -> None:
    streams = {
        "gate": {"source": "rtsp://viewer:secret@127.0.0.1:9/live"},
        "door": {"source": {"type": "whip"}},
        "yard": pattern(),
    }
    with running({"streams": streams}) as server:
        page.goto(server.url)
        trouble = tile(page, "gate").locator(".trouble")
        expect(trouble).to_contain_text("The source gives no pictures", timeout=PATIENCE_MS)
        expect(trouble).to_contain_text("Connection refused")
        assert "secret" not in page.content()
        expect(tile(page, "door")).to_contain_text("nobody publishes")
        page.get_by_label("Show").select_option("trouble")
        expect(page.locator(".tile")).to_have_count(1)
        page.get_by_label("Show").select_option("all")
        page.get_by_role("searchbox").fill("pattern")
        expect(page.locator(".tile")).to_have_count(1)
        expect(tile(page, "yard")).to_be_visible()
        page.get_by_role("searchbox").fill("nothing of that kind")
        expect(page.get_by_text("No stream matches.")).to_be_visible()


def test_of_many_only_some_play_and_who_is_asked_for_takes_a_turn(page: Page) -> None:
    streams = {f"s{number:02}": pattern(fps=2) for number in range(12)}
    begun = sessions(page)
    with running({"streams": streams}, limits={"requests_per_s": 1000}) as server:
        page.set_viewport_size({"width": 1280, "height": 1600})
        page.goto(server.url)
        page.get_by_label("Size of tiles").select_option("small")
        page.wait_for_function(PLAYING, arg=MOST_PLAYING)
        expect(page.locator(".tile .play")).to_have_count(12 - MOST_PLAYING)
        page.get_by_role("button", name="Play s11").click()
        page.wait_for_function(
            "() => document.querySelector('[data-stream=s11] video')?.videoWidth > 0"
        )
        expect(page.locator(".tile .live-player")).to_have_count(MOST_PLAYING)
        assert len(begun) == MOST_PLAYING + 1, "somebody had to connect again"
        # Who had to pause shows what he showed last.
        expect(page.get_by_role("button", name="Play s08")).to_be_visible()
        assert page.evaluate(
            "document.querySelector('[data-stream=s08] .picture > canvas').width"
        ) > 100  # fmt: skip
        page.get_by_role("button", name="Pause s00").click(force=True)
        expect(page.get_by_role("button", name="Play s00")).to_be_visible()


def test_one_column_on_a_phone(browser: Browser) -> None:
    with (
        running({"streams": {"one": pattern(), "two": pattern()}}) as server,
        page_of(browser, width_px=390, height_px=844) as page,
    ):
        page.goto(server.url)
        first, second = tile(page, "one").bounding_box(), tile(page, "two").bounding_box()
        assert first is not None
        assert second is not None
        assert second["y"] > first["y"] + first["height"] - 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_yet_three_ways_to_begin(page: Page) -> None:
    with running() as server:
        page.goto(server.url)
        expect(page.get_by_role("link", name="Use this camera")).to_have_attribute(
            "href", "#/camera"
        )
        expect(page.get_by_role("button", name="Add a URL or a file")).to_be_visible()
        page.get_by_role("button", name="Play a sample").click()
        expect(tile(page, "sample")).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function(PLAYING, arg=1)
