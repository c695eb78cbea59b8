"""The engine of the tests of the flow."""

from collections.abc import Iterator

import pytest

from livelens.flow.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running
