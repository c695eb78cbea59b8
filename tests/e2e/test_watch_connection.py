"""What the viewer does when there is no picture, and when there is one again."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.browsers import PATIENCE_MS, launch_chromium, launch_firefox, page_of
from tests.e2e.viewing import (
    BOX_PX,
    BOX_TOP_PX,
    SIGHTINGS,
    SIZE,
    Follow,
    check_sightings,
    pattern,
    set_layers,
    wait_for_picture,
    watch,
)
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

TOKEN = "correct-horse-battery-staple"
ONE = {"stream": "one", "actions": ["view"]}
ONLY_OTHER_CODECS = """
const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
RTCRtpReceiver.getCapabilities = (kind) => ({
  headerExtensions: [],
  codecs: all(kind).codecs.filter(({ mimeType }) => !/h264|vp8/i.test(mimeType)),
});
"""


def status(page: Page, words: str) -> None:
    """These words are over the picture."""
    expect(page.locator(".live-player [role=status]")).to_contain_text(words, timeout=PATIENCE_MS)


def playing(page: Page) -> None:
    """Nothing is over the picture, and pictures come."""
    expect(page.locator(".live-player")).to_have_attribute(
        "data-status", "playing", timeout=PATIENCE_MS
    )
    wait_for_picture(page)


def port_of(server: Running) -> int:
    return int(server.url.rsplit(":", 1)[1])


def test_three_viewers_at_once_each_with_its_own_frames(
    playwright: Playwright, browser: Browser, page: Page
) -> None:
    with (
        running(
            {"streams": {"numbers": pattern(stages=[Follow()], fps=8)}},
            limits={"requests_per_s": 1000},
        ) as server,
        closing(launch_firefox(playwright)) as other,
        page_of(browser, width_px=700, height_px=500) as second,
        page_of(other, width_px=700, height_px=500) as third,
    ):
        pages = (page, second, third)
        for each in pages:
            set_layers(each, boxes=True)
            watch(each, server.url, "numbers")
        for each in pages:
            middle = BOX_TOP_PX + BOX_PX // 2
            check_sightings(each.evaluate(SIGHTINGS, [3, [middle], *SIZE]), ["box"])
        info = server.http.get("/api/streams/numbers").json()
        main = next(sink for sink in info["sinks"] if sink["name"] == "main")
        assert main["viewers"] == 3
        # Each tells the server how it fares; Firefox takes VP8.
        until(lambda: len([told for told in _viewers(server) if told["report"]]) == 3)
        reports = [told["report"] for told in _viewers(server)]
        assert {report["codec"] for report in reports} == {"H264", "VP8"}
        assert all(report["width_px"] == SIZE[0] for report in reports)


def _viewers(server: Running) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = server.http.get("/api/viewers").json()["sessions"]
    return told


@pytest.mark.parametrize("launch", [launch_chromium, launch_firefox])
def test_comes_back_when_the_server_does(
    playwright: Playwright, launch: Callable[[Playwright], Browser]
) -> None:
    streams = {"streams": {"one": pattern()}}
    with closing(launch(playwright)) as other, page_of(other) as page:
        with running(streams) as server:
            watch(page, server.url, "one")
            port = port_of(server)
        status(page, "The server does not answer")
        with running(streams, port=port):
            playing(page)


def test_streams_without_pictures_say_why_in_plain_words(page: Page) -> None:
    film = {"type": "pattern", "frames": 1, "realtime": False}
    streams = {"film": {"source": film}, "door": {"source": {"type": "whip"}}, "one": pattern()}
    with running({"streams": streams}) as server:
        until(lambda: server.http.get("/api/streams/film").json()["state"] == "ended")
        page.goto(f"{server.url}/#/watch/film")
        status(page, "The stream has ended.")
        page.goto(f"{server.url}/#/watch/door")
        status(page, "Nobody publishes")
        page.goto(f"{server.url}/#/watch/nothing")
        status(page, "This stream is not there")
        server.http.post("/api/streams", json={"id": "nothing", **pattern()})
        playing(page)
        server.http.post("/api/streams/nothing/stop")
        status(page, "The stream is stopped.")
        server.http.post("/api/streams/nothing/start")
        playing(page)
        server.http.delete("/api/streams/nothing")
        status(page, "This stream is not there")


def test_a_full_server_and_a_browser_without_its_codecs(browser: Browser, page: Page) -> None:
    with (
        running({"streams": {"one": pattern()}}, limits={"max_viewers": 1}) as server,
        page_of(browser) as other,
    ):
        watch(other, server.url, "one")
        page.goto(f"{server.url}/#/watch/one")
        status(page, "cannot take more viewers")
        other.goto("about:blank")
        playing(page)
    page.add_init_script(ONLY_OTHER_CODECS)
    with running({"streams": {"one": pattern()}}) as server:
        page.goto(f"{server.url}/#/watch/one")
        status(page, "neither H.264 nor VP8")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_click_where_the_browser_wants_one(page: Page) -> None:
    page.add_init_script(
        "const play = HTMLVideoElement.prototype.play;"
        "let clicked = false;"
        "addEventListener('click', () => { clicked = true; }, true);"
        "HTMLVideoElement.prototype.play = function () {"
        "  return clicked ? play.call(this)"
        "    : Promise.reject(new DOMException('no gesture', 'NotAllowedError'));"
        "};"
    )
    with running({"streams": {"one": pattern()}}) as server:
        page.goto(f"{server.url}/#/watch/one")
        status(page, "The browser plays nothing before you ask")
        page.get_by_role("button", name="Play").click()
        playing(page)


def test_a_link_to_one_stream_shows_that_one_and_ends(browser: Browser) -> None:
    access = {"trust_loopback": False, "password": "open, lens"}
    streams = {"one": pattern(), "two": pattern()}
    with running({"streams": streams, "access": access}, token=TOKEN) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        wish = {"kind": "share", "name": "guest", "grants": [ONE]}
        made = server.http.post("/api/tokens", json=wish, headers=headers).json()
        with page_of(browser) as guest:
            guest.goto(f"{server.url}/?token={made['token']}#/watch/one")
            playing(guest)
            assert made["token"] not in guest.url
            expect(guest.get_by_role("link", name="Edit pipeline")).to_have_count(0)
            guest.goto(f"{server.url}/#/watch/two")
            status(guest, "You have no right to watch this stream.")
            guest.goto(f"{server.url}/#/watch/one")
            playing(guest)
            server.http.delete(f"/api/tokens/{made['info']['id']}", headers=headers)
            expect(guest.get_by_role("textbox")).to_be_visible(timeout=PATIENCE_MS)


def test_the_picture_goes_on_in_a_small_window(page: Page) -> None:
    with running({"streams": {"one": pattern()}}) as server:
        watch(page, server.url, "one")
        with page.context.expect_page() as opening:
            page.get_by_role("button", name="Small window on top").click()
        assert opening.value is not None
        small = "documentPictureInPicture.window.document.querySelector"
        page.wait_for_function(f"() => {small}('canvas.boxes')?.width > 100")
        expect(page.locator(".live-player")).to_contain_text("The picture is in the small window.")
        wait_for_picture(page)
        assert page.evaluate(f"{small}('canvas.picture').width") == SIZE[0]
        page.get_by_role("button", name="Bring it back").click()
        expect(page.locator(".live-player canvas.boxes")).to_be_visible()
        playing(page)
