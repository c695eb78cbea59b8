"""The fake camera: a looping clip whose pictures carry their number.

The number is drawn as a row of black and white blocks large enough to survive
scaling and coding. `page/probe.js` reads it back; both hold the same layout.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# The layout, in 1280ths of the picture's width. 16 bits of number, 8 bits of checksum.
BLOCKS = 24
BLOCK = 32
LEFT = 32
TOP = 32
_BLACK, _WHITE = 32, 208


def checksum(number: int) -> int:
    """Eight bits that a misread number is unlikely to match."""
    return ((number * 37 + 11) ^ (number >> 8)) & 0xFF


def bits_of(number: int) -> list[int]:
    """24 bits, most significant first: number, then checksum.

    Raises:
        ValueError: the number does not fit 16 bits.
    """
    if not 0 <= number < 1 << 16:
        raise ValueError(f"a picture's number is 0..65535, not {number}")
    word = number << 8 | checksum(number)
    return [word >> (BLOCKS - 1 - i) & 1 for i in range(BLOCKS)]


def number_in(luma: Plane) -> int | None:
    """The number in a luma plane (H, W); None where none can be read."""
    unit = luma.shape[1] / 1280
    row = round((TOP + BLOCK / 2) * unit)
    word = 0
    for i in range(BLOCKS):
        column = round((LEFT + BLOCK * (i + 0.5)) * unit)
        word = word << 1 | int(luma[row, column] > 120)
    number, check = word >> 8, word & 0xFF
    return number if check == checksum(number) else None


def draw_number(luma: Plane, number: int) -> None:
    """Draw the number into a luma plane (H, W), in place."""
    unit = luma.shape[1] / 1280
    top, bottom = round(TOP * unit), round((TOP + BLOCK) * unit)
    margin = round(BLOCK / 2 * unit)
    left, right = round(LEFT * unit), round((LEFT + BLOCK * BLOCKS) * unit)
    luma[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = _BLACK
    for i, bit in enumerate(bits_of(number)):
        first = round((LEFT + BLOCK * i) * unit)
        last = round((LEFT + BLOCK * (i + 1)) * unit)
        luma[top:bottom, first:last] = _WHITE if bit else _BLACK


def pictures(width_px: int, height_px: int, count: int) -> Iterator[tuple[Plane, Plane, Plane]]:
    """`count` YUV 4:2:0 pictures that loop seamlessly: a moving texture, as hard to code
    as a street seen from a panning camera, with the number on top."""
    rng = np.random.default_rng(7)
    tile = _texture(rng, height_px, width_px)
    chroma_u = _texture(rng, height_px // 2, width_px // 2) // 3 + 85
    chroma_v = _texture(rng, height_px // 2, width_px // 2) // 3 + 85
    for number in range(count):
        turn = number / count
        # To and fro, at most 1.7 pixels a picture: as fast as a camera pans to follow
        # someone. Faster, and Chrome's H.264 encoder takes it for a change of scene.
        x = 2 * round(40 * np.sin(2 * np.pi * turn) / 2)
        y = 2 * round(12 * np.cos(2 * np.pi * turn) / 2)
        luma = np.roll(tile, (y, x), axis=(0, 1))
        shift = (y // 2, x // 2)
        _moving_block(luma, turn)
        draw_number(luma, number)
        yield luma, np.roll(chroma_u, shift, axis=(0, 1)), np.roll(chroma_v, shift, axis=(0, 1))


def _texture(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Noise at several scales, periodic in both directions."""
    total = np.zeros((height, width))
    for cell, weight in ((8, 0.2), (20, 0.3), (40, 0.5)):
        rows, columns = max(2, height // cell), max(2, width // cell)
        coarse = rng.random((rows, columns))
        y = np.arange(height) * rows / height
        x = np.arange(width) * columns / width
        y0, x0 = y.astype(int), x.astype(int)
        fy, fx = (y - y0)[:, None], (x - x0)[None, :]
        y1, x1 = (y0 + 1) % rows, (x0 + 1) % columns
        upper = coarse[np.ix_(y0, x0)] * (1 - fx) + coarse[np.ix_(y0, x1)] * fx
        lower = coarse[np.ix_(y1, x0)] * (1 - fx) + coarse[np.ix_(y1, x1)] * fx
        total += weight * (upper * (1 - fy) + lower * fy)
    scaled = 40 + 170 * (total - total.min()) / np.ptp(total)
    return np.asarray(scaled, dtype=np.uint8)


def _moving_block(luma: Plane, turn: float) -> None:
    height, width = luma.shape
    side = height // 6
    x = round((width - side) * (0.5 + 0.45 * np.sin(2 * np.pi * turn)))
    y = round(height * 0.45 + height * 0.25 * np.sin(4 * np.pi * turn))
    luma[y : y + side, x : x + side] = 235


def write_mp4(path: Path, width_px: int, height_px: int, fps: int, count: int, kbps: int) -> None:
    """Write the clip as H.264, with a keyframe each second.

    Raises:
        OSError: the file cannot be written.
    """
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.bit_rate = kbps * 1000
        stream.options = {"preset": "veryfast", "g": str(fps), "bf": "0"}
        for planes in pictures(width_px, height_px, count):
            # PyAV wants the planes stacked: luma, then both chroma planes as half rows.
            stacked = np.concatenate([plane.reshape(-1, width_px) for plane in planes])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stacked, format="yuv420p")))
        container.mux(stream.encode(None))
    unfinished.replace(path)


def write_y4m(path: Path, width_px: int, height_px: int, fps: int, count: int) -> None:
    """Write the clip for Chromium's fake camera, which loops it at the file's own rate.

    Raises:
        OSError: the file cannot be written.
    """
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width_px} H{height_px} F{fps}:1 Ip A1:1 C420\n".encode())
        for planes in pictures(width_px, height_px, count):
            file.write(b"FRAME\n")
            for plane in planes:
                file.write(plane.tobytes())
    unfinished.replace(path)
