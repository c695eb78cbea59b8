"""The page that shows nothing but the video, for OBS and for screens."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsers import PATIENCE_MS, page_of
from tests.server.running import Running, running

pytestmark = pytest.mark.e2e

STREAM = {
    "source": {"type": "pattern", "width_px": 640, "height_px": 360, "fps": 15},
    "stages": [
        {"type": "simulate", "boxes": [[0.7, 0.2, 0.85, 0.9]]},
        {"type": "reframe", "aspect": "9:16"},
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running({"streams": {"lobby": STREAM}}) as one:
        yield one


def test_only_the_video_is_shown(browser: Browser, server: Running) -> None:
    with page_of(browser) as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server.url}/#/watch/lobby?rendition=framed&bare=1")
        expect(page.locator(".live-player[data-status=playing]")).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function(
            "() => { const v = document.querySelector('video'); return v.videoWidth === 202 }",
            timeout=PATIENCE_MS,
        )
        for part in ("header", "nav", "button", ".toolbar"):
            assert page.locator(part).count() == 0, part
        box = page.locator(".live-player .stage").bounding_box()
        window = page.viewport_size
        assert box is not None
        assert window is not None
        assert box["height"] == pytest.approx(window["height"], abs=2), "as large as the window"
        assert box["width"] / box["height"] == pytest.approx(9 / 16, abs=0.01)
        painted = """() => {
          const boxes = document.querySelector(".live-player canvas.boxes");
          if (boxes.hidden || !boxes.width) return 0;
          return boxes.getContext("2d").getImageData(0, 0, boxes.width, boxes.height).data
            .reduce((sum, each) => sum + each, 0);
        }"""
        assert page.evaluate(painted) == 0, "nothing is drawn on it"
        overflow = "getComputedStyle(document.documentElement).overflowY"
        assert page.evaluate(overflow) == "hidden", "a scrollbar's place is left beside it"
        sessions = json.loads(server.http.get("/api/viewers").text)["sessions"]
        assert [each["rendition"] for each in sessions] == ["framed"]
        # The same window goes to another rendition, and to the page with everything.
        page.goto(f"{server.url}/#/watch/lobby?bare=1")
        page.wait_for_function(
            "() => document.querySelector('video').videoWidth === 640", timeout=PATIENCE_MS
        )
        page.goto(f"{server.url}/#/watch/lobby")
        expect(page.locator("header").first).to_be_visible()
        assert faults == []
