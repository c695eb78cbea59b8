"""Options of the tests that drive browsers."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", metavar="DIR", default=None, help="keep the screenshots of all pages there"
    )
