"""The editor of pipelines in real Chromium: what is changed runs, and who watches stays."""

import re
from typing import Any

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from livelens.models import zoo
from livelens.server.config import read_config
from tests.e2e.browsers import PATIENCE_MS
from tests.e2e.viewing import sessions
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

BOXES = {"type": "simulate", "boxes": [[0.1, 0.2, 0.3, 0.8], [0.6, 0.2, 0.8, 0.8]]}
PATTERN = {"type": "pattern", "width_px": 640, "height_px": 360, "fps": 15}
CLIP = {"type": "file", "path": str(zoo.clip("bikes")), "loop": True, "pace": True}
PLAYS = "(before) => document.querySelector('video').currentTime > before + 0.5"


def edit(page: Page, server: Running, stream: str) -> None:
    page.goto(f"{server.url}/#/edit/{stream}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(stream)
    plays_on(page)


def plays_on(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    before = page.evaluate("document.querySelector('video').currentTime")
    page.wait_for_function(PLAYS, arg=before)


def card(page: Page, kind: str) -> Locator:
    return page.locator(f"article[data-stage={kind}]")


def spec(server: Running, stream: str) -> dict[str, Any]:
    told: dict[str, Any] = server.http.get(f"/api/streams/{stream}").json()["spec"]
    return told


def objects(page: Page) -> Locator:
    return page.locator(".layers .numbers")


def test_a_threshold_changes_what_is_found_while_viewers_stay(page: Page) -> None:
    stages = [{"type": "detect", "model": "coco-ssd", "confidence": 0.2, "every": "auto"}]
    begun = sessions(page)
    with running({"streams": {"street": {"source": CLIP, "stages": stages}}}) as server:
        edit(page, server, "street")
        expect(objects(page)).to_have_text(some("[1-9]"), timeout=PATIENCE_MS)
        detect = card(page, "detect")
        expect(detect).to_contain_text("Apache-2.0")
        expect(detect).to_contain_text("80 everyday objects")
        detect.get_by_role("slider", name="Confidence").fill("0.99")
        until(lambda: spec(server, "street")["stages"][0]["confidence"] == 0.99)
        expect(objects(page)).to_have_text(some("0"), timeout=PATIENCE_MS)
        page.get_by_role("button", name="Undo").click()
        until(lambda: spec(server, "street")["stages"][0]["confidence"] == 0.2)
        expect(objects(page)).to_have_text(some("[1-9]"), timeout=PATIENCE_MS)
        detect.get_by_role("searchbox").fill("person")
        detect.get_by_role("button", name="person", exact=True).click()
        until(lambda: spec(server, "street")["stages"][0]["classes"] == ["person"])
        plays_on(page)
        assert len(begun) == 1, "the viewer had to connect again"


def some(count: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*Objects: {count}\d*\s*$")


def test_a_mistake_stands_at_its_field_and_changes_nothing(page: Page) -> None:
    streams = {"one": {"source": PATTERN, "stages": [BOXES, {"type": "track"}]}}
    with running({"streams": streams}) as server:
        edit(page, server, "one")
        before = spec(server, "one")
        card(page, "simulate").get_by_role("spinbutton", name="Cost (ms)").fill("-5")
        field = card(page, "simulate").locator(".field", has_text="Cost (ms)")
        expect(field.locator(".field-error")).to_contain_text(">= 0")
        expect(page.locator(".progress")).to_contain_text("Not applied")
        assert spec(server, "one") == before
        card(page, "simulate").get_by_role("spinbutton", name="Cost (ms)").fill("1")
        expect(page.locator(".progress")).to_contain_text("Applied")
        expect(page.locator(".field-error")).to_have_count(0)
        # The tracker before what finds objects: the stage itself says so.
        page.get_by_role("button", name="Move Track", exact=False).first.click()
        expect(card(page, "track").get_by_role("alert")).to_contain_text("needs detections")
        assert [stage["type"] for stage in spec(server, "one")["stages"]] == ["simulate", "track"]
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("article[data-index='0']")).to_have_attribute("data-stage", "simulate")
        page.get_by_label("Longest delay").fill("0")
        delay = page.locator(".field", has_text="Longest delay")
        expect(delay.locator(".field-error")).to_contain_text("> 0")
        page.locator("fieldset[data-sink=main]").get_by_label("Most fps").fill("500")
        rate = page.locator("fieldset[data-sink=main] .field", has_text="Most fps")
        expect(rate.locator(".field-error")).to_contain_text("1..240")


def test_stages_come_move_and_go_and_can_be_copied_as_yaml(page: Page) -> None:
    begun = sessions(page)
    with running({"streams": {"one": {"source": PATTERN, "stages": [BOXES]}}}) as server:
        edit(page, server, "one")
        page.get_by_role("button", name="Add a stage").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("searchbox").fill("vehicle")
        expect(dialog.locator("[data-add=vehicle]")).to_contain_text("Needs a detector")
        dialog.get_by_role("searchbox").fill("sort")
        dialog.locator("[data-add=sort]").click()
        until(lambda: [s["type"] for s in spec(server, "one")["stages"]] == ["simulate", "track"])
        assert spec(server, "one")["stages"][1]["tracker"] == "sort"
        page.get_by_role("button", name="Add a stage").click()
        dialog.locator("[data-add=vehicle]").click()
        until(lambda: len(spec(server, "one")["stages"]) == 3)
        page.get_by_role("button", name="Remove Motion").click()
        until(lambda: len(spec(server, "one")["stages"]) == 2)
        page.get_by_role("button", name="As YAML").click()
        text = dialog.locator("pre").inner_text()
        read = read_config({"streams": yaml.safe_load(text)["streams"]})
        assert "one" in read.streams
        assert yaml.safe_load(text)["streams"]["one"]["stages"] == [
            BOXES,
            {"type": "track", "tracker": "sort"},
        ]
        page.keyboard.press("Escape")
        plays_on(page)
        assert len(begun) == 1


def test_a_stopped_stream_takes_changes_for_its_next_start(page: Page) -> None:
    with running({"streams": {"one": {"source": PATTERN, "stages": [BOXES]}}}) as server:
        edit(page, server, "one")
        server.http.post("/api/streams/one/stop")
        expect(page.locator(".rests")).to_contain_text("does not run", timeout=PATIENCE_MS)
        card(page, "simulate").get_by_role("spinbutton", name="Cost (ms)").fill("2")
        until(lambda: spec(server, "one")["stages"][0]["cost_ms"] == 2)
        page.locator(".rests").get_by_role("button", name="Start").click()
        expect(page.locator(".rests")).to_have_count(0, timeout=PATIENCE_MS)
        plays_on(page)
        assert spec(server, "one")["stages"][0]["cost_ms"] == 2


def test_by_drag_and_only_when_told(page: Page) -> None:
    two = [{**BOXES, "name": "left"}, {"type": "track"}, {**BOXES, "name": "right"}]
    with running({"streams": {"one": {"source": PATTERN, "stages": two}}}) as server:
        edit(page, server, "one")
        page.get_by_role("switch", name="Apply while I edit").uncheck()
        last = page.locator("article[data-index='2'] .handle")
        last.scroll_into_view_if_needed()
        last.hover()
        page.mouse.down()
        target = page.locator("article[data-index='1']").bounding_box()
        assert target is not None
        page.mouse.move(target["x"] + 20, target["y"] + 2, steps=5)
        page.mouse.up()
        expect(page.locator("article[data-index='1']")).to_have_attribute("data-stage", "simulate")
        expect(page.locator(".progress")).to_contain_text("not applied yet")
        assert [s["name"] for s in spec(server, "one")["stages"]] == ["left", None, "right"]
        page.get_by_role("button", name="Apply", exact=True).click()
        until(lambda: [s["name"] for s in spec(server, "one")["stages"]] == ["left", "right", None])


def test_a_rendition_changes_its_size_under_its_viewers(page: Page) -> None:
    begun = sessions(page)
    with running({"streams": {"one": {"source": PATTERN, "stages": []}}}) as server:
        edit(page, server, "one")
        main = page.locator("fieldset[data-sink=main]")
        main.get_by_label("Height").select_option("240")
        page.wait_for_function("() => document.querySelector('video').videoHeight === 240")
        main.get_by_label("kbit/s").fill("300")
        until(lambda: spec(server, "one")["sinks"][0]["bitrate_bps"] == 300_000)
        page.get_by_role("button", name="Add", exact=True).click()
        until(lambda: [s["name"] for s in spec(server, "one")["sinks"]][-1] == "small")
        plays_on(page)
        assert len(begun) == 1
