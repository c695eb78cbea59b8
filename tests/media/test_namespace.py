"""A browser on another machine, as far as the network can tell."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from livelens.media.rtc_config import RtcConfig
from tests.media.conftest import CHROMIUM, OpenPage
from tests.media.webapp import Loopback

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
HERE, THERE = "10.231.77.1", "10.231.77.2"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def browser_elsewhere(tmp_path: Path) -> Iterator[str]:
    """A Chromium that runs in a namespace of its own, joined to ours by a veth pair."""
    name = f"ll-media-{os.getpid()}"
    near = f"llm{os.getpid()}"
    ip("netns", "add", name)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", "far", "netns", name)
        ip("addr", "add", f"{HERE}/24", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "addr", "add", f"{THERE}/24", "dev", "far")
        ip("-n", name, "link", "set", "far", "up")
        ip("-n", name, "link", "set", "lo", "up")
        script = tmp_path / "chromium-elsewhere"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {name} {CHROMIUM} "$@"\n')
        script.chmod(0o755)
        yield str(script)
    finally:
        ip("netns", "del", name)


async def test_in_and_out_over_a_real_interface(
    open_page: OpenPage, browser_elsewhere: str
) -> None:
    app = Loopback(RtcConfig(udp_ports=(47_400, 47_420)))
    flags = [f"--unsafely-treat-insecure-origin-as-secure=http://{HERE}:47399"]
    async with (
        app.serve(HERE, 47_399) as address,
        open_page(address, flags=flags, executable=browser_elsewhere) as page,
    ):
        await page.evaluate("publish('/whip')")
        await page.evaluate("watch('/whep')")
        await page.wait_for_function("window.shown.length >= 30", timeout=30_000)
        for peer in (app.publishers[0], app.viewers[0]):
            path = peer.stats().path
            assert path is not None
            here, there = path.split(" -> ")
            assert here.startswith(f"{HERE}:474")
            assert there.startswith(THERE)
            assert peer.stats().rtt_s is not None
