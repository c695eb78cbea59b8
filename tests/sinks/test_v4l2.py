"""A virtual camera. No machine of ours has such a device: a file stands in for what it takes."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from livelens.errors import SinkError
from livelens.sinks import v4l2
from livelens.sinks.v4l2 import V4l2
from livelens.types import Frame, Item, Viewport

SECOND_NS = 1_000_000_000


def item(n: int, size: tuple[int, int] = (160, 120), at: Viewport | None = None) -> Item:
    pixels = np.full((size[1], size[0], 3), 40 + n, np.uint8)
    frame = Frame.of(pixels, seq=n, pts_ns=n * SECOND_NS // 30)
    return Item(frame, viewports={} if at is None else {"follow": at})


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What would be written to a device, in a file."""
    path = tmp_path / "video10"
    monkeypatch.setattr(v4l2, "_FORMAT", "rawvideo")
    monkeypatch.setattr(v4l2, "_check_device", lambda _: None)
    return path


def written(device: Path, items: list[Item], **settings: int | float | str) -> bytes:
    camera = v4l2.VirtualCamera(V4l2(path=str(device), **settings))  # type: ignore[arg-type]
    for each in items:
        camera.put(each)
    camera.close()
    return device.read_bytes()


def test_raw_pictures_of_one_size_are_written(device: Path) -> None:
    data = written(device, [item(0), item(1), item(2, (320, 120)), item(3)])
    size = 160 * 120 * 3 // 2
    assert len(data) == 4 * size
    luma = [data[n * size] for n in range(4)]
    assert luma == sorted(set(luma)), "a brighter one each"


def test_what_a_virtual_camera_of_ours_shows(device: Path) -> None:
    at = Viewport(3.5, 0, 67.5, 120, 9 / 16, (67.5, 120))
    square = Viewport(3.5, 0, 120, 120, 1.0, (120, 120))
    items = [item(0, at=at), item(1), item(2, at=square)]
    assert len(written(device, items, viewport="follow")) == 3 * 68 * 120 * 3 // 2
    assert len(written(device, items, viewport="follow", width_px=34)) == 3 * 34 * 60 * 3 // 2


def test_pictures_above_its_rate_are_left_out(device: Path) -> None:
    data = written(device, [item(n) for n in range(30)], fps=10)
    assert len(data) == 10 * 160 * 120 * 3 // 2


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(SinkError, match=r"/dev/video987: No such file.*modprobe v4l2loopback"):
        V4l2(path="/dev/video987").open("street")


def test_a_device_that_takes_no_pictures() -> None:
    camera = V4l2(path="/dev/null").open("street")
    with pytest.raises(SinkError, match=r"^cannot write to /dev/null: .*v4l2loopback") as caught:
        camera.put(item(0))
    assert "\n" not in str(caught.value)
    camera.close()


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no folder below /dev")
def test_what_is_no_device() -> None:
    with pytest.raises(SinkError, match="/dev/shm: it is not a device"):
        V4l2(path="/dev/shm").open("street")


@pytest.mark.parametrize("path", ["/dev/../etc/passwd", "clip.mp4", "/tmp/video0", ""])
def test_paths_that_name_no_device(path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="path"):
        msgspec.convert({"path": path}, V4l2)
