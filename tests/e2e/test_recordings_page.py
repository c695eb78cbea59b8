"""Recordings on the page: made, listed, played with what was found, downloaded, deleted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from livelens.sinks.whep import Whep
from livelens.sources.counter import read_counter
from livelens.sources.pattern import Pattern
from livelens.spec import PipelineSpec
from tests.e2e.browsers import chromium, firefox, page_of
from tests.server.recordings.test_recordings import Count, pictures
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

SIZE = (640, 360)
# Of the boxes of `Count`: as far from the left as the number in the picture, in this row.
BOX_ROW_PX = 70

# `count` times: the number's part of the picture (grey), and where boxes are painted in a row.
SIGHTINGS = """
([count, row, width, height]) => new Promise((resolve) => {
  const picture = document.querySelector("[data-part=picture]");
  const boxes = document.querySelector("[data-part=boxes]");
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  const found = [];
  let last = "";
  const look = () => {
    const time = document.querySelector("[data-time]").dataset.time;
    if (time !== last && picture.width > 300) {
      last = time;
      copy.drawImage(picture, 0, 0, width, height);
      const grey = [];
      const top = copy.getImageData(0, 0, width, Math.ceil(height / 9)).data;
      for (let i = 0; i < top.length; i += 4) grey.push(top[i + 1]);
      const y = Math.round((row / height) * boxes.height);
      const line = boxes.getContext("2d").getImageData(0, y, boxes.width, 1).data;
      const painted = [];
      for (let x = 0; x < boxes.width; x++) {
        if (line[4 * x + 3] > 100) painted.push((x / boxes.width) * width);
      }
      found.push({ grey, painted });
    }
    if (found.length >= count) resolve(found);
    else requestAnimationFrame(look);
  };
  look();
})
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running({"recordings": {"folder": str(tmp_path / "kept"), "min_free_bytes": 0}}) as one:
        source = Pattern(width_px=SIZE[0], height_px=SIZE[1], fps=30)
        spec = PipelineSpec(source=source, stages=(Count(),), sinks=(Whep(name="main"),))
        one.inside(one.state.streams.add("numbers", spec))
        until(lambda: one.state.engine.get("numbers").counts[1] > 2)
        yield one


@contextmanager
def chromium_page(language: str = "en-US") -> Iterator[Page]:
    with chromium() as browser, page_of(browser, language=language) as page:
        yield page


def recorded(server: Running, least_s: float) -> dict[str, Any]:
    info = server.http.post("/api/streams/numbers/recordings").json()
    path = f"/api/recordings/{info['id']}"
    until(lambda: server.http.get(path).json()["duration_s"] >= least_s)
    done: dict[str, Any] = server.http.post(f"{path}/stop").json()
    return done


def sightings(page: Page, count: int) -> list[tuple[int, list[float]]]:
    """The number of each picture, and where boxes are painted over it."""
    found = []
    for each in page.evaluate(SIGHTINGS, [count, BOX_ROW_PX, *SIZE]):
        image = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        part = np.array(each["grey"], np.uint8).reshape(-1, SIZE[0])
        image[: len(part)] = part
        number = read_counter(image)
        assert number is not None
        found.append((number, each["painted"]))
    return found


def check_own(found: list[tuple[int, list[float]]], off: int = 0) -> None:
    """Boxes are where the number of their very picture says, or not there at all."""
    drawn = [(number, painted) for number, painted in found if painted]
    assert len(drawn) >= 0.7 * len(found), found
    for number, painted in drawn:
        # Lines are some pixels wide; the next picture's box would be a whole pixel further,
        # so a box of another picture is told by the mean of its two edges.
        middle = (min(painted) + max(painted)) / 2
        assert abs(middle - (number + 10)) <= off + 0.75, (number, painted)


def open_player(page: Page, server: Running, recording_id: str) -> None:
    page.goto(f"{server.url}/#/recordings/{recording_id}")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.evaluate(
        "localStorage.setItem('livelens.layers', JSON.stringify({labels: false, trails: false}))"
    )
    page.reload()
    expect(page.locator("[data-seen]").first).to_be_visible()
    # The very first picture may be older than the first result that was written.
    seek(page, 0.31)
    until(lambda: [each for each in sightings_now(page) if each[1]])


