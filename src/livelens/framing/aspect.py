"""Aspect ratios as people write them."""

import math

# Beyond these a shot is a line.
_LEAST, _MOST = 0.1, 10.0


def parsed(aspect: str) -> float | None:
    """Width by height of "9:16", "1.37:1" or "0.8"; None for "source": that of the picture.

    Raises:
        ValueError: it is none of these.
    """
    if aspect == "source":
        return None
    width, colon, height = aspect.partition(":")
    try:
        ratio = float(width) / (float(height) if colon else 1.0)
    except (ValueError, ZeroDivisionError):
        ratio = math.nan
    if not _LEAST <= ratio <= _MOST:
        raise ValueError(
            f"aspect: not {aspect!r}: write it as 9:16, as a number from {_LEAST} to {_MOST}, "
            "or as source"
        )
    return ratio
