"""The camera page in Chromium: a person sends his camera and sees himself analysed."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from tests.e2e.browsers import PATIENCE_MS, chromium
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

NOWHERE = "camera.test"
CONFIG: dict[str, Any] = {
    "presets": {
        "default": {"stages": ["simulate"]},
        "box": {"stages": [{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}]},
    },
    "publish": {"preset": "default", "linger_s": 0.3},
}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "locale": "en-US",
}
# What the page shows of itself is a copy of the element's: drawn from the server's answer.
DRAWN = """
() => {
  const canvas = document.querySelector('.live-player canvas.picture');
  return canvas !== null && !canvas.hidden && canvas.width > 0;
}
"""
BOXED = """
() => {
  const canvas = document.querySelector('.live-player canvas.boxes');
  if (canvas === null || canvas.hidden || canvas.width === 0) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
}
"""
# Chromium's second fake camera tells depths, which no codec takes.
TWO_CAMERAS = """
const list = navigator.mediaDevices?.enumerateDevices.bind(navigator.mediaDevices);
if (list !== undefined) navigator.mediaDevices.enumerateDevices = async () =>
  (await list()).filter(({ label }) => label !== 'fake_device_1');
"""
TRACK = "() => document.querySelector('video.self').srcObject?.getVideoTracks()[0]"
OTHER_TRACK = f"(old) => ({TRACK})() !== undefined && ({TRACK})() !== old"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    cameras = "--use-fake-device-for-media-stream=device-count=3"
    with chromium(cameras, f"--host-resolver-rules=MAP {NOWHERE} 127.0.0.1") as one:
        yield one


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**PHONE)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(TWO_CAMERAS)
    yield context
    context.close()


def opened(context: BrowserContext, server: Running, *, name: str = "") -> Page:
    """The page with its camera on."""
    context.grant_permissions(["camera", "microphone"], origin=server.url)
    page = context.new_page()
    page.goto(f"{server.url}/#/camera/{name}")
    expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=PATIENCE_MS)
    return page


def live(page: Page) -> Locator:
    return page.locator(".camera[data-link=live]")


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    expect(live(page)).to_be_visible(timeout=PATIENCE_MS)


def streams(server: Running) -> dict[str, Any]:
    return {each["id"]: each for each in server.http.get("/api/streams").json()["streams"]}


def publishers(server: Running) -> list[str]:
    return [each.peer.id for each in server.state.sessions.all() if each.kind == "whip"]


def test_sends_sees_itself_switches_and_stops(context: BrowserContext) -> None:
    with running(CONFIG) as server:
        page = opened(context, server)
        page.get_by_role("button", name="Camera settings").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name of the stream").fill("my desk")
        expect(dialog.get_by_text("Up to 64 letters")).to_be_visible()
        dialog.get_by_label("Name of the stream").fill("my-desk")
        dialog.get_by_label("Resolution").select_option("640x360")
        page.keyboard.press("Escape")
        page.get_by_role("radio", name="box").check()
        start(page)
        page.wait_for_function(DRAWN)
        expect(page.locator(".facts")).to_contain_text("fps", timeout=PATIENCE_MS)
        expect(page.locator(".facts")).to_contain_text("640×360", timeout=PATIENCE_MS)
        assert streams(server)["my-desk"]["source"]["type"] == "whip"
        session = publishers(server)

        before = page.evaluate_handle(TRACK)
        page.get_by_role("button", name="Switch camera").click()
        page.wait_for_function(OTHER_TRACK, arg=before)
        assert page.evaluate(f"({TRACK})().label") == "fake_device_2"
        seen = streams(server)["my-desk"]["captured"]
        until(lambda: streams(server)["my-desk"]["captured"] > seen + 20)
        assert publishers(server) == session, "another camera needs no new session"

        # Whoever leaves the page is told, for as long as it lasts, that the camera is on.
        page.get_by_role("link", name="Streams", exact=True).click()
        page.get_by_role("link", name="Your camera is being sent to my-desk").click()
        expect(live(page)).to_be_visible()

        page.get_by_role("button", name="Share").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"{server.url}/#/watch/my-desk")
        page.keyboard.press("Escape")
        wide = "document.documentElement.scrollWidth <= 390"
        assert page.evaluate(wide), "the page must not be wider than a phone"
        page.get_by_role("button", name="Stop").click()
        until(lambda: "my-desk" not in streams(server))
        page.reload()
        page.get_by_role("button", name="Camera settings").click()
        assert page.get_by_label("Name of the stream").input_value() == "my-desk"
        assert page.get_by_label("Resolution").input_value() == "640x360"


def test_a_preset_and_a_codec_reach_the_server(context: BrowserContext) -> None:
    offers: list[Request] = []
    with running(CONFIG) as server:
        page = opened(context, server)
        page.on("request", lambda r: offers.append(r) if "/whip/" in r.url else None)
        page.get_by_role("button", name="Camera settings").click()
        dialog = page.get_by_role("dialog")
        codec = dialog.get_by_label("Codec")
        assert codec.locator("option", has_text="VP9").is_disabled()
        assert "not taken by the server" in (codec.text_content() or "")
        codec.select_option("VP8")
        dialog.get_by_label("Bitrate").select_option("600000")
        dialog.get_by_role("radio", name="box").check()
        page.keyboard.press("Escape")
        start(page)
        page.wait_for_function(BOXED)
        (offer,) = [each for each in offers if each.method == "POST"]
        assert "preset=box" in offer.url
        sdp = offer.post_data or ""
        assert "VP8/90000" in sdp
        assert "H264" not in sdp
        expect(page.locator(".facts")).to_contain_text("VP8", timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("fault", "words", "todo"),
    [
        ("NotFoundError", "No camera was found", "Plug one in"),
        ("NotAllowedError", "was not allowed", "Allow"),
        ("NotReadableError", "used by another program", "Close the video call"),
    ],
)
def test_no_camera_in_plain_words(
    context: BrowserContext, fault: str, words: str, todo: str
) -> None:
    page = context.new_page()
    page.add_init_script(
        "const real = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);"
        "window.broken = true; navigator.mediaDevices.getUserMedia = (wanted) => window.broken"
        f" ? Promise.reject(new DOMException('x', '{fault}')) : real(wanted)"
    )
    with running(CONFIG) as server:
        page.goto(f"{server.url}/#/camera")
        turn_on = page.get_by_role("button", name="Turn the camera on")
        alert = page.get_by_role("alert")
        expect(turn_on.or_(alert)).to_be_visible()
        if turn_on.is_visible():
            turn_on.click()
        expect(alert).to_contain_text(words)
        expect(alert).to_contain_text(todo)
        expect(page.get_by_role("button", name="Start")).to_be_disabled()
        page.evaluate("window.broken = false")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        expect(alert).to_be_hidden()


def test_an_insecure_page_says_where_to_go(context: BrowserContext) -> None:
    with running(CONFIG, hosts=[NOWHERE]) as server:
        port = server.url.rpartition(":")[2]
        page = context.new_page()
        page.goto(f"http://{NOWHERE}:{port}/#/camera")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("only to secure pages")
        link = page.get_by_role("link", name="Open the secure page")
        assert link.get_attribute("href") == f"https://{NOWHERE}:{port}/#/camera"


def test_a_name_that_is_taken_and_a_stream_that_is_removed(context: BrowserContext) -> None:
    with running(CONFIG) as server:
        first = opened(context, server, name="door")
        start(first)
        second = opened(context, server, name="door")
        second.get_by_role("button", name="Start").click()
        alert = second.get_by_role("alert")
        expect(alert).to_contain_text("already sends a camera as door", timeout=PATIENCE_MS)
        second.get_by_role("button", name="Take another name").click()
        expect(live(second)).to_be_visible(timeout=PATIENCE_MS)
        assert len(streams(server)) == 2
        second.close()
        server.http.delete("/api/streams/door")
        expect(first.get_by_role("alert")).to_contain_text("removed by somebody else")
        expect(first.get_by_role("button", name="Start", exact=True)).to_be_enabled()
        first.get_by_role("button", name="Start again").click()
        expect(live(first)).to_be_visible(timeout=PATIENCE_MS)
        assert server.http.post("/api/streams/door/stop").status_code == 200
        expect(first.get_by_role("alert")).to_contain_text("removed by somebody else")
        first.get_by_role("button", name="Start again").click()
        expect(first.get_by_role("alert")).to_contain_text("door is stopped")
        first.get_by_role("button", name="Start the stream").click()
        expect(live(first)).to_be_visible(timeout=PATIENCE_MS)


def test_only_names_that_one_was_given(context: BrowserContext) -> None:
    secret = "a-token-for-this-test"
    config = {**CONFIG, "access": {"trust_loopback": False}}
    with running(config, token=secret) as server:
        wish = {"grants": [{"stream": "cam-*", "actions": ["publish", "view"]}], "kind": "share"}
        bearer = {"Authorization": f"Bearer {secret}"}
        link = server.http.post("/api/tokens", json=wish, headers=bearer).json()["link"]
        context.grant_permissions(["camera"], origin=server.url)
        page = context.new_page()
        page.goto(f"{server.url}/{link}#/camera")
        page.get_by_role("button", name="Camera settings").click()
        name = page.get_by_label("Name of the stream")
        assert name.input_value().startswith("cam-")
        name.fill("door")
        page.keyboard.press("Escape")
        begin = page.get_by_role("button", name="Start")
        begin.click()
        expect(page.get_by_role("alert")).to_contain_text("no right to send a camera as door")
        page.get_by_role("button", name="Camera settings").click()
        name.fill("cam-1")
        page.keyboard.press("Escape")
        start(page)
        page.get_by_role("button", name="Share").click()
        expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
        expect(page.get_by_role("button", name="Make a link for everybody")).to_be_hidden()


def test_comes_back_after_the_server_and_after_the_camera(context: BrowserContext) -> None:
    with running(CONFIG) as server:
        page = opened(context, server, name="desk")
        start(page)
        old = page.evaluate_handle(TRACK)
        page.evaluate("(track) => { track.stop(); track.dispatchEvent(new Event('ended')); }", old)
        page.wait_for_function(OTHER_TRACK, arg=old)
        seen = streams(server)["desk"]["captured"]
        until(lambda: streams(server)["desk"]["captured"] > seen + 10)
        port = int(server.url.rpartition(":")[2])
    expect(live(page)).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.get_by_role("alert")).to_contain_text("does not answer", timeout=PATIENCE_MS)
    with running(CONFIG, port=port) as server:
        expect(live(page)).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_role("alert")).to_be_hidden()
        until(lambda: streams(server)["desk"]["captured"] > 5)
