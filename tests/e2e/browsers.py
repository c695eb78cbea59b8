"""The browsers that the page is tested in: Debian's Chromium and Firefox, with fake cameras."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

import livelens

PAGE = Path(livelens.__file__).parent / "web" / "index.html"
PATIENCE_MS = 30_000
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    "--disable-dev-shm-usage",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
FIREFOX_PREFERENCES: dict[str, str | float | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
}


def built() -> None:
    """Fails the test if there is no page to show."""
    if not PAGE.is_file():
        pytest.fail("the page is not built: run 'make web'")


def launch_chromium(playwright: Playwright, *flags: str) -> Browser:
    """Headless Chromium whose camera is a test picture; nobody is asked for permission."""
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=[*CHROMIUM_FLAGS, *flags]
    )


def launch_firefox(playwright: Playwright) -> Browser:
    """Headless Firefox, driven by WebDriver BiDi, with a fake camera and microphone."""
    return playwright.firefox.launch(
        channel="moz-firefox",
        executable_path="/usr/bin/firefox-esr",
        firefox_user_prefs=FIREFOX_PREFERENCES,
    )


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Chromium for a module of tests."""
    built()
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright, *flags)
        yield browser
        browser.close()


@contextmanager
def firefox() -> Iterator[Browser]:
    """Firefox for a module of tests."""
    built()
    with sync_playwright() as playwright:
        browser = launch_firefox(playwright)
        yield browser
        browser.close()


@contextmanager
def page_of(
    browser: Browser, *, width_px: int = 1280, height_px: int = 800, language: str = "en-US"
) -> Iterator[Page]:
    """A fresh visitor; fails at the end if a script of the page has thrown."""
    faults: list[str] = []
    context = browser.new_context(
        viewport={"width": width_px, "height": height_px}, locale=language
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []
