import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright

CHROMIUM = shutil.which("chromium") or "chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--allow-loopback-in-peer-connection",
]

OpenPage = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A moving 1280x720 picture for the browser's camera, which plays MJPEG at 30 fps."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    noise = np.random.default_rng(1).integers(0, 255, (45, 80, 3), np.uint8)
    large = np.kron(noise, np.ones((16, 16, 1), np.uint8))
    with av.open(str(path), "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuvj420p"
        for number in range(30):
            shifted = np.roll(large, number * 16, axis=1)
            for packet in stream.encode(av.VideoFrame.from_ndarray(shifted, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


@pytest.fixture
def open_page(camera: Path, tmp_path: Path) -> OpenPage:
    """Opens a page in a fresh headless Chromium with the moving camera."""

    profiles = itertools.count()

    @contextlib.asynccontextmanager
    async def opened(
        address: str, *, flags: list[str] | None = None, executable: str = CHROMIUM
    ) -> AsyncIterator[Page]:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                str(tmp_path / f"profile-{next(profiles)}"),
                executable_path=executable,
                args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}", *(flags or [])],
            )
            try:
                page = context.pages[0] if context.pages else await context.new_page()
                await page.goto(address)
                yield page
            finally:
                await context.close()

    return opened
