"""Photographs from strangers: what is decoded, and what is refused before it is."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from livelens.errors import PictureError
from livelens.faces import picture

from .photographs import encoded

PICTURE = np.random.default_rng(1).integers(0, 255, (40, 60, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_size_is_known_before_decoding(suffix: str) -> None:
    data = encoded(PICTURE, suffix)
    assert picture.size_px(data) == (60, 40)
    assert picture.is_web_picture(data)
    assert picture.decode(data, "x").shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".ppm"])
def test_other_formats_are_read_from_files_only(tmp_path: Path, suffix: str) -> None:
    data = encoded(PICTURE, suffix)
    assert not picture.is_web_picture(data)
    (tmp_path / "x").write_bytes(data)
    assert picture.load(tmp_path / "x").shape == (40, 60, 3)


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header says so, and whose pixels are a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(PICTURE, ".jpg"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("data", [png_of(60_000, 60_000), jpeg_of(65_000, 65_000)])
def test_a_bomb_is_not_decoded(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("cv2.imdecode", decoded)
    with pytest.raises(PictureError, match=r"x: 6\d000×6\d000 pixels, more than 50 million"):
        picture.decode(data, "x")


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0\x00\x02" * 3,
        b"\xff\xd8" + b"\xff" * 50,
        b"\xff\xd8\xff\xc0\x00\x11\x08",
        b"\xff\xd8\xff\xe1\xff\xff",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 30,
        b"<svg onload='x'/>",
    ],
)
def test_what_is_no_picture_is_one_line(data: bytes) -> None:
    with pytest.raises(PictureError, match="x: no picture that can be read"):
        picture.decode(data, "x")


def test_an_empty_file_and_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(PictureError, match=r"empty\.jpg: empty file"):
        picture.load(tmp_path / "empty.jpg")
    with pytest.raises(PictureError, match=r"none\.jpg: No such file"):
        picture.load(tmp_path / "none.jpg")
    with pytest.raises(PictureError, match="Is a directory"):
        picture.load(tmp_path)
