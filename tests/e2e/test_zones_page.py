"""Lines and zones drawn on the live picture, by mouse, finger and keys, in real Chromium."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from livelens.models import zoo
from tests.e2e.browsers import PATIENCE_MS
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

SIZE = (640, 360)
PATTERN = {"type": "pattern", "width_px": SIZE[0], "height_px": SIZE[1], "fps": 15}
# The middle of its lower edge is at (0.2, 0.8).
BOX = {"type": "simulate", "boxes": [[0.1, 0.3, 0.3, 0.8]]}
CLIP = {"type": "file", "path": str(zoo.clip("bikes")), "loop": True, "pace": True}


def edit(page: Page, server: Running) -> FloatRect:
    """Opens the editor; where its picture lies."""
    page.goto(f"{server.url}/#/edit/one")
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    page.locator(".live-player").scroll_into_view_if_needed()
    place = page.locator(".live-player .stage").bounding_box()
    assert place is not None
    return place


def at(place: FloatRect, x: float, y: float) -> tuple[float, float]:
    """A point of the page from shares of the picture."""
    return place["x"] + x * place["width"], place["y"] + y * place["height"]


def flux(server: Running) -> dict[str, Any]:
    stages = server.http.get("/api/streams/one").json()["spec"]["stages"]
    found: dict[str, Any] = next((each for each in stages if each["type"] == "flux"), {})
    return found


def row(page: Page, name: str) -> Locator:
    return page.locator(f"li[data-shape='{name}']")


def corner(page: Page, name: str, number: int) -> Locator:
    return page.get_by_role("button", name=re.compile(rf"Corner {number} of \d+ of {name},"))


def test_a_line_is_dragged_over_a_street_and_counts_rise(page: Page) -> None:
    stages = [
        {"type": "detect", "model": "coco-ssd", "confidence": 0.3},
        {"type": "track", "keep_untracked": False},
    ]
    with running({"streams": {"one": {"source": CLIP, "stages": stages}}}) as server:
        place = edit(page, server)
        page.get_by_role("button", name="Draw a line").click()
        page.mouse.move(*at(place, 0.5, 0.97))
        page.mouse.down()
        page.mouse.move(*at(place, 0.5, 0.2), steps=4)
        page.mouse.up()
        until(lambda: flux(server).get("lines"))
        [line] = flux(server)["lines"]
        assert line["start"] == pytest.approx([0.5, 0.97], abs=0.01)
        assert line["end"] == pytest.approx([0.5, 0.2], abs=0.01)
        assert flux(server)["units"] == "fraction"
        crossed = re.compile(r"in [1-9]|out [1-9]")
        expect(row(page, "Line").locator(".count")).to_have_text(
            crossed, use_inner_text=True, timeout=2 * PATIENCE_MS
        )
        expect(page.locator("g[data-shape=Line] .count")).to_have_text(crossed)


def test_a_zone_is_clicked_together_changed_and_named(page: Page) -> None:
    with running(
        {"streams": {"one": {"source": PATTERN, "stages": [BOX, {"type": "track"}]}}}
    ) as server:
        place = edit(page, server)
        page.get_by_role("button", name="Draw a zone").click()
        for x, y in ((0.05, 0.6), (0.4, 0.6), (0.4, 0.95), (0.05, 0.95), (0.05, 0.6)):
            page.mouse.click(*at(place, x, y))
        until(lambda: flux(server).get("zones"))
        expect(row(page, "Zone").locator(".count")).to_contain_text("now 1 · total 1")
        # A corner that is dragged away takes the object out of the zone.
        page.mouse.move(*at(place, 0.05, 0.95))
        page.mouse.down()
        page.mouse.move(*at(place, 0.3, 0.62), steps=4)
        page.mouse.up()
        expect(row(page, "Zone").locator(".count")).to_contain_text("now 0")
        # One more corner, from the dot between two.
        page.mouse.move(*at(place, 0.4, 0.775))
        page.mouse.down()
        page.mouse.move(*at(place, 0.9, 0.775), steps=4)
        page.mouse.up()
        until(lambda: len(flux(server)["zones"][0]["polygon"]) == 5)
        assert flux(server)["zones"][0]["polygon"][2] == pytest.approx([0.9, 0.775], abs=0.02)
        row(page, "Zone").get_by_role("textbox").fill("Gate")
        page.keyboard.press("Enter")
        until(lambda: flux(server)["zones"][0]["name"] == "Gate")
        # As a whole.
        page.mouse.move(*at(place, 0.5, 0.75))
        page.mouse.down()
        page.mouse.move(*at(place, 0.5, 0.45), steps=4)
        page.mouse.up()
        until(lambda: flux(server)["zones"][0]["polygon"][0][1] == pytest.approx(0.3, abs=0.02))


def test_by_keyboard_alone(page: Page) -> None:
    with running(
        {"streams": {"one": {"source": PATTERN, "stages": [BOX, {"type": "track"}]}}}
    ) as server:
        edit(page, server)
        page.get_by_role("button", name="Draw a line").focus()
        page.keyboard.press("Enter")
        until(lambda: flux(server).get("lines"))
        start = flux(server)["lines"][0]["start"]
        corner(page, "Line", 1).focus()
        for _ in range(3):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("ArrowDown")
        until(lambda: flux(server)["lines"][0]["start"][0] > start[0] + 0.02)
        assert flux(server)["lines"][0]["start"][1] > start[1]
        inward = page.locator("g[data-shape=Line] .arrow").get_attribute("d")
        page.get_by_role("button", name="Swap in and out of Line").press("Enter")
        until(lambda: flux(server)["lines"][0]["end"][0] < flux(server)["lines"][0]["start"][0])
        assert page.locator("g[data-shape=Line] .arrow").get_attribute("d") != inward
        page.get_by_role("button", name="Draw a zone").press("Enter")
        until(lambda: flux(server).get("zones"))
        corner(page, "Zone", 1).focus()
        page.keyboard.press("+")
        until(lambda: len(flux(server)["zones"][0]["polygon"]) == 5)
        page.keyboard.press("Delete")
        until(lambda: len(flux(server)["zones"][0]["polygon"]) == 4)
        page.get_by_role("button", name="Remove Zone").press("Enter")
        until(lambda: not flux(server)["zones"])
        corner(page, "Line", 1).focus()
        page.keyboard.press("Delete")
        until(lambda: not flux(server)["lines"])


def test_with_a_finger_on_a_phone_where_nothing_counts_yet(browser: Browser) -> None:
    with running({"streams": {"one": {"source": PATTERN, "stages": [BOX]}}}) as server:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        place = edit(page, server)
        page.get_by_role("button", name="Draw a zone").tap()
        for x, y in ((0.05, 0.5), (0.45, 0.5), (0.45, 0.95), (0.05, 0.5)):
            page.touchscreen.tap(*at(place, x, y))
        until(lambda: flux(server).get("zones"))
        stages = server.http.get("/api/streams/one").json()["spec"]["stages"]
        assert [stage["type"] for stage in stages] == ["simulate", "track", "flux"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        context.close()
