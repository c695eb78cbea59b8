"""Whatever is found is drawn on its own frame, in Chromium and in Firefox."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsers import chromium, firefox
from tests.e2e.viewing import (
    NEXT_DRAWN,
    PAINTED,
    ROWS_PX,
    SIGHTINGS,
    SIZE,
    Follow,
    check_sightings,
    pattern,
    set_layers,
    wait_for_picture,
    watch,
)
from tests.server.running import running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with chromium() if request.param == "chromium" else firefox() as one:
        yield one


def test_boxes_masks_and_bodies_are_drawn_on_the_frame_they_belong_to(page: Page) -> None:
    stages = [Follow(everything=True)]
    with running({"streams": {"numbers": pattern(stages=stages, fps=20)}}) as server:
        set_layers(page, boxes=True, mask=True, body=True)
        watch(page, server.url, "numbers")
        rows = list(ROWS_PX)
        sightings = page.evaluate(SIGHTINGS, [16, [ROWS_PX[name] for name in rows], *SIZE])
        check_sightings(sightings, rows)
        for key in ("b", "x", "y"):
            page.keyboard.press(key)
        page.evaluate(NEXT_DRAWN, page.evaluate("livelens.drawn().rtpTimestamp"))
        assert page.evaluate(PAINTED) == 0


def test_live_timing_and_the_rendition_that_the_server_draws(page: Page) -> None:
    drawn = pattern(stages=[{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}])
    with running({"streams": {"one": drawn}}) as server:
        watch(page, server.url, "one")
        page.get_by_title("Exact holds each picture").select_option("live")
        wait_for_picture(page)
        page.wait_for_function("() => livelens.stats()?.heldMs === 0")
        page.get_by_title("Rendition").select_option("annotated")
        expect(page.locator("canvas.picture")).to_be_hidden()
        expect(page.get_by_title("How old is this picture?")).to_contain_text("ms")
        page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
        page.wait_for_function("() => livelens.stats()?.fps > 2")
        page.keyboard.press("d")
        expect(page.get_by_title("Rendition")).to_have_value("main")
        expect(page.locator("canvas.picture")).to_be_visible()
        wait_for_picture(page)
