"""The fake camera's clip and its numbers."""

from pathlib import Path

import av
import numpy as np
import pytest

from livelens.bench import camera


@pytest.mark.parametrize("size", [(1280, 720), (640, 360)])
@pytest.mark.parametrize("number", [0, 1, 149, 65535])
def test_a_number_is_read_back(size: tuple[int, int], number: int) -> None:
    luma = np.full((size[1], size[0]), 128, np.uint8)
    camera.draw_number(luma, number)
    assert camera.number_in(luma) == number


def test_noise_holds_no_number() -> None:
    luma = np.random.default_rng(3).integers(0, 255, (720, 1280), dtype=np.uint8)
    assert camera.number_in(luma) is None


def test_a_number_has_sixteen_bits() -> None:
    with pytest.raises(ValueError, match=r"0\.\.65535"):
        camera.bits_of(1 << 16)


def test_numbers_survive_coding(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    camera.write_mp4(path, 640, 360, 30, 12, 500)
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray(format="gray8") for frame in container.decode(video=0)]
    read = [camera.number_in(plane.astype(np.uint8)) for plane in planes]
    assert read == list(range(12))


def test_the_y4m_file_has_its_header_and_every_picture(tmp_path: Path) -> None:
    path = tmp_path / "clip.y4m"
    camera.write_y4m(path, 640, 360, 30, 3)
    data = path.read_bytes()
    header, _, rest = data.partition(b"\n")
    assert header == b"YUV4MPEG2 W640 H360 F30:1 Ip A1:1 C420"
    frame = 6 + 640 * 360 * 3 // 2
    assert len(rest) == 3 * frame
    second = np.frombuffer(rest[frame + 6 : frame + 6 + 640 * 360], np.uint8).reshape(360, 640)
    assert camera.number_in(second) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.y4m"]
