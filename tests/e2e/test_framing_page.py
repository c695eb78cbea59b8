"""Framing in the page: shapes, subjects by click and by list, wide and framed in one connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from livelens.models import zoo
from tests.e2e.browsers import PATIENCE_MS
from tests.e2e.test_every_page import SIZES
from tests.e2e.test_every_page import _axe as serious_faults
from tests.e2e.viewing import sessions, set_layers, wait_for_picture, watch
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

SIZE = (960, 360)
SECONDS = 4
TOKEN = "correct-horse-battery-staple"
BOXES = {"type": "simulate", "boxes": [[0.1, 0.2, 0.25, 0.9], [0.7, 0.2, 0.85, 0.9]]}
PATTERN = {"type": "pattern", "width_px": 640, "height_px": 360, "fps": 15}
MAIN = {"type": "whep", "name": "main"}
FRAMED = {"type": "whep", "name": "framed", "viewport": "reframe"}

# Keeps count of the page's connections.
COUNT_PEERS = """
window.peers = [];
const Peer = RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
VIEWPORT = "livelens.drawn()?.drawing.viewports?.reframe"
# Until the viewport of the frame that is drawn has this shape, within 2 %.
HAS_RATIO = f"""
(ratio) => {{
  const viewport = {VIEWPORT};
  if (!viewport) return false;
  const [left, top, right, bottom] = viewport.box;
  return Math.abs((right - left) / (bottom - top) / ratio - 1) < 0.02;
}}
"""
FOLLOWS = f"(id) => {VIEWPORT}?.state === 'following' && {VIEWPORT}.subjects?.[0] === id"
# How dark the page has painted over the picture: in the middle of the viewport, and beside it.
VEIL = f"""
() => {{
  const [left, , right] = {VIEWPORT}.box;
  const width = livelens.drawn().drawing.result.size_px[0];
  const boxes = document.querySelector(".live-player canvas.boxes");
  return [(left + right) / 2, left > width / 2 ? left / 2 : (right + width) / 2].map((x) =>
    boxes.getContext("2d").getImageData(
      Math.round((x / width) * boxes.width), Math.round(boxes.height / 2), 1, 1).data[3]);
}}
"""
IS_PORTRAIT = """
(wanted) => {
  const video = document.querySelector(".live-player video");
  const canvas = document.querySelector(".live-player canvas.picture");
  return [video.videoWidth / video.videoHeight, canvas.width / canvas.height]
    .every((ratio) => (ratio < 1) === wanted);
}
"""


