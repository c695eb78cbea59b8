"""Every page, in both themes, on a desk and on a phone: complete, accessible, light, unmoving.

`pytest tests/e2e/test_every_page.py --screenshots DIR` keeps what the pages look like.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
)

from livelens.models import zoo
from tests.e2e.browsers import PATIENCE_MS, launch_firefox
from tests.faces.photographs import encoded, photograph
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
SIZES = {"desk": (1280, 800), "phone": (390, 844)}
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
# Before video: page, scripts, styles and words of the first page a person opens.
BUDGET_BYTES = 300_000
MOST_SHIFT = 0.05

WATCH_SHIFTS = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.__shift += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Visit:
    """A page, and what is there when it is complete."""

    name: str
    place: str
    ready: str
    video: bool = False


VISITS = (
    Visit("streams", "#/", "[data-stream=street]", video=True),
    Visit("watch", "#/watch/street", "h1", video=True),
    Visit("camera", "#/camera", "h1"),
    Visit("edit", "#/edit/street", "h1", video=True),
    Visit("dashboard", "#/dashboard", "tbody tr"),
    Visit("recordings", "#/recordings", "h1"),
    Visit("faces", "#/faces", "h1"),
    Visit("api", "#/api", "h1"),
    Visit("access", "#/access", "h1"),
)


def _config(folder: Path) -> dict[str, Any]:
    clip = {"type": "file", "path": str(zoo.clip("bikes")), "loop": True, "pace": True}
    found = [
        {"type": "detect", "model": "coco-ssd", "confidence": 0.3, "every": "auto"},
        {"type": "track", "keep_untracked": False},
        {
            "type": "flux",
            "units": "fraction",
            "lines": [{"name": "road", "start": [0.05, 0.8], "end": [0.95, 0.8]}],
            "zones": [
                {"name": "left", "polygon": [[0.02, 0.3], [0.3, 0.3], [0.3, 0.98], [0.02, 0.98]]}
            ],
        },
    ]
    return {
        "faces": {"enabled": True, "gallery": str(folder / "gallery")},
        "recordings": {"folder": str(folder / "recordings")},
        "uploads": {"folder": str(folder / "uploads")},
        "streams": {
            "street": {"source": clip, "stages": found},
            "pattern": {
                "source": {"type": "pattern", "width_px": 640, "height_px": 360, "fps": 15},
                "stages": [{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}],
            },
            "gate": {"source": "rtsp://127.0.0.1:9/gone"},
            "door": {"source": {"type": "whip"}, "stages": []},
        },
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("livelens")
    with running(_config(folder)) as one:
        one.http.timeout = 100  # models are loaded for the first face, while streams start
        for name, number in (("Ada", 1), ("Jun", 2)):
            picture = encoded(photograph(number, 1))
            one.http.post(
                f"/api/faces/{name}", content=picture, headers={"Content-Type": "image/jpeg"}
            )
        recording = one.http.post("/api/streams/street/recordings", json={}).json()["id"]
        until(lambda: one.http.get("/api/streams/street").json()["delivered"] > 60, 60)
        one.http.post(f"/api/recordings/{recording}/stop")
        yield one


def _settled(page: Page, server: Running, visit: Visit) -> None:
    page.goto(f"{server.url}/{visit.place}")
    expect(page.locator("main").locator(visit.ready).first).to_be_visible(timeout=PATIENCE_MS)
    if visit.video:
        page.wait_for_function(
            "() => [...document.querySelectorAll('main canvas, main video')]"
            ".some((each) => (each.videoWidth ?? each.width) >= 320)"
        )


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_a_page(
    server: Running, browser: Browser, visit: Visit, request: pytest.FixtureRequest
) -> None:
    """In both themes and sizes: no error, no serious fault of accessibility, nothing moves."""
    kept = request.config.getoption("--screenshots", default=None)
    for theme in THEMES:
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                has_touch=size == "phone",
            )
            page = context.new_page()
            faults = _faults(page)
            page.add_init_script(WATCH_SHIFTS)
            _settled(page, server, visit)
            where = f"{visit.name}, {theme}, {size}"
            assert faults == [], where
            sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(sideways) <= 1, f"{where}: scrolls sideways"
            assert page.evaluate("window.__shift") <= MOST_SHIFT, f"{where}: moves while it loads"
            assert _axe(page) == [], where
            if kept is not None:
                folder = Path(kept)
                folder.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=folder / f"{visit.name}-{theme}-{size}.png")
            context.close()


def _faults(page: Page) -> list[str]:
    """What scripts throw and the console complains of, as it comes."""
    faults: list[str] = []

    def complained(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", complained)
    return faults


def _axe(page: Page) -> list[str]:
    """Serious and critical faults, each in a line."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "() => axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)"
    )
    return [
        f"{each['id']}: {each['help']}: {json.dumps(each['nodes'][0]['html'])[:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_the_first_page_is_light_and_fetches_nothing_from_elsewhere(
    server: Running, browser: Browser
) -> None:
    for place in ("#/", "#/watch/street", "#/camera", "#/dashboard"):
        context = browser.new_context()
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        addresses: dict[str, str] = {}
        octets: dict[str, float] = {}
        session.on(
            "Network.requestWillBeSent",
            lambda event, seen=addresses: seen.update(
                {event["requestId"]: event["request"]["url"]}
            ),
        )
        session.on(
            "Network.loadingFinished",
            lambda event, seen=octets: seen.update(
                {event["requestId"]: event["encodedDataLength"]}
            ),
        )
        page.goto(f"{server.url}/{place}")
        expect(page.locator("main h1, main h2").first).to_be_visible()
        page.wait_for_load_state("load")
        assert all(
            each.startswith((server.url, "data:", "blob:")) for each in addresses.values()
        ), addresses
        static = {key: url for key, url in addresses.items() if "/api/" not in url}
        total = sum(octets.get(key, 0) for key in static)
        assert 10_000 < total < BUDGET_BYTES, f"{place}: {total} bytes"
        context.close()


def test_words_of_both_languages_are_complete(server: Running, browser: Browser) -> None:
    """Korean pages speak Korean; no placeholder is left unfilled in either language."""
    for language in ("en-US", "ko-KR"):
        context = browser.new_context(locale=language)
        page = context.new_page()
        for visit in VISITS:
            _settled(page, server, visit)
            words = page.locator("body").inner_text()
            assert "{" not in words.replace("{ ", "").split("openapi")[0] or visit.name in (
                "api",
                "edit",
            ), f"{visit.name}, {language}: {words}"
            assert "undefined" not in words, f"{visit.name}, {language}"
        assert page.evaluate("document.documentElement.lang") == language[:2]
        hangul = sum("가" <= letter <= "힣" for letter in page.locator("body").inner_text())
        assert (hangul > 50) == (language == "ko-KR")
        context.close()


def test_every_page_opens_in_firefox(server: Running, playwright: Playwright) -> None:
    other = launch_firefox(playwright)
    page = other.new_context().new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    for visit in VISITS:
        _settled(page, server, visit)
        assert faults == [], visit.name
    other.close()
