"""Adding sources on the page: by address, by file, and all that can go wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.browsers import PATIENCE_MS
from tests.server.running import PATTERN, Running, running, until
from tests.sources.parts import write_clip

pytestmark = pytest.mark.e2e

MOST = 4_000_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips").resolve() / "street view.mp4", frames=30)


def config(folder: Path, clip: Path) -> dict[str, Any]:
    return {
        "server": {"allow": [f"file:{clip.parent}/*"]},
        "uploads": {"folder": str(folder), "max_bytes": MOST},
        "presets": {"quick": {"stages": [{"type": "simulate", "cost_ms": 1}]}},
        "streams": {"gate": {"source": PATTERN, "stages": []}},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def server(folder: Path, clip: Path) -> Iterator[Running]:
    with running(config(folder, clip)) as one:
        yield one


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page


def opened(page: Page, one: Running) -> Locator:
    """The dialog."""
    page.goto(one.url)
    page.get_by_role("button", name="Add a source").click()
    return page.get_by_role("dialog", name="Add a source")


def told(one: Running, stream: str) -> dict[str, Any]:
    info: dict[str, Any] = one.http.get(f"/api/streams/{stream}").json()
    return info


def test_by_address_with_every_mistake_on_the_way(server: Running, page: Page, clip: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "check" in r.url else None)
    dialog = opened(page, server)
    address = dialog.get_by_label("Address of the camera or stream")
    add = dialog.get_by_role("button", name="Add", exact=True)
    expect(address).to_be_focused()
    # The beginning of an address is no mistake.
    address.press_sequentially("rtsp:/")
    expect(dialog.get_by_text("RTSP, RTMP, HTTP")).to_be_visible()
    for text, words in (
        ("rstp://camera/live", "Nothing here opens this kind of address"),
        ("camera.local/live", "Begin with the kind of address"),
        ("rtsp://admin:hunter2@10.0.0.7/live", "server.allow"),
        (f"{clip.parent}/none.mp4", "It is not there"),
    ):
        address.fill(text)
        expect(dialog.get_by_text(words)).to_be_visible()
        expect(address).to_have_attribute("aria-invalid", "true")
        expect(add).to_be_disabled()
    # Only what stands there when the writing pauses is asked for.
    before = len(asked)
    address.fill("")
    address.press_sequentially(str(clip), delay=5)
    expect(dialog.get_by_text("This can be added")).to_be_visible()
    assert len(asked) - before <= 3
    name = dialog.get_by_label("Name")
    expect(name).to_have_value("street-view")
    dialog.get_by_role("button", name="Test it").click()
    expect(dialog.get_by_text("320×288")).to_be_visible()
    name.fill("gate")
    expect(dialog.get_by_text("There is a stream “gate” already")).to_be_visible()
    expect(add).to_be_disabled()
    name.fill("my street")
    expect(dialog.get_by_text("1 to 64 letters")).to_be_visible()
    name.fill("clip")
    dialog.get_by_label("What to look for").select_option("quick")
    expect(dialog.get_by_text("simulate")).to_be_visible()
    add.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Stream “clip” has been added.")).to_be_visible()
    expect(page.get_by_role("link", name="clip").first).to_be_visible()
    assert [each["type"] for each in told(server, "clip")["spec"]["stages"]] == ["simulate"]
    server.http.delete("/api/streams/clip")


def test_by_a_file_and_again_by_what_was_uploaded(
    server: Running, page: Page, clip: Path, folder: Path
) -> None:
    dialog = opened(page, server)
    dialog.get_by_role("tab", name="Video file").click()
    choose = dialog.locator("input[type=file]")
    choose.set_input_files({"name": "no.mp4", "mimeType": "video/mp4", "buffer": b"no" * 900})
    dialog.get_by_role("button", name="Send and add").click()
    expect(dialog.get_by_text("The server cannot play this file")).to_be_visible()
    assert list(folder.iterdir()) == []
    choose.set_input_files(str(clip))
    expect(dialog.get_by_label("Name")).to_have_value("street-view")
    dialog.get_by_role("button", name="Send and add").click()
    expect(dialog).to_be_hidden()
    # It plays again and again.
    until(lambda: told(server, "street-view").get("captured", 0) > 45)
    assert [each.name for each in folder.iterdir()] == ["street view.mp4"]

    dialog = opened(page, server)
    dialog.get_by_role("tab", name="Video file").click()
    dialog.get_by_role("radio", name="street view.mp4").check()
    expect(dialog.get_by_label("Name")).to_have_value("street-view-2")
    expect(dialog.get_by_role("button", name="Delete street view.mp4")).to_be_disabled()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_be_hidden()
    until(lambda: told(server, "street-view-2").get("captured", 0) > 2)
    for stream in ("street-view", "street-view-2"):
        assert server.http.delete(f"/api/streams/{stream}").status_code == 204

    dialog = opened(page, server)
    dialog.get_by_role("tab", name="Video file").click()
    dialog.get_by_role("button", name="Delete street view.mp4").click()
    expect(dialog.get_by_text("Uploaded before")).to_be_hidden()
    assert list(folder.iterdir()) == []


def test_two_gigabytes_are_refused_before_they_are_sent(
    server: Running, page: Page, tmp_path: Path
) -> None:
    large = tmp_path / "holiday.mp4"
    with large.open("wb") as file:
        file.truncate(2 << 30)
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "PUT" else None)
    dialog = opened(page, server)

    def refused() -> None:
        expect(dialog.get_by_role("alert").filter(has_text="2 GB")).to_contain_text(
            "the server takes 3.8 MB at most. Cut it shorter"
        )
        expect(dialog.get_by_role("button", name="Add", exact=True)).to_be_disabled()

    # Also who has chosen before the page knows how much the server takes.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/uploads", hold)
    dialog.get_by_role("tab", name="Video file").click()
    dialog.locator("input[type=file]").set_input_files(str(large))
    expect(dialog.get_by_role("button", name="Send and add")).to_be_enabled()
    held[0].continue_()
    refused()
    dialog.locator("input[type=file]").set_input_files(str(large))
    refused()
    assert sent == []


def test_a_test_picture_and_leaving_without_adding(server: Running, page: Page) -> None:
    dialog = opened(page, server)
    dialog.get_by_role("tab", name="Test picture").click()
    dialog.get_by_label("Size").select_option("640x360")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_be_hidden()
    assert told(server, "pattern")["source"]["label"] == "pattern://640x360@30"
    server.http.delete("/api/streams/pattern")
    dialog = opened(page, server)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Add a source")).to_be_focused()


def slow_upload(page: Page, dialog: Locator) -> None:
    """Begin to send a file over a line that is too slow for it."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000},
    )
    dialog.get_by_role("tab", name="Video file").click()
    file = {"name": "long.mp4", "mimeType": "video/mp4", "buffer": bytes(MOST - 1)}
    dialog.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    dialog.get_by_role("button", name="Send and add").click()


def test_breaking_off_and_a_server_that_goes(page: Page, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    with running(config(folder, clip)) as one:
        dialog = opened(page, one)
        slow_upload(page, dialog)
        until(lambda: folder.exists() and list(folder.iterdir()))
        expect(dialog.get_by_role("progressbar")).to_be_visible()
        dialog.get_by_role("button", name="Stop sending").click()
        expect(dialog.get_by_role("button", name="Send and add")).to_be_enabled()
        until(lambda: not list(folder.iterdir()))
        # As if it had been killed.
        page.route("**/api/uploads/*", lambda route: route.abort("connectionreset"))
        dialog.get_by_role("button", name="Send and add").click()
        expect(dialog.get_by_text("The server stopped answering while the file")).to_be_visible()
        page.unroute("**/api/uploads/*")
        dialog.get_by_role("button", name="Send and add").click()
        until(lambda: list(folder.iterdir()))
    expect(dialog.get_by_text("The server does not take the file now")).to_be_visible()
    assert not list(folder.iterdir())
