"""The browser and the page of the tests that drive one, and their options."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.e2e.browsers import built, launch_chromium, page_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", metavar="DIR", default=None, help="keep the screenshots of all pages there"
    )


# For a module, not for all: Playwright's loop would run on under tests that have their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as one:
        yield one


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    built()
    one = launch_chromium(playwright)
    yield one
    one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_of(browser) as one:
        yield one
