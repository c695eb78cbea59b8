"""Layers, lines and zones, the help, snapshots and the frame's result, in two browsers."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from livelens.sources.counter import read_counter
from livelens.sources.pattern import Pattern
from tests.e2e.browsers import chromium, firefox
from tests.e2e.viewing import (
    BOX_PX,
    BOX_TOP_PX,
    NEXT_DRAWN,
    PAINTED,
    SIZE,
    Follow,
    box_left,
    pattern,
    set_layers,
    wait_for_picture,
    watch,
)
from tests.server.running import running

pytestmark = pytest.mark.e2e

FLUX = {
    "type": "flux",
    "units": "fraction",
    "lines": [{"name": "middle", "start": [0.1, 0.9], "end": [0.9, 0.9]}],
    "zones": [{"name": "left", "polygon": [[0.05, 0.7], [0.3, 0.7], [0.3, 0.95], [0.05, 0.95]]}],
    "grid": {"cell_px": 60, "report_s": 0.2},
}

# Nobody else's clipboard is touched, and not every browser lets a test read it.
CLIPBOARD = """
Object.defineProperty(navigator, "clipboard", {
  value: { writeText: async (text) => { window.copied = text; } },
});
"""
SAVED = """
window.saved = {};
const make = URL.createObjectURL.bind(URL);
URL.createObjectURL = (file) => { saved.file = file; return make(file); };
const click = HTMLAnchorElement.prototype.click;
HTMLAnchorElement.prototype.click = function () { saved.name = this.download; click.call(this); };
"""
# Takes a snapshot of a picture that has a result of its own.
SNAPSHOT = """
() => new Promise((resolve) => {
  const look = () => {
    if (livelens.drawn()?.drawing.kind !== "exact") return requestAnimationFrame(look);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "s", bubbles: true }));
    resolve();
  };
  look();
})
"""


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with chromium() if request.param == "chromium" else firefox() as one:
        yield one


def painted_anew(page: Page) -> int:
    """How much is painted over a picture that came after this call."""
    page.evaluate(NEXT_DRAWN, page.evaluate("livelens.drawn().rtpTimestamp"))
    return int(page.evaluate(PAINTED))


def test_layers_are_switched_by_menu_and_keys_and_kept(page: Page) -> None:
    stages = [Follow(everything=True), FLUX]
    with running({"streams": {"numbers": pattern(stages=stages)}}) as server:
        set_layers(page, zones=True)
        watch(page, server.url, "numbers")
        zones = painted_anew(page)
        assert zones > 1000
        page.keyboard.press("z")
        assert painted_anew(page) == 0
        for key in ("g", "t", "b", "l"):
            page.keyboard.press(key)
            page.wait_for_function(f"() => ({PAINTED})() > 100")
            page.keyboard.press(key)
            assert painted_anew(page) == 0, key
        page.get_by_role("button", name="Layers").click()
        page.get_by_role("switch", name="Boxes").check()
        expect(page.get_by_role("switch", name="Labels")).not_to_be_checked()
        page.keyboard.press("Escape")
        assert painted_anew(page) > 100
        page.reload()
        wait_for_picture(page)
        page.get_by_role("button", name="Layers").click()
        expect(page.get_by_role("switch", name="Boxes")).to_be_checked()
        expect(page.get_by_role("switch", name="Zones and lines")).not_to_be_checked()
        page.get_by_role("button", name="Back to the defaults").click()
        expect(page.get_by_role("switch", name="Zones and lines")).to_be_checked()
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(dialog).to_contain_text("Full screen")
        page.keyboard.press("b")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert page.evaluate("JSON.parse(localStorage['livelens.layers']).boxes") is True


def test_a_snapshot_is_the_picture_with_its_boxes_in_full_size(page: Page) -> None:
    with running({"streams": {"numbers": pattern(stages=[Follow()])}}) as server:
        set_layers(page, boxes=True)
        page.add_init_script(SAVED)
        watch(page, server.url, "numbers")
        name, file = taken(page)
        picture = cv2.imdecode(np.frombuffer(file, np.uint8), 1)
        assert picture is not None
        assert picture.shape[1::-1] == SIZE
        number = read_counter(np.asarray(picture, np.uint8))
        assert number is not None
        seconds = number / 15
        assert name == f"numbers 00-00-{seconds:06.3f}.png"
        left = box_left(number)
        # The sides of the box, over most of its height: what a busy encoder leaves of earlier
        # pictures differs from the source too, but not in one column for so long.
        sides = slice(BOX_TOP_PX + 8, BOX_TOP_PX + BOX_PX - 8)
        clean = source_picture(number)
        differs = np.abs(picture[sides].astype(int) - clean[sides].astype(int)).max(axis=2) > 60
        places = np.flatnonzero(differs.all(axis=0))
        assert places.min() == pytest.approx(left, abs=4)
        assert places.max() == pytest.approx(left + BOX_PX, abs=4)


def taken(page: Page) -> tuple[str, bytes]:
    """A snapshot's name and file: as it is saved, or where the driver tells of no download."""
    if page.context.browser is not None and page.context.browser.browser_type.name == "chromium":
        with page.expect_download() as arriving:
            page.evaluate(SNAPSHOT)
        return arriving.value.suggested_filename, arriving.value.path().read_bytes()
    page.evaluate(SNAPSHOT)
    page.wait_for_function("() => window.saved?.name")
    octets = page.evaluate("saved.file.arrayBuffer().then((b) => [...new Uint8Array(b)])")
    return page.evaluate("saved.name"), bytes(octets)


def source_picture(number: int) -> NDArray[np.uint8]:
    """What the source has drawn."""
    return np.asarray(Pattern(width_px=SIZE[0], height_px=SIZE[1]).open().draw(number), np.uint8)


def test_the_result_of_the_frame_as_json(page: Page) -> None:
    page.add_init_script(CLIPBOARD)
    with running({"streams": {"numbers": pattern(stages=[Follow(everything=True)])}}) as server:
        watch(page, server.url, "numbers")
        page.get_by_role("button", name="Result of the frame").click()
        text = page.locator("aside pre")
        expect(text).to_contain_text('"rtp_timestamp"')
        first = text.get_attribute("data-seq")
        expect(text).not_to_have_attribute("data-seq", first or "")
        expect(text).to_contain_text("… +")  # 33 points are cut while it runs
        page.get_by_role("button", name="Pause").click()
        paused = text.get_attribute("data-seq")
        expect(text).not_to_contain_text("… +")
        page.evaluate(NEXT_DRAWN, page.evaluate("livelens.drawn().rtpTimestamp"))
        whole: dict[str, Any] = json.load(io.StringIO(text.inner_text()))
        assert str(whole["seq"]) == paused == text.get_attribute("data-seq")
        assert whole["objects"][0]["box"][0] == box_left(whole["seq"])
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert json.loads(page.evaluate("window.copied")) == whole
        assert page.locator("aside pre .key").count() > 10
        assert page.locator("aside pre [style]").count() == 0
        page.get_by_role("tab", name="Network").click()
        table = page.get_by_role("table")
        expect(table).to_contain_text("640 × 360")
        expect(table).to_contain_text(re.compile("H264|VP8"))
        expect(table).to_contain_text("Mbit/s")
        page.get_by_role("button", name="Close").click()
        expect(page.locator("aside")).to_have_count(0)
