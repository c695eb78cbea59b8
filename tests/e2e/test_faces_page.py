"""The page of faces in real Chromium: enrolling with photographs and with the camera."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsers import PATIENCE_MS
from tests.faces.photographs import several_faces, written
from tests.server.running import Running, running

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    settings = {"enabled": True, "gallery": str(tmp_path / "faces.json")}
    with running({"faces": settings}) as one:
        yield one


def send(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").set_input_files([str(file) for file in files])


def test_it_is_off_and_says_how_it_is_switched_on_and_what_is_asked_before(page: Page) -> None:
    with running() as off:
        page.goto(f"{off.url}/#/faces")
        expect(page.get_by_role("heading", name="switched off")).to_be_visible()
        expect(page.locator("article")).to_contain_text("Consent")
        expect(page.locator("pre").first).to_contain_text("enabled: true")


def test_enroll_and_remove_with_consent(page: Page, server: Running, tmp_path: Path) -> None:
    page.goto(f"{server.url}/#/faces")
    expect(page.get_by_role("heading", name="Nobody is enrolled")).to_be_visible()
    page.get_by_label("Name").fill("Anna")
    send(page, written(tmp_path, 8, 1), written(tmp_path, 8, 2, ".jpg"))
    button = page.get_by_role("button", name="Enroll (pictures: 2)")
    expect(button).to_be_disabled()
    page.get_by_role("checkbox").check()
    button.click()
    expect(page.locator("li[data-state=enrolled]")).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.locator("[data-person=Anna]")).to_contain_text("Pictures: 2")
    assert [each["pictures"] for each in server.http.get("/api/faces").json()["faces"]] == [2]
    page.get_by_role("button", name="Remove Anna").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("[data-person=Anna]")).to_have_count(0)
    assert server.http.get("/api/faces").json()["faces"] == []


def test_pictures_that_do_not_serve_say_why(page: Page, server: Running, tmp_path: Path) -> None:
    wall, text = tmp_path / "wall.jpg", tmp_path / "text.jpg"
    cv2.imwrite(str(wall), np.full((200, 200, 3), 90, np.uint8))
    text.write_text("no picture")
    page.goto(f"{server.url}/#/faces")
    page.get_by_label("Name").fill("Anna")
    page.get_by_role("checkbox").check()
    send(page, several_faces(), wall, text)
    page.get_by_role("button", name="Enroll (pictures: 3)").click()
    refused = page.locator("li[data-state=refused]")
    expect(refused).to_have_count(3, timeout=PATIENCE_MS)
    expect(refused.nth(0)).to_contain_text("5 faces are seen")
    expect(refused.nth(1)).to_contain_text("No face is seen")
    expect(refused.nth(2)).to_contain_text("no JPEG or PNG")
    page.get_by_role("button", name="Leave out picture 1").click()
    expect(refused).to_have_count(2)
    send(page, written(tmp_path, 8, 1))
    page.get_by_label("Name").fill("unknown")
    page.get_by_role("button", name="Enroll (pictures: 1)").click()
    expect(page.locator(".field-error")).to_contain_text("what strangers are called")


def test_what_the_camera_took_is_shown_before_it_is_sent(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/#/faces")
    page.context.grant_permissions(["camera"], origin=server.url)
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take a picture").click()
    page.get_by_role("button", name="Take a picture").click()
    shown = page.locator("li[data-state=ready] img")
    expect(shown).to_have_count(2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('li img')].every((each) => each.naturalWidth > 100)"
    )
    page.get_by_label("Name").fill("Anna")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Enroll (pictures: 2)").click()
    # The fake camera shows a test picture.
    expect(page.locator("li[data-state=refused]").first).to_contain_text(
        "No face is seen", timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Close the camera").click()
    expect(page.locator("video")).to_have_count(0)
