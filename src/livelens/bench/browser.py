"""Real headless Chromium with a fake camera, and what its page saw."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livelens.bench import camera
from livelens.bench.report import CannotMeasure

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Page

_PAGE = Path(__file__).resolve().parent / "page"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A numbered picture seen by a probe.

    Attributes:
        probe: "canvas" (as the page shows it, on the display's beat) or "track" (as it
            leaves the camera or the decoder).
        session: which returning track; -1 for the camera.
        at_ms: the page's clock.
        number: what the picture says.
    """

    probe: str
    session: int
    at_ms: float
    number: int


def chromium_path() -> str:
    """The installed Chromium or Chrome.

    Raises:
        CannotMeasure: there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        if (found := shutil.which(name)) is not None:
            return found
    raise CannotMeasure("no Chromium found (Debian package chromium)")


@contextmanager
def chromium(origin: str, *, clip: Path | None = None, kbps: int = 0) -> Iterator["BrowserContext"]:
    """A fresh browser whose pages hold the probe.

    Args:
        origin: the server's address, which the page may use its camera for without TLS.
        clip: what the fake camera shows.
        kbps: what every sender in the page is set to; 0 leaves it to the browser.

    Raises:
        CannotMeasure: no Chromium, no Playwright, or it does not start.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise CannotMeasure("needs more packages: pip install 'livelens[bench]'") from error
    flags = [*_FLAGS, f"--unsafely-treat-insecure-origin-as-secure={origin}"]
    if clip is not None:
        flags.append(f"--use-file-for-fake-video-capture={clip}")
    with tempfile.TemporaryDirectory(prefix="livelens-bench-") as profile, sync_playwright() as run:
        try:
            context = run.chromium.launch_persistent_context(
                profile, executable_path=chromium_path(), headless=True, args=flags
            )
        except Error as error:
            raise CannotMeasure(f"Chromium does not start: {_first_line(error)}") from error
        try:
            context.add_init_script(_probe(kbps))
            context.route("**/bench-page", lambda route: route.fulfill(**_own_page()))
            yield context
        finally:
            context.close()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _own_page() -> dict[str, Any]:
    script = (_PAGE / "connect.js").read_text(encoding="utf-8")
    body = f"<!doctype html><meta charset=utf-8><title>bench</title><script>{script}</script>"
    return {"status": 200, "content_type": "text/html", "body": body}


def _probe(kbps: int) -> str:
    settings = {
        "blocks": camera.BLOCKS,
        "block": camera.BLOCK,
        "left": camera.LEFT,
        "top": camera.TOP,
        "kbps": kbps,
    }
    source = (_PAGE / "probe.js").read_text(encoding="utf-8")
    return f"{{ const BENCH = {json.dumps(settings)};\n{source} }}"


class Watch:
    """The page (or the frame of it) in which a system's pictures come back."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._frame: Frame | None = None

    @property
    def page(self) -> "Page":
        """The page."""
        return self._page

    def wait_for_tracks(self, count: int, timeout_s: float) -> None:
        """Wait until `count` video tracks come back in one frame of the page.

        Raises:
            CannotMeasure: they do not.
        """
        waited_s = 0.0
        while waited_s < timeout_s:
            for frame in self._page.frames:
                if (
                    asked(frame, "() => window.__bench ? window.__bench.ready() : 0") or 0
                ) >= count:
                    self._frame = frame
                    return
            self._page.wait_for_timeout(100)
            waited_s += 0.1
        raise CannotMeasure(f"fewer than {count} pictures came back in {timeout_s:g} s")

    def begin(self, probe: str) -> None:
        """Start a probe, "track" or "canvas"; the one before stops."""
        self._inside("(probe) => window.__bench.watch(probe)", probe)

    def take(self) -> list[Sighting]:
        """What was seen since the last call."""
        seen = self._inside("() => window.__bench.take()")
        return [Sighting(p, session, at, number) for p, session, _, at, number in seen]

    def stats(self) -> dict[str, Any]:
        """Bytes, sizes and codecs of the connections so far."""
        found: dict[str, Any] = self._inside("() => window.__bench.stats()")
        return found

    def show(self) -> None:
        """Show what comes back, as a viewer's page does."""
        self._inside("() => window.__bench.show()")

    def decoded(self) -> list[int]:
        """Pictures decoded so far, by connection."""
        counts: list[int] = self._inside("() => window.__bench.decoded()")
        return counts

    def pause(self, seconds: float) -> None:
        """Let the page run."""
        self._page.wait_for_timeout(seconds * 1000)

    def _inside(self, script: str, argument: object = None) -> Any:
        if self._frame is None:
            raise CannotMeasure("no picture came back")
        return self._frame.evaluate(script, argument)


def asked(frame: "Frame", script: str) -> Any:
    """Evaluate in a frame; None when the frame is just being replaced."""
    from playwright.sync_api import Error

    try:
        return frame.evaluate(script)
    except Error:
        return None


def open_page(context: "BrowserContext", url: str, act: Callable[["Page"], None]) -> Watch:
    """Open a page, let `act` connect it, and give back the watch on it.

    Raises:
        CannotMeasure: the page or its connection fails.
    """
    from playwright.sync_api import Error

    page = context.pages[0] if context.pages else context.new_page()
    try:
        page.goto(url, timeout=60_000)
        act(page)
    except Error as error:
        raise CannotMeasure(f"the page cannot connect: {_first_line(error)}") from error
    return Watch(page)


def call(page: "Page", script: str, argument: Mapping[str, object]) -> Any:
    """Evaluate in the page."""
    return page.evaluate(script, dict(argument))
