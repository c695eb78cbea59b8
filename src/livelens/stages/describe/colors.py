"""Names of colours: the eleven basic ones.

The eleven are those of Berlin and Kay, "Basic Color Terms", 1969. A colour gets the name of
the nearest prototype in CIELAB. First among the prototypes are the best examples of each name,
near those that Sturges and Whitfield ("Locating basic colours in the Munsell space", 1995)
give in Munsell notation, taken over by hue, value and chroma; then come what cloth shows most
and what lies far from them: navy, sky blue, maroon, olive, beige and their like.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels

NAMES = (
    "black", "white", "grey", "red", "orange", "yellow",
    "green", "blue", "purple", "pink", "brown",
)  # fmt: skip

# Name, then L in 0..100, chroma, hue in degrees.
_PROTOTYPES: tuple[tuple[str, float, float, float], ...] = (
    ("black", 12, 0, 0), ("black", 22, 4, 280), ("black", 18, 6, 60),
    ("white", 96, 0, 0), ("white", 84, 2, 90), ("white", 82, 6, 265), ("white", 84, 12, 85),
    ("grey", 36, 2, 0), ("grey", 50, 0, 0), ("grey", 60, 5, 265), ("grey", 62, 3, 90),
    ("grey", 48, 7, 80),
    ("red", 42, 62, 27), ("red", 28, 38, 25), ("red", 50, 52, 25), ("red", 22, 28, 22),
    ("orange", 63, 75, 56), ("orange", 55, 62, 50), ("orange", 72, 50, 62),
    ("yellow", 82, 85, 92), ("yellow", 72, 62, 86), ("yellow", 88, 38, 98),
    ("green", 50, 45, 150), ("green", 30, 24, 150), ("green", 70, 45, 135),
    ("green", 40, 26, 118), ("green", 60, 30, 190), ("green", 78, 24, 145),
    ("blue", 45, 45, 272), ("blue", 26, 30, 285), ("blue", 20, 15, 280), ("blue", 65, 32, 245),
    ("blue", 80, 18, 250), ("blue", 45, 18, 265), ("blue", 55, 28, 225), ("blue", 33, 14, 270),
    ("blue", 40, 64, 290), ("blue", 32, 105, 304),
    ("purple", 40, 45, 314), ("purple", 26, 24, 318), ("purple", 62, 28, 312),
    ("purple", 35, 35, 345),
    ("pink", 72, 34, 8), ("pink", 82, 16, 15), ("pink", 60, 52, 358), ("pink", 66, 24, 345),
    ("brown", 33, 30, 62), ("brown", 24, 16, 60), ("brown", 45, 30, 68), ("brown", 55, 22, 78),
    ("brown", 70, 18, 80),
)  # fmt: skip
# Cloth is lit unevenly: folds change its lightness, not its hue.
_LIGHTNESS_WEIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Shade:
    """One of a few colours that make up a surface: CIELAB, and its share of the pixels."""

    lab: tuple[float, float, float]
    share: float


def to_lab(pixels: Pixels) -> NDArray[np.float32]:
    """(n, 3) uint8 RGB to CIELAB, D65: L in 0..100, a and b about -128..127."""
    if len(pixels) == 0:
        return np.zeros((0, 3), np.float32)
    row = np.asarray(pixels, np.float32)[None] / 255
    return np.asarray(cv2.cvtColor(row, cv2.COLOR_RGB2LAB)[0], np.float32)


def shades(lab: NDArray[np.float32], count: int = 3) -> list[Shade]:
    """The colours that a surface is made of, by k-means, the largest first.

    Args:
        lab: (n, 3) CIELAB; one or more.
        count: how many at most.
    """
    weighted = np.asarray(lab * (_LIGHTNESS_WEIGHT, 1, 1), np.float32)
    count = min(count, len(weighted))
    if count < 2:
        lightness, a, b = (float(value) for value in lab.mean(axis=0))
        return [Shade((lightness, a, b), 1.0)]
    # Begun from light to dark, so that every picture gives the same answer every time.
    rank = np.argsort(np.argsort(weighted[:, 0], kind="stable"), kind="stable")
    labels = (rank * count // len(weighted)).astype(np.int32)[:, None]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    flags = cv2.KMEANS_USE_INITIAL_LABELS
    _, found, centres = cv2.kmeans(weighted, count, labels, criteria, 1, flags)
    sizes = np.bincount(np.asarray(found)[:, 0], minlength=count)
    parts = [
        Shade((float(c[0]) / _LIGHTNESS_WEIGHT, float(c[1]), float(c[2])), float(n) / len(lab))
        for c, n in zip(centres, sizes, strict=True)
        if n
    ]
    return sorted(parts, key=lambda shade: -shade.share)


def name_of(lab: tuple[float, float, float]) -> str:
    """The basic colour whose prototype is nearest."""
    return _BY_PROTOTYPE[int(_distances(lab).argmin())]


def name_shares(parts: list[Shade]) -> Mapping[str, float]:
    """How much of a surface has which name; the shares sum to 1.

    A colour between two names counts for both, the nearer one more.
    """
    shares = dict.fromkeys(NAMES, 0.0)
    for shade in parts:
        distances = _distances(shade.lab)
        nearest = {name: float(distances[_IS[name]].min()) for name in NAMES}
        closest = min(nearest.values())
        weights = {name: float(np.exp(-((far - closest) / 4))) for name, far in nearest.items()}
        total = sum(weights.values())
        for name in NAMES:
            shares[name] += shade.share * weights[name] / total
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}


def _distances(lab: tuple[float, float, float]) -> NDArray[np.float64]:
    difference = (_LAB - np.asarray(lab)) * (_LIGHTNESS_WEIGHT, 1, 1)
    return np.asarray(np.sqrt((difference**2).sum(axis=1)), np.float64)


def _from_hue(lightness: float, chroma: float, hue_deg: float) -> tuple[float, float, float]:
    hue = np.deg2rad(hue_deg)
    return lightness, float(chroma * np.cos(hue)), float(chroma * np.sin(hue))


_LAB = np.array([_from_hue(*prototype[1:]) for prototype in _PROTOTYPES])
_BY_PROTOTYPE = tuple(prototype[0] for prototype in _PROTOTYPES)
_IS = {name: np.array([other == name for other in _BY_PROTOTYPE]) for name in NAMES}
