"""Training pictures for the glasses network: eye bands, worn glasses, bad cameras."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels
from livelens.stages.describe.glasses import BAND_PX
from livelens.train.eyewear import Head, random_eyewear, wear

LABELS = ("none", "glasses", "sunglasses")
# How many of the samples show what, and how many of those are photographs of real glasses.
_SHARES = (0.44, 0.36, 0.20)
_REAL = (0.0, 0.2, 0.25)

Told = Callable[[str, int, int], None]
"""Told how far a step has come: its name, done, of how many."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A face to train on.

    Attributes:
        picture: (h, w, 3) uint8 RGB, the face with room around it.
        band: (2, 3) from pixels of it to the eye band, as the descriptor aligns it.
        head: where glasses would sit on it.
        label: an index of `LABELS`.
    """

    picture: Pixels
    band: NDArray[np.float64]
    head: Head
    label: int


def make_samples(
    portraits: Sequence[Portrait], count: int, seed: int, told: Told
) -> tuple[Pixels, NDArray[np.int64]]:
    """(count, h, w, 3) training pictures and their labels."""
    random = np.random.default_rng(seed)
    by_label = [[each for each in portraits if each.label == n] for n in range(len(LABELS))]
    width, height = BAND_PX
    pictures = np.empty((count, height, width, 3), np.uint8)
    labels = random.choice(len(LABELS), count, p=_SHARES)
    for n, label in enumerate(labels):
        real = by_label[label] and random.random() < _REAL[label]
        among = by_label[label] if real else by_label[0]
        pictures[n] = sample(among[int(random.integers(len(among)))], int(label), random)
        if n % 500 == 0:
            told("pictures made", n, count)
    return pictures, labels.astype(np.int64)


def sample(portrait: Portrait, label: int, random: np.random.Generator) -> Pixels:
    """One training picture of `BAND_PX`; the portrait gets glasses where its label is another.

    Raises:
        ValueError: a portrait with glasses cannot be made into one of another label.
    """
    if portrait.label not in (0, label):
        raise ValueError(f"a portrait of {LABELS[portrait.label]} cannot show {LABELS[label]}")
    finer = 2.0
    matrix = _jittered(portrait.band, random)
    matrix = matrix * finer + np.array([[0, 0, (finer - 1) / 2], [0, 0, (finer - 1) / 2]])
    size = (int(BAND_PX[0] * finer), int(BAND_PX[1] * finer))
    band = _warped(portrait.picture, matrix, size)
    band = disturbed(band, random)
    if label != portrait.label:
        band = wear(
            band, portrait.head.moved(matrix), random_eyewear(random, dark=label == 2), random
        )
    if random.random() < 0.5:
        band = np.ascontiguousarray(band[:, ::-1])
    small = cv2.resize(band, BAND_PX, interpolation=cv2.INTER_AREA)
    return degraded(np.asarray(small, np.uint8), random)


def _warped(picture: Pixels, matrix: NDArray[np.float64], size_px: tuple[int, int]) -> Pixels:
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    flags = cv2.INTER_LINEAR
    if shrink < 0.7:  # warping alone would alias
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 / shrink), np.uint8)
    warped = cv2.warpAffine(picture, matrix, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _jittered(matrix: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The band as a worse detector would have placed it."""
    width, height = BAND_PX
    turn = np.deg2rad(random.normal(0, 4))
    scale = float(np.exp(random.normal(0, 0.08)))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = random.normal(0, [0.025 * width, 0.045 * height])
    moved = np.zeros((2, 3))
    moved[:, :2] = linear @ matrix[:, :2]
    moved[:, 2] = linear @ (matrix[:, 2] - centre) + centre + shift
    return moved


def disturbed(band: Pixels, random: np.random.Generator) -> Pixels:
    """Wrinkles, hair, shadows and marks: what may look like glasses and is none."""
    image = band.astype(np.float32)
    height, width = band.shape[:2]
    if random.random() < 0.5:
        image = _wrinkled(image, random)
    if random.random() < 0.2:
        image = _streaked(image, random)
    if random.random() < 0.25:  # a shadow with a soft edge
        edge = random.uniform(-0.2, 1.2) * width
        slope, soft = random.uniform(-1, 1), random.uniform(2, 40)
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        side = 1 / (1 + np.exp(-(x - edge - slope * y) / soft))
        if random.random() < 0.5:
            side = 1 - side
        image = image * (1 - random.uniform(0.1, 0.65) * side[..., None])
    if random.random() < 0.2:  # eyes in the dark of their sockets, or made up
        image = _sunken(image, random)
    if random.random() < 0.05:
        place = (int(random.uniform(-0.3, 0.7) * width), int(random.uniform(0.1, 1) * height))
        text = "".join(random.choice(list("abcdeghimnoprstuy"), 9))
        mark = np.clip(image, 0, 255).astype(np.uint8)
        cv2.putText(mark, text, place, 0, float(random.uniform(0.4, 1.4)), (235, 235, 235), 2, 16)
        image = image + (mark - image) * float(random.uniform(0.2, 0.7))
    return np.clip(image, 0, 255).astype(np.uint8)


