"""What all tests share: nothing of the user's own is read or written."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_configuration_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Passwords, secrets and records of tokens go to a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        for name in ("PASSWORD", "SECRET", "REDIS_URL", "TOKEN"):
            patch.delenv(f"LIVELENS_{name}", raising=False)
        yield
