"""Photographs from files and requests, decoded with care: nobody knows who made them."""

import struct
from pathlib import Path

import cv2
import numpy as np

from livelens.errors import PictureError
from livelens.picture import Pixels

MOST_PX = 50_000_000
_MOST_BYTES = 64_000_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# Markers of JPEG that begin a frame and so tell its size; 0xC4, 0xC8 and 0xCC are others.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


def load(path: Path) -> Pixels:
    """The picture in a file, (h, w, 3) uint8 BGR, the way up that its camera noted.

    Raises:
        PictureError: the file cannot be read, or holds no picture.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PictureError(f"{path}: larger than {_MOST_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror}") from error
    return decode(data, str(path))


def decode(data: bytes, what: str) -> Pixels:
    """The picture in an encoded file, as `load` gives it.

    A file of a few bytes may say that it holds a billion pixels, so JPEG and PNG are asked
    for their size before anything is decoded; other formats have OpenCV's own limits.

    Args:
        data: the file's bytes.
        what: what the error calls it.

    Raises:
        PictureError: it is empty, too large, or no picture.
    """
    if not data:
        raise PictureError(f"{what}: empty file")
    size = size_px(data)
    if size is not None and size[0] * size[1] > MOST_PX:
        raise PictureError(
            f"{what}: {size[0]}×{size[1]} pixels, more than {MOST_PX // 1_000_000} million"
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise PictureError(f"{what}: no picture that can be read; JPEG and PNG can")
    return np.asarray(image, np.uint8)


def is_web_picture(data: bytes) -> bool:
    """Whether it is a JPEG or PNG whose size can be told."""
    return data.startswith((_PNG, _JPEG)) and size_px(data) is not None


def size_px(data: bytes) -> tuple[int, int] | None:
    """(width, height) that the header of a JPEG or PNG tells; None for anything else."""
    if data.startswith(_PNG):
        return struct.unpack(">II", data[16:24]) if len(data) >= 24 else None
    return _jpeg_size(data) if data.startswith(_JPEG) else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _JPEG_BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_FRAMES:
            if at + 9 > len(data):
                return None
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