def _wrinkled(image: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Bags below the eyes, crow's feet, lines on the forehead and the nose."""
    height, width = image.shape[:2]
    lines = np.zeros((height, width), np.float32)
    for side in (-1, 1):
        eye = np.array([width * (0.5 + side * 0.18), height * 0.45])
        for _ in range(int(random.integers(1, 6))):
            radius = width * random.uniform(0.06, 0.13)
            below = eye + np.array([0, height * random.uniform(0.0, 0.12)])
            axes = (int(radius), max(1, int(radius * random.uniform(0.4, 0.9))))
            first, last = sorted(random.uniform(0, 180, 2))
            centre = (int(below[0]), int(below[1]))
            stroke = int(random.integers(1, 4))
            cv2.ellipse(lines, centre, axes, 0, first, last, 1.0, stroke, cv2.LINE_AA)
        for _ in range(int(random.integers(0, 5))):
            away, long = random.uniform(0.09, 0.14), random.uniform(0.03, 0.12)
            start = eye + np.array([side * width * away, height * random.normal(0, 0.08)])
            end = start + np.array([side * width * long, height * random.normal(0, 0.1)])
            ends = start.astype(int).tolist(), end.astype(int).tolist()
            cv2.line(lines, *ends, 1.0, int(random.integers(1, 3)), cv2.LINE_AA)
    for _ in range(int(random.integers(0, 4))):
        y = int(height * random.uniform(0, 0.22))
        left, right = sorted((random.uniform(0.05, 0.95, 2) * width).astype(int))
        bend = (int(left), y), (int(right), y + int(random.normal(0, 3)))
        cv2.line(lines, *bend, 1.0, int(random.integers(1, 4)), cv2.LINE_AA)
    soft = cv2.GaussianBlur(lines, (0, 0), float(random.uniform(0.8, 3)))
    return np.asarray(image * (1 - float(random.uniform(0.1, 0.7)) * soft[..., None]), np.float32)


def _streaked(image: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Strands of hair."""
    height, width = image.shape[:2]
    color = np.asarray(random.uniform(10, 180) * np.array([1.0, 0.8, 0.6]), np.float32)
    x = random.uniform(0, width)
    lean = random.normal(0, 0.25) * width
    for _ in range(int(random.integers(1, 12))):
        start = x + random.normal(0, 0.06) * width
        points = np.array(
            [
                [start + lean * t + random.normal(0, 2), height * t]
                for t in np.linspace(-0.1, 1.1, 5)
            ]
        )
        mask = np.zeros((height, width), np.float32)
        cv2.polylines(mask, [points.astype(np.int32)], False, 1.0, int(random.integers(1, 3)), 16)
        image = image + (color - image) * (mask * float(random.uniform(0.3, 0.9)))[..., None]
    return image


def _sunken(image: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    axes = (int(width * random.uniform(0.06, 0.12)), int(height * random.uniform(0.1, 0.25)))
    for side in (-1, 1):
        centre = (int(width * (0.5 + side * 0.18)), int(height * random.uniform(0.4, 0.47)))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), float(random.uniform(4, 12)))
    return np.asarray(image * (1 - float(random.uniform(0.2, 0.75)) * soft[..., None]), np.float32)


def degraded(band: Pixels, random: np.random.Generator) -> Pixels:
    """What light, lens, distance, sensor and compression do to a picture."""
    height, width = band.shape[:2]
    image = band.astype(np.float32)
    if random.random() < 0.15:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
        if random.random() < 0.4:  # sepia and other tones
            image = image * random.uniform(0.75, 1.15, 3).astype(np.float32)
    else:
        image = image * random.uniform(0.85, 1.15, 3).astype(np.float32)
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * float(random.uniform(0.4, 1.5))
    middle = float(image.mean())
    image = (image - middle) * float(np.exp(random.normal(0, 0.25))) + middle
    gamma = np.float32(np.exp(random.normal(0, 0.3)))
    image = np.float32(255) * (np.clip(image, 0, 255) / np.float32(255)) ** gamma
    image = image + np.float32(random.normal(0, 15))
    if random.random() < 0.55:
        smaller = float(random.uniform(0.22, 0.9))
        ways = [cv2.INTER_AREA, cv2.INTER_LINEAR]
        size = (max(8, int(width * smaller)), max(4, int(height * smaller)))
        tiny = cv2.resize(image, size, interpolation=ways[int(random.integers(2))])
        large = cv2.resize(tiny, (width, height), interpolation=cv2.INTER_CUBIC)
        image = np.asarray(large, np.float32)
    if random.random() < 0.3:
        image = _soft(image, float(random.uniform(0.3, 1.6)))
    if random.random() < 0.2:  # over-sharpened
        image = image + (image - _soft(image, 1.2)) * float(random.uniform(0.3, 1.5))
    if random.random() < 0.4:
        noise = random.normal(0, random.uniform(1, 10), image.shape)
        image = image + np.asarray(noise, np.float32)
    result = np.clip(image, 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        quality = int(random.integers(25, 92))
        packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return result


def _soft(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)
