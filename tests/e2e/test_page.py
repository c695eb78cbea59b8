"""The page in real Chromium, on a real server."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import supervision as sv
from playwright.sync_api import Browser, Page, expect, sync_playwright

import livelens
from livelens.sources.counter import read_counter
from livelens.spec import StageSpec
from livelens.types import Item
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

PAGE = Path(livelens.__file__).parent / "web" / "index.html"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    "--disable-dev-shm-usage",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
SIZE = (640, 360)
BOX_PX = 60
BOX_TOP_PX = 150
PATIENCE_MS = 30_000

# Resolves when the page has drawn a picture newer than `after`.
NEXT_DRAWN = """
(after) => new Promise((resolve) => {
  const look = () => {
    const drawn = livelens.drawn();
    if (drawn !== null && drawn.rtpTimestamp !== after) resolve(drawn.rtpTimestamp);
    else requestAnimationFrame(look);
  };
  look();
})
"""

# `count` times, at moments when a picture with its own boxes is shown: the picture (grey,
# 144x144), where the page painted boxes in the row `y`, and what it says about them.
SIGHTINGS = """
([count, y, width, height]) => new Promise((resolve) => {
  const side = 144;
  const small = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  const sightings = [];
  let last = null;
  const look = () => {
    const drawn = livelens.drawn();
    if (drawn?.drawing.kind === "exact" && drawn.rtpTimestamp !== last) {
      last = drawn.rtpTimestamp;
      small.drawImage(document.getElementById("picture"), 0, 0, side, side);
      const grey = [];
      const pixels = small.getImageData(0, 0, side, side).data;
      for (let i = 0; i < pixels.length; i += 4) grey.push(pixels[i + 1]);
      const boxes = document.getElementById("boxes");
      const row = boxes.getContext("2d").getImageData(
        0, Math.round((y / height) * boxes.height), boxes.width, 1).data;
      const painted = [];
      for (let x = 0; x < boxes.width; x++) {
        if (row[4 * x + 3] > 0) painted.push((x / boxes.width) * width);
      }
      sightings.push({ grey, painted, seq: drawn.drawing.result.seq });
    }
    if (sightings.length >= count) resolve(sightings);
    else requestAnimationFrame(look);
  };
  look();
})
"""


class Follow(StageSpec, frozen=True, kw_only=True):
    """Finds a box whose place is told by the picture's own number."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})

    def open(self) -> "FollowStage":
        return FollowStage()


class FollowStage:
    def process(self, items: Sequence[Item]) -> list[Item]:
        # Slow now and then: the page holds all pictures for so long, and by then newer results
        # than a picture's own are there, which must not be drawn on it.
        if items[0].frame.seq % 12 == 0:
            threading.Event().wait(0.09)
        return [item.with_(detections=_found(item)) for item in items]

    def close(self) -> None:
        pass


def _found(item: Item) -> sv.Detections:
    number = read_counter(item.frame.image)
    assert number is not None
    left = box_left(number)
    return sv.Detections(
        xyxy=np.array([[left, BOX_TOP_PX, left + BOX_PX, BOX_TOP_PX + BOX_PX]], np.float32),
        class_id=np.array([0]),
        confidence=np.array([0.9], np.float32),
        tracker_id=np.array([1]),
        data={"class_name": np.array(["thing"])},
    )


