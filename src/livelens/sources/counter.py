"""A frame counter drawn into the picture, that survives coding and scaling.

The top ninth of the picture is a grid of 18 columns and 2 rows of black and white
cells, each 1/18 of the width by 1/18 of the height, whatever the size::

    1 0 | bits 23..16 of the number | bits 15..8
    0 1 | bits 7..0                 | checksum

The most significant bit is on the left, white is 1. The checksum of the bytes
``high, middle, low`` is ``(3 * high + 5 * middle + 7 * low + 90) % 256``. To read it,
take the mean of the middle of each cell and compare with 128; a page needs no more.
"""

from typing import Final

import numpy as np

from livelens.picture import Pixels

COLUMNS: Final = 18
ROWS: Final = 2
THRESHOLD: Final = 128
COUNTER_LIMIT: Final = 1 << 24

_MARKERS: Final = ((1, 0), (0, 1))


def _checksum(high: int, middle: int, low: int) -> int:
    return (3 * high + 5 * middle + 7 * low + 90) % 256


def _cell(row: int, column: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in pixels of a cell."""
    return (
        column * width // COLUMNS,
        row * height // COLUMNS,
        (column + 1) * width // COLUMNS,
        (row + 1) * height // COLUMNS,
    )


def draw_counter(image: Pixels, number: int) -> None:
    """Draw `number` modulo 2**24 into the top of a (H, W, 3) uint8 picture, in place.

    Cells of 16 pixels or more, so from 288x288 on, survive any sane coding.
    """
    number %= COUNTER_LIMIT
    high, middle, low = number >> 16, number >> 8 & 255, number & 255
    height, width = image.shape[:2]
    rows = ((high, middle), (low, _checksum(high, middle, low)))
    for row, (marker, (left_byte, right_byte)) in enumerate(zip(_MARKERS, rows, strict=True)):
        value = left_byte << 8 | right_byte
        bits = (*marker, *(value >> shift & 1 for shift in range(15, -1, -1)))
        for column, bit in enumerate(bits):
            left, top, right, bottom = _cell(row, column, width, height)
            image[top:bottom, left:right] = 255 * bit


def read_counter(image: Pixels) -> int | None:
    """The number drawn into a (H, W, 3) or (H, W) uint8 picture; None where there is none."""
    height, width = image.shape[:2]
    values = []
    for row, marker in enumerate(_MARKERS):
        bits = []
        for column in range(COLUMNS):
            left, top, right, bottom = _cell(row, column, width, height)
            inset_x, inset_y = (right - left) // 4, (bottom - top) // 4
            middle_of_cell = image[
                top + inset_y : bottom - inset_y, left + inset_x : right - inset_x
            ]
            if not middle_of_cell.size:
                return None
            bits.append(int(np.mean(middle_of_cell) >= THRESHOLD))
        if tuple(bits[:2]) != marker:
            return None
        values.append(int("".join(map(str, bits[2:])), 2))
    high, middle, low, checksum = values[0] >> 8, values[0] & 255, values[1] >> 8, values[1] & 255
    if checksum != _checksum(high, middle, low):
        return None
    return high << 16 | middle << 8 | low
