"""HTTPS as a person meets it: what the terminal shows, and a phone's browser that follows it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.e2e.browsers import PATIENCE_MS, chromium
from tests.e2e.test_server_process import serving

pytestmark = pytest.mark.e2e

CONFIG = """
server: {port: 0}
webrtc: {bind_hosts: [127.0.0.1]}
streams:
  pat: {source: {type: pattern, width_px: 192, height_px: 108}, stages: []}
"""
# Resolves to the tracks of the camera.
OPEN_CAMERA = """
async () => {
  const media = await navigator.mediaDevices.getUserMedia({ video: true });
  const kinds = media.getTracks().map((track) => track.kind);
  for (const track of media.getTracks()) track.stop();
  return [window.isSecureContext, kinds];
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--ignore-certificate-errors") as one:
        yield one


def lines_until(process: subprocess.Popen[str], wanted: str) -> str:
    """What it prints, up to the line with these words."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if wanted in line:
            return printed
    raise AssertionError(f"it ended without {wanted!r}: {printed}")


def test_a_phone_follows_the_qr_code(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path, CONFIG, "--host", "0.0.0.0", "--qr") as process:
        printed = lines_until(process, "A phone's camera")
        assert "█" in printed
        assert re.search(r"SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}", printed)
        found = re.search(r"https://[^/]+:(\d+)/\?token=(\S+)#/camera", printed)
        assert found, printed
        port, token = found[1], found[2]
        base = f"https://127.0.0.1:{port}"
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{base}/?token={token}#/camera")
        assert page.evaluate(OPEN_CAMERA) == [True, ["video"]]
        session = page.evaluate("() => fetch('/api/session').then((answer) => answer.json())")
        assert session["admin"] is False
        assert session["grants"] == [{"stream": "phone-*", "actions": ["publish", "view"]}]
        # Who photographs the screen may publish to phones' streams, and no more.
        with httpx.Client(base_url=base, verify=False, params={"token": token}) as http:
            offer = {"Content-Type": "text/plain"}
            assert http.post("/whip/phone-7", content="v=0", headers=offer).status_code == 415
            assert http.post("/whip/street", content="v=0", headers=offer).status_code == 403
            assert http.get("/api/streams/pat").status_code in (403, 404)
            body = {"id": "phone-8", "source": "pattern://"}
            assert http.post("/api/streams", json=body).status_code == 403
            assert http.post("/api/streams/pat/stop").status_code == 403
            assert http.get("/api/uploads").status_code == 403
        page.goto(f"http://127.0.0.1:{port}/")
        assert page.url.startswith(base)
        page.context.close()


def test_mistakes_are_told_before_it_listens(tmp_path: Path) -> None:
    with serving(tmp_path, CONFIG, "--cert", str(tmp_path / "none.pem")) as process:
        assert process.wait(60) == 2
    with serving(tmp_path, CONFIG, "--cert", "none.pem", "--key", "none.pem") as process:
        assert process.wait(60) == 2
    assert (tmp_path / "log").read_text() == "livelens: none.pem: No such file or directory\n"