def box_left(number: int) -> int:
    """No two numbers near each other share a place, and none lies between its neighbours."""
    return 20 + number * 193 % 521


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not PAGE.is_file():
        pytest.fail("the page is not built: run 'make web'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def pattern(fps: float = 15, **fields: Any) -> dict[str, Any]:
    source = {"type": "pattern", "width_px": SIZE[0], "height_px": SIZE[1], "fps": fps}
    return {"source": source, "stages": [{"type": "simulate"}], **fields}


def wait_for_picture(page: Page) -> None:
    """Two pictures in a row: it plays."""
    first = page.evaluate(NEXT_DRAWN, None)
    page.evaluate(NEXT_DRAWN, first)


def test_boxes_are_drawn_on_the_frame_they_belong_to(page: Page) -> None:
    with running({"streams": {"numbers": pattern(stages=[Follow()], fps=30)}}) as server:
        page.goto(server.url)
        expect(page.locator("[data-stream=numbers]")).to_contain_text("running")
        expect(page.locator("[data-stream=numbers]")).to_contain_text("640×360")
        page.get_by_label("labels").uncheck()
        middle = BOX_TOP_PX + BOX_PX // 2
        sightings = page.evaluate(SIGHTINGS, [40, middle, *SIZE])
        for sighting in sightings:
            grey = np.array(sighting["grey"], np.uint8).reshape(144, 144)
            number = read_counter(grey)
            assert number is not None
            assert number == sighting["seq"]
            assert min(sighting["painted"]) == pytest.approx(box_left(number), abs=4)
            assert max(sighting["painted"]) == pytest.approx(box_left(number) + BOX_PX, abs=4)
        page.get_by_label("boxes", exact=True).uncheck()
        expect(page.get_by_label("boxes", exact=True)).not_to_be_checked()
        page.evaluate(NEXT_DRAWN, page.evaluate("livelens.drawn().rtpTimestamp"))
        assert page.evaluate(
            "(() => { const c = document.getElementById('boxes'); return c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.every((v) => v === 0); })()"
        )


def test_live_timing_and_the_rendition_that_the_server_draws(page: Page) -> None:
    drawn = pattern(stages=[{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}])
    with running({"streams": {"one": drawn, "two": pattern()}}) as server:
        page.goto(f"{server.url}/#stream=one")
        wait_for_picture(page)
        page.locator("#timing").select_option("live")
        wait_for_picture(page)
        assert page.evaluate("livelens.stats().heldMs") == 0
        page.locator("#rendition").select_option("annotated")
        expect(page.locator("#picture")).to_be_hidden()
        expect(page.locator("#badge")).to_contain_text("fps")
        page.wait_for_function("() => document.getElementById('video').currentTime > 0.2")
        page.locator("[data-stream=two]").click()
        page.locator("#rendition").select_option("main")
        wait_for_picture(page)
        expect(page.locator("#title")).to_have_text("two")


def test_the_visitors_own_camera(page: Page) -> None:
    preset = {"presets": {"default": {"stages": [{"type": "simulate"}]}}}
    with running({**preset, "publish": {"preset": "default", "linger_s": 0.2}}) as server:
        page.context.grant_permissions(["camera"], origin=server.url)
        page.goto(server.url)
        expect(page.locator("#empty")).to_be_visible()
        page.get_by_role("button", name="Use my camera").click()
        row = page.locator("[data-stream^=cam-]")
        expect(row).to_contain_text("running", timeout=PATIENCE_MS)
        wait_for_picture(page)
        page.get_by_role("button", name="Stop my camera").click()
        expect(page.get_by_role("button", name="Use my camera")).to_be_visible()
        expect(row).to_have_count(0, timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("NotFoundError", "No camera was found"),
        ("NotAllowedError", "not allowed to use the camera"),
        ("NotReadableError", "Another program"),
    ],
)
def test_no_camera_in_plain_words(page: Page, fault: str, words: str) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = "
        f"() => Promise.reject(new DOMException('x', '{fault}'))"
    )
    with running() as server:
        page.goto(server.url)
        page.get_by_role("button", name="Use my camera").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.get_by_role("button", name="Use my camera")).to_be_visible()


def test_a_full_server_in_plain_words(page: Page) -> None:
    with running({"streams": {"one": pattern()}}, limits={"max_streams": 1}) as server:
        page.goto(server.url)
        page.get_by_role("button", name="Use my camera").click()
        expect(page.get_by_role("alert")).to_contain_text("The server is full")


def test_a_stream_that_is_over_is_said_to_be_and_not_chosen_first(page: Page) -> None:
    film = {"type": "pattern", "frames": 1, "realtime": False}
    with running({"streams": {"a-film": {"source": film}, "b-live": pattern()}}) as server:
        until(lambda: server.http.get("/api/streams/a-film").json()["state"] == "ended")
        page.goto(server.url)
        wait_for_picture(page)
        expect(page.locator("#title")).to_have_text("b-live")
        page.get_by_role("button", name="a-film").click()
        expect(page.locator("#status")).to_have_text("The stream has ended.")


def port_of(server: Running) -> int:
    return int(server.url.rsplit(":", 1)[1])


def test_comes_back_when_the_server_does_and_asks_for_a_new_token(page: Page) -> None:
    streams = {"streams": {"one": pattern()}}
    with running(streams) as server:
        page.goto(server.url)
        wait_for_picture(page)
        port = port_of(server)
    expect(page.locator("#server")).to_contain_text("no answer", timeout=PATIENCE_MS)
    expect(page.locator("#status")).to_contain_text("does not answer", timeout=PATIENCE_MS)
    with running(streams, port=port):
        expect(page.locator("#server")).to_have_text("connected", timeout=PATIENCE_MS)
        expect(page.locator("#status")).to_be_hidden(timeout=PATIENCE_MS)
        wait_for_picture(page)
    with running(streams, port=port, token="a-new-token-of-the-server"):
        form = page.locator("#token-form")
        expect(form).to_be_visible(timeout=PATIENCE_MS)
        page.locator("#token").fill("wrong")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#server")).to_contain_text("token")
        expect(form).to_be_visible(timeout=PATIENCE_MS)
        page.locator("#token").fill("a-new-token-of-the-server")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#server")).to_have_text("connected", timeout=PATIENCE_MS)
        expect(form).to_be_hidden()
        wait_for_picture(page)


def test_takes_the_token_out_of_the_address(page: Page) -> None:
    with running({"streams": {"one": pattern()}}, token="a-token-for-this-test") as server:
        page.goto(f"{server.url}/?token=a-token-for-this-test")
        expect(page.locator("#server")).to_have_text("connected")
        assert "token" not in page.url
        wait_for_picture(page)
