"""Fixtures for models: a cache of the test's own, and the development data where it is."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and no mirror."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LIVELENS_CACHE", str(folder))
    monkeypatch.delenv("LIVELENS_MIRROR", raising=False)
    return folder


@pytest.fixture
def photographs() -> Path:
    """The folder of labelled photographs; the test is skipped where there is none."""
    if not (DATA / "coco").is_dir():
        pytest.skip("no development data beside the checkout")
    return DATA