def film(path: Path) -> Path:
    """One person on the left and another on the right: the same, some time later, mirrored.

    It goes forth and back, so that nothing jumps where it begins again.
    """
    source = cv2.VideoCapture(str(zoo.clip("faces")))
    rate = source.get(cv2.CAP_PROP_FPS)
    half = (SIZE[0] // 2, SIZE[1])
    pictures: list[np.ndarray[Any, Any]] = []
    while len(pictures) < 2 * SECONDS * rate:
        read, picture = source.read()
        assert read
        # The person fills the middle of this part of the picture.
        pictures.append(cv2.resize(picture[:, 160:640], half))
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE)
    pairs = list(zip(pictures, pictures[len(pictures) // 2 :], strict=False))
    for first, second in (*pairs, *reversed(pairs)):
        out.write(np.hstack([first, second[:, ::-1]]))
    out.release()
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    clip = film(tmp_path_factory.mktemp("film") / "pair.mp4")
    pair = {
        "source": {"type": "file", "path": str(clip), "loop": True, "pace": True},
        "stages": [
            {"type": "detect", "model": "face-blaze", "every": 2},
            {"type": "track", "keep_untracked": False},
            {"type": "reframe", "aspect": "9:16"},
        ],
        "sinks": [MAIN, {"type": "whep", "name": "annotated", "overlay": "overlay"}, FRAMED],
    }
    bare = {"source": PATTERN, "stages": [BOXES], "sinks": [MAIN]}
    with running({"streams": {"pair": pair, "bare": bare}}) as one:
        yield one


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script(COUNT_PEERS)
    return page


def camera(server: Running, stream: str = "pair") -> dict[str, Any]:
    """The settings of its first camera, as the server has them."""
    spec = server.http.get(f"/api/streams/{stream}").json()["spec"]
    found: dict[str, Any] = next(each for each in spec["stages"] if each["type"] == "reframe")
    return found


def persons(page: Page) -> list[dict[str, Any]]:
    """Those on the picture, from left to right, once both are tracked."""
    page.wait_for_function(
        """() => {
          const found = livelens.drawn()?.drawing.objects ?? [];
          const sides = found.filter(({ tracker_id: id }) => typeof id === "number")
            .map(({ box }) => box[0] + box[2] < 960);
          return sides.includes(true) && sides.includes(false);
        }""",
        timeout=PATIENCE_MS,
    )
    found: list[dict[str, Any]] = page.evaluate("livelens.drawn().drawing.objects")
    return sorted(found, key=lambda each: float(each["box"][0]))


def place_of(page: Page, person: dict[str, Any]) -> tuple[float, float]:
    """Where on the screen the middle of a box is, on the wide or on the framed shot."""
    x, y = (person["box"][0] + person["box"][2]) / 2, (person["box"][1] + person["box"][3]) / 2
    left, top, right, bottom = (0, 0, *SIZE)
    if page.evaluate("livelens.drawn().drawing.camera") is not None:
        left, top, right, bottom = page.evaluate(f"{VIEWPORT}.box")
    layer = page.locator("[data-layer=subjects]").bounding_box()
    assert layer is not None
    return (
        layer["x"] + (x - left) / (right - left) * layer["width"],
        layer["y"] + (y - top) / (bottom - top) * layer["height"],
    )


def panel(page: Page) -> Locator:
    found = page.get_by_role("complementary", name="Details")
    if not found.is_visible():
        page.keyboard.press("r")
    expect(found.get_by_role("tab", name="Framing")).to_have_attribute("aria-selected", "true")
    return found


def test_shape_and_subject_are_chosen_on_the_wide_shot(page: Page, server: Running) -> None:
    begun = sessions(page)
    set_layers(page, viewport=True)
    watch(page, server.url, "pair")
    left, right = persons(page)[0], persons(page)[-1]
    controls = panel(page)
    page.wait_for_function(HAS_RATIO, arg=9 / 16)
    inside, beside = page.evaluate(VEIL)
    assert (inside, beside > 90) == (0, True), (
        "dimmed is what the camera does not show, nothing else"
    )
    page.keyboard.press("o")
    page.wait_for_function(f"() => ({VEIL})()[1] === 0")
    page.keyboard.press("o")

    for name, ratio in (("1:1", 1.0), ("4:5", 0.8)):
        controls.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(HAS_RATIO, arg=ratio)
        assert camera(server)["aspect"] == name
    own = controls.get_by_label("Own shape")
    own.fill("3:")
    expect(controls.get_by_text("Write it as 3:4")).to_be_visible()
    own.fill("3:4")
    own.press("Enter")
    page.wait_for_function(HAS_RATIO, arg=0.75)

    for person in (left, right):
        page.mouse.move(*place_of(page, person))
        expect(page.locator(f"[data-meant='{person['tracker_id']}']")).to_be_visible()
        page.mouse.click(*place_of(page, person))
        page.wait_for_function(FOLLOWS, arg=person["tracker_id"])
        expect(controls.get_by_role("status").first).to_contain_text(f"#{person['tracker_id']}")
    assert camera(server)["point"] is not None
    controls.get_by_role("button", name=f"Follow face #{left['tracker_id']}").press("Enter")
    page.wait_for_function(FOLLOWS, arg=left["tracker_id"])
    assert (camera(server)["tracker_id"], camera(server)["point"]) == (left["tracker_id"], None)
    controls.get_by_role("button", name="Follow automatically").click()
    until(lambda: camera(server)["tracker_id"] is None)
    controls.get_by_label("Closest").fill("1")
    until(lambda: camera(server)["max_zoom"] == 1)
    # Results come later by that much: the pictures wait, so that each still has its own.
    controls.get_by_label("Look-ahead").fill("0.5")
    page.wait_for_function(
        "() => livelens.stats().heldMs > 400 && livelens.stats().kinds.exact > 0.5"
    )
    controls.get_by_label("Look-ahead").fill("0")
    until(lambda: camera(server)["lookahead_s"] == 0)
    assert len(begun) == 1, "the viewer had to connect again"
    controls.get_by_role("button", name="9:16", exact=True).click()
    until(lambda: camera(server)["aspect"] == "9:16")


def test_the_panel_is_for_everybody(server: Running, browser: Browser) -> None:
    """In both themes, on a desk and on a phone, where a finger chooses; in both languages."""
    for theme, size, language in (("dark", "desk", "en-US"), ("light", "phone", "ko-KR")):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            locale=language,
            has_touch=size == "phone",
        )
        page = context.new_page()
        watch(page, server.url, "pair")
        right = persons(page)[-1]
        page.keyboard.press("r")
        expect(page.locator("[data-subject=automatic]")).to_be_visible()
        assert serious_faults(page) == [], (theme, size)
        sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(sideways) <= 1, (theme, size)
        rows = "(row) => row.scrollWidth - row.clientWidth"
        assert page.locator("aside [role=tablist]").evaluate(rows) <= 0, "a tab is out of sight"
        words = page.locator("aside").inner_text()
        assert "{" not in words
        assert "undefined" not in words
        if size == "phone":
            page.locator("[data-layer=subjects]").wait_for()
            page.touchscreen.tap(*place_of(page, right))
            page.wait_for_function(FOLLOWS, arg=right["tracker_id"])
            page.evaluate("scrollTo(0, 600)")
            page.locator("[data-layer=subjects]").wait_for()
            assert place_of(page, right)[1] > 0, "the picture scrolls away"
        context.close()


def test_wide_and_framed_come_over_the_same_connection(page: Page, server: Running) -> None:
    begun = sessions(page)
    watch(page, server.url, "pair")
    before = persons(page)
    controls = panel(page)
    place = page.locator(".live-player").bounding_box()
    page.wait_for_function(IS_PORTRAIT, arg=False)
    controls.get_by_role("button", name="Framed", exact=True).click()
    page.wait_for_function(IS_PORTRAIT, arg=True)
    page.wait_for_function("() => livelens.drawn().drawing.camera === 'reframe'")
    assert page.locator(".live-player").bounding_box() == place, "the page moved"
    wait_for_picture(page)
    # A click on the framed shot means a place in the whole picture.
    page.wait_for_function(f"() => ({VIEWPORT}.subjects ?? []).length > 0")
    followed = page.evaluate(f"{VIEWPORT}.subjects[0]")
    person = next(each for each in persons(page) if each["tracker_id"] == followed)
    page.mouse.click(*place_of(page, person))
    until(lambda: camera(server)["point"] is not None)
    x, y = camera(server)["point"]
    box = person["box"]
    assert box[0] < x * SIZE[0] < box[2], (box, x)
    assert box[1] < y * SIZE[1] < box[3], (box, y)
    page.wait_for_function(FOLLOWS, arg=followed)
    page.keyboard.press("u")
    page.wait_for_function(IS_PORTRAIT, arg=False)
    page.wait_for_function("() => livelens.drawn().drawing.camera === null")
    page.locator("[data-choice=rendition]").select_option("annotated")
    page.wait_for_function("() => document.querySelector('canvas.picture').hidden")
    page.keyboard.press("u")
    page.wait_for_function(IS_PORTRAIT, arg=True)
    assert len(before) == 2
    assert page.evaluate("peers.map((each) => each.connectionState)") == ["connected"]
    assert len(begun) == 1, "the viewer had to connect again"


def test_a_framed_shot_that_somebody_takes_away_becomes_the_wide_one(
    page: Page, server: Running
) -> None:
    spec = server.http.get("/api/streams/pair").json()["spec"]
    watch(page, server.url, "pair")
    panel(page).get_by_role("button", name="Framed", exact=True).click()
    page.wait_for_function(IS_PORTRAIT, arg=True)
    left = {
        "stages": [each for each in spec["stages"] if each["type"] != "reframe"],
        "sinks": [each for each in spec["sinks"] if each.get("viewport") is None],
    }
    server.http.patch("/api/streams/pair", json=left).raise_for_status()
    expect(page.locator(".notices")).to_contain_text("no rendition “framed” any more")
    expect(page.locator("[data-choice=rendition]")).to_have_value("main")
    page.wait_for_function(IS_PORTRAIT, arg=False)
    wait_for_picture(page)
    expect(page.locator("[data-status=playing]")).to_be_visible()
    whole = {"stages": spec["stages"], "sinks": spec["sinks"]}
    server.http.patch("/api/streams/pair", json=whole).raise_for_status()
    page.wait_for_function(IS_PORTRAIT, arg=True)
    # While the server does not answer, the framed shot lies where it lay.
    place = page.locator(".live-player").bounding_box()
    page.context.set_offline(True)
    expect(page.get_by_text("does not answer").first).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator(".live-player").bounding_box() == place, "the page moved"
    page.context.set_offline(False)
    server.http.post("/api/streams/pair/stop").raise_for_status()
    expect(page.locator("[data-status=stopped]")).to_be_visible()
    expect(panel(page).get_by_role("status").first).not_to_contain_text("#")
    server.http.post("/api/streams/pair/start").raise_for_status()
    page.wait_for_function(IS_PORTRAIT, arg=True)


def test_who_may_only_view_sees_it_and_cannot_change_it(page: Page) -> None:
    stages = [BOXES, {"type": "track"}, {"type": "reframe", "classes": ["object"]}]
    streams = {"bare": {"source": PATTERN, "stages": stages, "sinks": [MAIN, FRAMED]}}
    admin = {"Authorization": f"Bearer {TOKEN}"}
    access = {"trust_loopback": False, "password": "open, lens"}
    with running({"streams": streams, "access": access}, token=TOKEN) as server:
        grants = [{"stream": "bare", "actions": ["view"]}]
        wish = {"name": "guest", "kind": "share", "grants": grants}
        made = server.http.post("/api/tokens", json=wish, headers=admin).json()
        page.goto(f"{server.url}/?token={made['token']}#/watch/bare")
        expect(page.get_by_role("heading", name="bare")).to_be_visible(timeout=PATIENCE_MS)
        wait_for_picture(page)
        controls = panel(page)
        expect(controls).to_contain_text("You may watch")
        expect(controls.get_by_role("status").first).to_contain_text("Follows")
        for name in ("1:1", "Follow automatically"):
            expect(controls.get_by_role("button", name=name, exact=True)).to_be_disabled()
        expect(controls.get_by_label("Closest")).to_be_disabled()
        expect(page.locator("[data-layer=subjects]")).to_have_count(0)
        expect(controls.get_by_role("link", name="All settings")).to_have_count(0)
        answered = page.evaluate(
            """() => fetch("api/streams/bare", {
              method: "PATCH",
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify({ stages: [] }),
            }).then(({ status }) => status)"""
        )
        assert answered == 403
        controls.get_by_role("button", name="Framed", exact=True).click()
        page.wait_for_function(IS_PORTRAIT, arg=True)


def test_a_stream_without_a_camera_gets_one_and_its_form(page: Page, server: Running) -> None:
    watch(page, server.url, "bare")
    controls = panel(page)
    controls.get_by_role("button", name="Add a camera").click()
    expect(controls.get_by_role("button", name="Framed", exact=True)).to_be_visible()
    spec = server.http.get("/api/streams/bare").json()["spec"]
    assert [each["type"] for each in spec["stages"]] == ["simulate", "track", "reframe"]
    assert [each["viewport"] for each in spec["sinks"] if each["type"] == "whep"] == [
        None,
        "reframe",
    ]
    page.wait_for_function(HAS_RATIO, arg=9 / 16)

    controls.get_by_role("link", name="All settings").click()
    card = page.locator("article[data-stage=reframe]")
    card.get_by_role("button", name="Frame", exact=False).first.click()
    card.get_by_label("Weights", exact=True).fill("face")
    card.get_by_label("Weights", exact=True).press("Enter")
    card.get_by_label("Weights: face").fill("2.5")
    card.get_by_label("Protect text and logos", exact=True).select_option("#")
    card.get_by_label("Protect text and logos 1, 2 of 4").fill("0.8")
    point = card.get_by_role("group", name="Follow who is here")
    point.get_by_role("spinbutton").nth(0).fill("0.75")
    point.get_by_role("spinbutton").nth(1).fill("0.5")
    until(lambda: camera(server, "bare")["point"] == [0.75, 0.5])
    assert camera(server, "bare")["weights"] == {"face": 2.5}
    assert camera(server, "bare")["protect"] == [[0, 0.8, 1, 1]]
    assert serious_faults(page) == []