def seek(page: Page, time_s: float) -> None:
    before = page.locator("[data-time]").get_attribute("data-time")
    page.get_by_label("Position").evaluate(
        """(slider, at) => {
          slider.value = at;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        time_s,
    )
    until(lambda: page.locator("[data-time]").get_attribute("data-time") != before)


def test_drawn_pictures_are_recorded_from_the_menu(server: Running) -> None:
    with chromium_page() as page:
        page.goto(f"{server.url}/#/watch/numbers")
        page.get_by_role("button", name="More ways to record numbers").click()
        page.get_by_role("button", name="Record numbers with boxes drawn in").click()
        expect(page.get_by_role("button", name="Stop recording numbers with boxes")).to_be_visible()
        [info] = server.http.get("/api/recordings").json()["recordings"]
        assert info["drawn"]


def test_record_play_download_and_delete(server: Running, tmp_path: Path) -> None:
    with chromium_page() as page:
        page.goto(server.url)
        page.get_by_role("button", name="Record numbers").click()
        stop = page.get_by_role("button", name="Stop recording numbers")
        expect(stop).to_contain_text("0:02")
        page.get_by_role("link", name="Recordings").click()
        tile = page.locator("[data-recording]")
        expect(tile).to_have_attribute("data-state", "recording")
        # What is there is played while it goes on.
        tile.get_by_role("link", name="Play").click()
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.locator("[data-time]")).to_contain_text("0:01")
        page.get_by_role("button", name="Stop recording").click()
        expect(page.get_by_text("by hand")).to_be_visible()
        [info] = server.http.get("/api/recordings").json()["recordings"]

        open_player(page, server, info["id"])
        expect(page.locator("[data-seen=counted]")).to_be_visible()
        page.get_by_label("Speed").select_option("0.5")
        page.get_by_role("button", name="Play", exact=True).click()
        check_own(sightings(page, 25))
        page.evaluate("document.querySelector('video').pause()")
        for at in (1.0, 0.2, 1.61):
            seek(page, at)
            page.wait_for_function(
                "(at) => Math.abs(document.querySelector('[data-time]').dataset.time - at) < 0.05",
                arg=at,
            )
            settled = until(lambda: [each for each in sightings_now(page) if each[1]])
            check_own(settled)
        before = sightings_now(page)[0][0]
        for name, by in (("One picture on", 1), ("One picture back", -1)):
            page.get_by_role("button", name=name).click()
            before += by
            until(shows(page, before))
        check_own(until(lambda: [each for each in sightings_now(page) if each[1]]))

        page.get_by_role("button", name="Result (JSON)").click()
        expect(page.locator("pre[data-seq]")).to_contain_text('"class_name"')
        with page.expect_download() as download:
            page.get_by_role("link", name="Video", exact=True).click()
        assert download.value.suggested_filename == f"{info['id']}.mp4"
        download.value.save_as(tmp_path / "got.mp4")
        assert (
            len(pictures(tmp_path / "got.mp4"))
            == server.http.get(f"/api/recordings/{info['id']}").json()["frames"]
        )

        page.get_by_role("link", name="All recordings").click()
        page.get_by_role("button", name="Delete numbers").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(tile).to_be_visible()
        page.get_by_role("button", name="Delete numbers").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("Nothing has been recorded yet")).to_be_visible()
        assert list((tmp_path / "kept").glob("numbers-*")) == []
        page.goto(f"{server.url}/#/recordings/{info['id']}")
        expect(page.get_by_text("This recording is not here")).to_be_visible()


def shows(page: Page, number: int) -> Callable[[], bool]:
    """Whether this picture stands."""
    return lambda: sightings_now(page)[0][0] == number


def sightings_now(page: Page) -> list[tuple[int, list[float]]]:
    """The picture that stands."""
    return sightings(page, 1)


def test_firefox_draws_on_the_right_picture_when_it_stands(server: Running) -> None:
    info = recorded(server, 3.0)
    with firefox() as browser, page_of(browser) as page:
        open_player(page, server, info["id"])
        page.get_by_role("button", name="Play", exact=True).click()
        # It tells which picture it shows only by its clock: one more or less while it plays.
        check_own(sightings(page, 15), off=1)
        page.evaluate("document.querySelector('video').pause()")
        seek(page, 1.51)
        check_own(until(lambda: [each for each in sightings_now(page) if each[1]]))
