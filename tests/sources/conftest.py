from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import parts


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 numbered pictures, 25 fps, 320x288, H.264 with B-frames, in MP4."""
    return parts.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def rtsp() -> Iterator[parts.RtspServer]:
    """A well-behaved RTSP server."""
    with parts.rtsp_server() as server:
        yield server
