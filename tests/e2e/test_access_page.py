"""Signing in, links and rights, as people meet them: in real browsers, on a real server."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from livelens.server.access import kept
from livelens.server.access.password import Password
from livelens.server.access.tokens import Token
from livelens.server.identity import Grant
from tests.e2e.browsers import PATIENCE_MS, launch_firefox, page_of
from tests.e2e.test_every_page import MOST_SHIFT, SIZES, THEMES, WATCH_SHIFTS
from tests.e2e.test_every_page import _axe as serious_faults
from tests.server.running import PATTERN, Running, running, until

pytestmark = pytest.mark.e2e

STREAMS = ("street", "yard")
PLAYING = """
() => [...document.querySelectorAll("video, canvas")]
  .some((each) => (each.videoWidth ?? each.width) >= 192)
"""


# Hashing a password takes its time on a machine that does much else.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "livelens")
    made = Password().ensure()
    assert made is not None
    return made


@pytest.fixture
def server(password: str) -> Iterator[Running]:
    with running(config()) as one:
        yield one


def config(**access: Any) -> dict[str, Any]:
    return {
        "access": {"trust_loopback": False, "max_failures": 3, **access},
        "streams": {each: {"source": PATTERN, "stages": []} for each in STREAMS},
    }


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Administrator's password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def tiles(page: Page) -> Any:
    return page.locator("[data-stream]")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Livelens")).to_be_visible()


def test_in_and_out_with_wrong_passwords_between(
    browser: Browser, server: Running, password: str
) -> None:
    with page_of(browser) as page:
        page.goto(f"{server.url}/#/watch/street")
        expect(page.get_by_role("heading", name="Sign in to Livelens")).to_be_visible()
        expect(page.get_by_role("navigation")).to_have_count(0)
        for wrong in ("open sesame", "still wrong", "wrong again"):
            sign_in(page, wrong)
            expect(page.get_by_label("Administrator's password")).to_have_value("")
            expect(page.get_by_text("The password is wrong.")).to_be_visible()
        sign_in(page, password)
        told = page.get_by_text(re.compile(r"Too many attempts. Try again in \d+ s"))
        expect(told).to_be_visible()
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_disabled()
        first = told.inner_text()
        expect(told).not_to_have_text(first)  # the seconds are counted down
        server.state.access.attempts.succeeded("127.0.0.1")
        page.reload()
        sign_in(page, password)
        expect(page.get_by_role("heading", name="street")).to_be_visible()
        assert page.url.endswith("#/watch/street"), "one comes where one wanted to"
        (cookie,) = page.context.cookies()
        assert cookie["httpOnly"] is True
        assert cookie["sameSite"] == "Strict"
        assert cookie["path"] == "/"
        assert page.evaluate("document.cookie") == ""
        stolen = {cookie["name"]: cookie["value"]}
        sign_out(page)
        assert page.context.cookies() == []
        assert httpx.get(f"{server.url}/api/streams", cookies=stolen).status_code == 401


def test_the_session_ends_elsewhere_and_with_the_server(
    browser: Browser, server: Running, password: str
) -> None:
    with page_of(browser) as page:
        page.goto(server.url)
        sign_in(page, password)
        expect(tiles(page)).to_have_count(2)
        server.inside(server.state.access.end_sessions())
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        sign_in(page, password)
        expect(tiles(page)).to_have_count(2)
        port = int(server.url.rpartition(":")[2])
        server.stop()
        # The same place, another server: memory has forgotten who was signed in.
        again = config()
        again["server"] = {"port": port}
        with running(again):
            expect(page.get_by_text("the server was restarted")).to_be_visible()
            sign_in(page, password)
            expect(tiles(page)).to_have_count(2)


def test_the_link_of_the_terminal(browser: Browser, server: Running) -> None:
    with page_of(browser) as page:
        code = server.state.access.code()
        page.goto(f"{server.url}/?login={code}#/dashboard")
        expect(page.get_by_role("link", name="Dashboard")).to_have_attribute("aria-current", "page")
        assert page.url == f"{server.url}/#/dashboard"
    with page_of(browser) as page:
        page.goto(f"{server.url}/?login={code}")
        expect(page.get_by_text("This link works once")).to_be_visible()
        assert page.url == f"{server.url}/"


def made_on_the_page(page: Page, server: Running) -> str:
    """Make a link to `street`, to view it, and return it."""
    page.goto(f"{server.url}/#/access")
    page.get_by_role("button", name="New link").click()
    page.get_by_label("Name").fill("lobby screen")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("Choose at least one stream.")).to_be_visible()
    page.get_by_label("street", exact=True).check()
    page.get_by_label("Ends after").select_option(label="1 hour")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="The link is ready")).to_be_visible()
    link = page.locator(".copy pre").inner_text()
    code = page.get_by_alt_text("QR code of the link")
    expect(code).to_be_visible()
    assert code.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("lobby screen")).to_be_visible()
    expect(page.get_by_text("street: View")).to_be_visible()
    return link


def test_a_link_shows_one_stream_until_it_is_revoked(
    browser: Browser, server: Running, password: str
) -> None:
    with page_of(browser) as admin:
        admin.goto(server.url)
        sign_in(admin, password)
        expect(tiles(admin)).to_have_count(2)
        link = made_on_the_page(admin, server)
        assert link.startswith(f"{server.url}/?token=")
        assert link.endswith("#/watch/street")
        with page_of(browser) as viewer:
            # From another site: `localhost` is none of 127.0.0.1.
            viewer.route(
                "http://localhost/*",
                lambda route: route.fulfill(
                    body=f'<a href="{link}">look</a>', content_type="text/html"
                ),
            )
            viewer.goto("http://localhost/mail")
            viewer.get_by_role("link", name="look").click()
            expect(viewer.get_by_role("heading", name="street")).to_be_visible()
            assert viewer.url == f"{server.url}/#/watch/street"
            viewer.wait_for_function(PLAYING)
            # What he may not do he is not offered.
            names = [
                link.inner_text()
                for link in viewer.get_by_role("navigation").get_by_role("link").all()
            ]
            assert "Access" not in names
            assert "Faces" not in names
            viewer.goto(f"{server.url}/#/")
            expect(tiles(viewer)).to_have_count(1)
            expect(viewer.get_by_role("button", name="Add a source")).to_have_count(0)
            viewer.goto(f"{server.url}/#/access")
            expect(viewer.get_by_text("You have no right to see this page.")).to_be_visible()
            # And the server would not let him.
            refused = viewer.evaluate(
                "fetch('api/streams/street/stop', {method: 'POST'}).then((r) => r.status)"
            )
            assert refused == 403
            assert server.state.engine.streams["street"].state == "running"
            viewer.goto(f"{server.url}/#/watch/street")
            viewer.wait_for_function(PLAYING)
            admin.get_by_role("button", name="Revoke lobby screen").click()
            admin.get_by_role("dialog").get_by_role("button", name="Revoke").click()
            expect(admin.get_by_text("“lobby screen” is revoked.")).to_be_visible()
            expect(viewer.get_by_text("This link was revoked")).to_be_visible()
            until(lambda: server.state.sessions.viewers == 0)
        with page_of(browser) as late:
            late.goto(link)
            expect(late.get_by_text("This link was revoked")).to_be_visible()
            assert "token" not in late.url


def test_links_that_do_not_count(browser: Browser, server: Running) -> None:
    old = Token("0" * 20, "", "share", (Grant("*", ("view",)),), 1_000_000_000, 1_000_003_600)
    text = server.state.access.signer.token(old)
    with page_of(browser) as page:
        page.goto(f"{server.url}/?token={text}#/watch/street")
        expect(page.get_by_text("This link or session has expired.")).to_be_visible()
        assert page.url == f"{server.url}/#/watch/street"
        page.goto(f"{server.url}/?token={text[:60]}")
        expect(page.get_by_text("This link is not one of this server's")).to_be_visible()


def test_the_administrators_page(browser: Browser, server: Running, password: str) -> None:
    with httpx.Client(base_url=server.url, headers={"User-Agent": "curl/8.5.0"}) as other:
        other.post("/api/session", json={"password": password})
        with page_of(browser) as page:
            page.goto(f"{server.url}/#/access")
            sign_in(page, password)
            expect(page.get_by_text("this browser")).to_be_visible()
            page.get_by_role("button", name="Sign out curl/8.5.0").click()
            expect(page.get_by_text("curl/8.5.0 is signed out.")).to_be_visible()
            assert other.get("/api/streams").status_code == 401
            page.get_by_label("Present password").fill("not this one")
            page.get_by_label("New password", exact=True).fill("quite another")
            page.get_by_label("New password again").fill("quite other")
            expect(page.get_by_text("The two are not the same.")).to_be_visible()
            page.get_by_label("New password again").fill("quite another")
            page.get_by_role("button", name="Change the password").click()
            expect(page.get_by_text("The present password is wrong.")).to_be_visible()
            page.get_by_label("Present password").fill(password)
            page.get_by_role("button", name="Change the password").click()
            expect(page.get_by_text("The password is changed.")).to_be_visible()
            sign_out(page)
            sign_in(page, "quite another")
            expect(page.get_by_role("heading", name="Access")).to_be_visible()


def test_it_is_accessible_and_fits_everywhere(
    browser: Browser, server: Running, password: str, request: pytest.FixtureRequest
) -> None:
    kept = request.config.getoption("--screenshots", default=None)
    for theme, (size, (width, height)) in product(THEMES, SIZES.items()):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        page = context.new_page()
        page.add_init_script(WATCH_SHIFTS)

        def check(name: str, page: Page = page, where: str = f"{theme}-{size}") -> None:
            sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(sideways) <= 1, f"{name} {where}: scrolls sideways"
            assert page.evaluate("window.__shift") <= MOST_SHIFT, f"{name} {where}: moves"
            assert serious_faults(page) == [], f"{name} {where}"
            if kept is not None:
                page.screenshot(path=Path(kept) / f"{name}-{where}.png")

        page.goto(f"{server.url}/?access=expired")
        expect(page.get_by_text("This link or session has expired.")).to_be_visible()
        check("login")
        page.goto(f"{server.url}/#/access")
        sign_in(page, password)
        expect(page.get_by_text("this browser")).to_be_visible()
        page.get_by_role("button", name="New link").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check("new-link")
        page.get_by_label("street", exact=True).check()
        page.get_by_role("button", name="Make the link").click()
        expect(page.get_by_alt_text("QR code of the link")).to_be_visible()
        check("link")
        context.close()


def test_a_server_that_is_gone(browser: Browser, password: str) -> None:
    with running(config()) as one, page_of(browser, language="ko-KR") as page:
        page.goto(one.url)
        expect(page.get_by_role("heading", name="Livelens에 로그인")).to_be_visible()
        one.stop()
        page.get_by_label("관리자 비밀번호").fill(password)
        page.get_by_role("button", name="로그인", exact=True).click()
        expect(page.get_by_text("서버가 응답하지 않습니다.")).to_be_visible()


def test_firefox_signs_in_too(playwright: Playwright, server: Running, password: str) -> None:
    firefox = launch_firefox(playwright)
    with page_of(firefox) as page:
        page.goto(server.url)
        sign_in(page, "open sesame")
        expect(page.get_by_text("The password is wrong.")).to_be_visible()
        sign_in(page, password)
        expect(tiles(page)).to_have_count(2)
        sign_out(page)
    firefox.close()
