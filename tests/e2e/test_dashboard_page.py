"""The dashboard in real Chromium: what is slow, who watches and what is dead can be seen there."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from livelens.clock import NS_PER_S
from livelens.server.figures import sampler
from tests.e2e.browsers import PATIENCE_MS, launch_firefox, page_of
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

PATTERN = {"type": "pattern", "width_px": 640, "height_px": 360, "fps": 15}
STAGE = {"type": "simulate", "name": "find", "cost_ms": 1, "boxes": [[0.1, 0.1, 0.4, 0.8]]}
STREAMS = {
    "street": {"source": PATTERN, "stages": [STAGE]},
    "gate": {"source": {"type": "url", "url": "rtsp://127.0.0.1:9/none", "open_timeout_s": 1}},
}
# The chart's colours, as they are drawn: every colour that is no shade of grey.
PAINTED = """
(figure) => {
  const canvas = figure.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) painted += 1;
  }
  return painted;
}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        # Twice a second, so that the test need not wait for points.
        patch.setattr(sampler.Sampler.__init__, "__defaults__", (NS_PER_S // 2, 1800))
        with running({"streams": STREAMS}) as one:
            yield one


def figure(page: Page, title: str) -> Locator:
    return page.get_by_role("figure", name=re.compile(f"^{title}"))


def newest(page: Page, title: str, line: str) -> float:
    """What the legend of a chart says of a line."""
    entries = figure(page, title).get_by_role("listitem")
    entry = entries.filter(has=page.get_by_text(line, exact=True))
    if entry.count() == 0:
        return -1.0
    text = entry.locator("output").inner_text().replace(",", "")
    return float(text) if re.fullmatch(r"[\d.]+", text) else -1.0


def cell(page: Page, column: str) -> str:
    return page.locator(f"[data-session] [data-column={column}]").first.inner_text()


def number(text: str) -> float:
    found = re.match(r"[\d.]+", text)
    return float(found[0]) if found else -1.0


def table(page: Page, entry: str) -> list[dict[str, str]]:
    """The rows of a table that is saved."""
    page.get_by_role("button", name="Save as CSV").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name=entry, exact=True).click()
    assert waiting.value.suggested_filename.endswith(".csv")
    text = waiting.value.path().read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_viewer_is_seen_with_what_both_ends_measure(server: Running, browser: Browser) -> None:
    with page_of(browser) as viewer, page_of(browser) as page:
        viewer.goto(f"{server.url}/#/watch/street")
        viewer.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
        page.goto(f"{server.url}/#/dashboard/street")
        row = page.locator("[data-session]")
        expect(row).to_have_count(1, timeout=PATIENCE_MS)
        expect(row.locator("[data-column=picture]")).to_have_text("640 × 360", timeout=PATIENCE_MS)
        assert cell(page, "address") == "127.0.0.1"
        assert cell(page, "browser").startswith("Chromium ")
        until(lambda: 5 < number(cell(page, "fps")) < 40)
        until(lambda: number(cell(page, "buffer")) > 0)
        until(lambda: number(cell(page, "rtt")) >= 0)
        until(lambda: number(cell(page, "bitrate")) > 0)
        until(lambda: number(cell(page, "keyframes")) > 0)
        until(lambda: number(cell(page, "playout")) > 0)
        assert number(cell(page, "frozen")) >= 0
        assert number(cell(page, "lost")) == number(cell(page, "loss")) == 0

        header = page.get_by_role("columnheader", name="RTT")
        header.get_by_role("button").click()
        expect(header).to_have_attribute("aria-sort", "ascending")
        header.get_by_role("button").click()
        expect(header).to_have_attribute("aria-sort", "descending")

        [saved] = table(page, "Viewers")
        assert (saved["stream"], saved["kind"], saved["player_width_px"]) == (
            "street",
            "whep",
            "640",
        )
        assert float(saved["player_jitter_buffer_ms"]) >= 0
        assert float(saved["player_fps"]) > 0
        assert saved["codec"] == "h264"
    until(lambda: server.http.get("/api/viewers").json()["sessions"] == [])


def test_firefox_tells_what_it_measures(server: Running, playwright: Playwright) -> None:
    def told() -> Any:
        found = server.http.get("/api/viewers").json()["sessions"]
        said = found[0]["report"] if len(found) == 1 else None
        return found[0] if said and (said["fps"] or 0) > 5 else None

    other = launch_firefox(playwright)
    page = other.new_context().new_page()
    page.goto(f"{server.url}/#/watch/street")
    one = until(told, 60)
    page.goto("about:blank")  # whereupon it ends its session
    until(lambda: server.http.get("/api/viewers").json()["sessions"] == [])
    other.close()
    said = one["report"]
    assert said["browser"].startswith("Firefox ")
    assert (said["width_px"], said["height_px"]) == (640, 360)
    assert said["packets_received"] > 0
    assert said["jitter_buffer_ms"] >= 0
    assert one["server"]["codec"] == said["codec"].lower()


def test_a_stage_that_becomes_slow_is_seen_in_charts_and_tables(
    server: Running, browser: Browser
) -> None:
    with page_of(browser) as page:
        page.goto(f"{server.url}/#/dashboard/street")
        until(lambda: newest(page, "Frames", "out") > 10)
        until(lambda: figure(page, "Frames").evaluate(PAINTED) > 50)
        slow = [{**STAGE, "cost_ms": 250}]
        changed = server.http.patch("/api/streams/street", json={"stages": slow})
        assert changed.status_code == 200
        until(lambda: newest(page, "Time per stage", "find") >= 250)
        until(lambda: newest(page, "Dropped frames", "find/overrun") > 5)
        until(lambda: newest(page, "Latency", "p95") >= 250)
        until(lambda: newest(page, "Queue age", "find") > 0)
        until(lambda: 0 < newest(page, "Frames", "out") < 10)
        assert newest(page, "Frames", "in") > 10
        stage = page.get_by_role("row", name=re.compile("^find"))
        expect(stage).to_contain_text("overrun")

        # By keyboard, and as a table: the same figures.
        plot = figure(page, "Frames").get_by_role("slider")
        plot.focus()
        page.keyboard.press("Home")
        expect(plot).to_have_attribute("aria-valuenow", "0")
        expect(plot).to_have_attribute("aria-valuetext", re.compile(r"\d+:\d+:\d+: in .+ fps, out"))
        page.keyboard.press("ArrowRight")
        expect(plot).to_have_attribute("aria-valuenow", "1")
        figure(page, "Frames").get_by_text("Table").click()
        rows = figure(page, "Frames").locator("tbody tr")
        until(lambda: rows.count() > 5)
        figure(page, "Frames").get_by_role("button", name=re.compile("^out")).click()
        expect(figure(page, "Frames").locator("thead th")).to_have_text(["Time", "in"])

        page.get_by_role("button", name="1 h").click()
        until(lambda: newest(page, "Frames", "in") > 10)
        rows_saved = table(page, "History")
        assert {row["stream"] for row in rows_saved} == {"street"}
        assert max(number(row["stage_find_p99_ms"]) for row in rows_saved) >= 250
        assert max(number(row["dropped_find/overrun_per_s"]) for row in rows_saved) > 5
        server.http.patch("/api/streams/street", json={"stages": [STAGE]})


def test_a_dead_camera_is_in_the_log(server: Running, browser: Browser) -> None:
    def repeated() -> Any:
        entries = server.http.get("/api/log?stream=gate").json()["entries"]
        return [each for each in entries if each["kind"] == "problem" and each["count"] > 1]

    until(repeated)
    with page_of(browser) as page:
        page.goto(f"{server.url}/#/dashboard")
        log = page.get_by_role("region", name="Events and problems")
        expect(log).to_contain_text("Connection refused", timeout=PATIENCE_MS)
        page.get_by_label("What to show").select_option("problem")
        entry = log.get_by_role("listitem")
        expect(entry).to_have_count(1)
        expect(entry).to_contain_text(re.compile(r"gate.*source.*refused.*× \d+", re.S))
        page.get_by_label("Search").fill("nothing like this")
        expect(log).to_contain_text("Nothing here matches")
        page.get_by_label("Search").fill("GATE")
        expect(entry).to_have_count(1)
        # What happens now is there at once, without a reload.
        page.get_by_label("What to show").select_option("state")
        page.get_by_label("Search").fill("late-comer")
        server.http.post("/api/streams", json={"id": "late-comer", "source": PATTERN, "stages": []})
        expect(entry.first).to_contain_text("running")
        saved = table(page, "Log")
        assert any(row["stream"] == "gate" and int(row["count"]) > 1 for row in saved)
        entry.first.get_by_role("link", name="late-comer").click()
        expect(page.get_by_role("combobox", name="Stream")).to_have_value("late-comer")
        server.http.delete("/api/streams/late-comer")


def test_who_may_only_view_sees_no_viewers_and_no_other_streams(browser: Browser) -> None:
    streams = {name: {"source": PATTERN, "stages": []} for name in ("street", "yard")}
    access = {"trust_loopback": False, "password": "open, lens"}
    with running({"streams": streams, "access": access}, token="t" * 32) as server:
        admin = {"Authorization": f"Bearer {'t' * 32}"}
        grants = [{"stream": "street", "actions": ["view"]}]
        made = server.http.post("/api/tokens", json={"grants": grants}, headers=admin).json()
        with page_of(browser) as page:
            refused: list[str] = []
            page.on(
                "response",
                lambda answer: refused.append(answer.url) if answer.status == 403 else None,
            )
            page.goto(f"{server.url}/?token={made['token']}#/dashboard")
            until(lambda: newest(page, "Frames out", "street") > 0)
            expect(page.get_by_text("Only who may control a stream sees")).to_be_visible()
            expect(page.locator("body")).not_to_contain_text("yard")
            saved = table(page, "History")
            assert {row["stream"] for row in saved} == {"street"}
            assert refused == []


def test_a_stream_that_nobody_knows(server: Running, browser: Browser) -> None:
    with page_of(browser) as page:
        page.goto(f"{server.url}/#/dashboard/nobody")
        expect(page.get_by_text("Nothing is known of a stream “nobody”.")).to_be_visible()
        page.get_by_role("link", name="All streams").click()
        until(lambda: newest(page, "Frames out", "street") > 0)
        # The theme changes what is drawn, too.
        before = figure(page, "CPU").locator("canvas").evaluate("(each) => each.toDataURL()")
        page.emulate_media(color_scheme="dark")
        until(
            lambda: (
                figure(page, "CPU").locator("canvas").evaluate("(each) => each.toDataURL()")
                != before
            )
        )
