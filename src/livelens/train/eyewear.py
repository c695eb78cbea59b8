"""Glasses and sunglasses drawn onto photographs of faces that wear none.

A pair of glasses is a few dozen points in front of the face, in parts of the distance
between the eyes: two lens outlines, a bridge, two temples. They are turned with the head
and projected; frames, lenses, what the lenses mirror and the shadow on the skin are painted
one over the other. Shapes and sizes are drawn at random around those of real ones: lenses
40 to 60 mm wide, bridges of 14 to 24 mm, for eyes 63 mm apart.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.picture import Pixels

Points = NDArray[np.float64]
Plane = NDArray[np.float32]
Rim = Literal["full", "half", "none"]

# Points of the 468-point face mesh: corners of the eyes, top of the forehead, tip of the chin.
_EYES = ((33, 133), (362, 263))
_FOREHEAD, _CHIN = 10, 152
# Masks are drawn this much finer than the picture and averaged down.
_FINER = 2
_SHIFT = 4
_OUTLINE = 64


@dataclass(frozen=True, slots=True)
class Head:
    """Where glasses would sit.

    Attributes:
        middle: (2,) between the eyes, pixels.
        axes: (3, 3) unit rows to the picture's right, to the chin and into the head; the third
            coordinate grows away from the camera.
        eye_distance_px: between the centres of the eyes, in space.
    """

    middle: Points
    axes: Points
    eye_distance_px: float

    @classmethod
    def from_mesh(cls, mesh: NDArray[np.floating]) -> "Head":
        """From the 468-point face mesh.

        Args:
            mesh: (468 or more, 3) x, y, z in pixels, z smaller when nearer.
        """
        points = np.asarray(mesh, np.float64)
        left, right = (points[list(pair)].mean(axis=0) for pair in _EYES)
        across = right - left
        distance = float(np.linalg.norm(across))
        across = across / distance
        down = points[_CHIN] - points[_FOREHEAD]
        down = down - across * float(across @ down)
        down = down / np.linalg.norm(down)
        axes = np.stack([across, down, np.cross(across, down)])
        return cls(((left + right) / 2)[:2], axes, distance)

    def moved(self, matrix: NDArray[np.floating]) -> "Head":
        """The same head in a picture made through a turn, a scale and a shift, (2, 3)."""
        linear = np.asarray(matrix, np.float64)[:, :2]
        scale = float(np.sqrt(abs(np.linalg.det(linear))))
        axes = self.axes.copy()
        axes[:, :2] = axes[:, :2] @ (linear / scale).T
        middle = linear @ self.middle + np.asarray(matrix, np.float64)[:, 2]
        return Head(middle, axes, self.eye_distance_px * scale)

    def project(self, points: Points) -> Points:
        """(n, 3) in parts of the eye distance, from between the eyes, to (n, 2) pixels."""
        return self.middle + self.eye_distance_px * (points @ self.axes)[:, :2]


@dataclass(frozen=True, slots=True)
class Eyewear:
    """One pair, in parts of the eye distance.

    Attributes:
        width, height, bridge: of one lens, and between the two.
        roundness: exponent of the outline: 2 is an ellipse, 6 nearly a rectangle.
        narrowing: how much narrower the lens is at the bottom than at the top.
        lift: how far the outer upper corner is raised, as in cat-eye frames.
        drop: how far below the eyes the lenses hang.
        gap, wrap: distance before the eyes; how much the outer ends bend backwards.
        rim: frame all around, above only, or none.
        thickness, temple: of the rim and of the temples.
        reach: how far the temples go back before hair or the ear covers them.
        frame, lens: RGB, 0..255.
        opacity: of the lenses, 0..1, at their upper and at their lower edge.
        mirror: how much the lenses reflect, 0..1.
        shadow: on the skin, 0..1.
        magnify: what is behind the lenses looks larger (> 1) or smaller.
        double_bridge: a second bar, as in aviators.
    """

    width: float
    height: float
    bridge: float
    roundness: float
    narrowing: float
    lift: float
    drop: float
    gap: float
    wrap: float
    rim: Rim
    thickness: float
    temple: float
    reach: float
    frame: tuple[float, float, float]
    lens: tuple[float, float, float]
    opacity: tuple[float, float]
    mirror: float
    shadow: float
    magnify: float
    double_bridge: bool


def random_eyewear(random: np.random.Generator, *, dark: bool) -> Eyewear:
    """A pair of glasses, or of sunglasses with `dark`."""
    wire = random.random() < (0.3 if dark else 0.45)
    width = float(random.uniform(0.72, 1.02) if dark else random.uniform(0.62, 0.95))
    tall = random.uniform(0.6, 1.0) if dark or random.random() < 0.4 else random.uniform(0.48, 0.8)
    rim: Rim = "full"
    if random.random() < (0.15 if dark else 0.3):
        rim = "half" if random.random() < 0.5 else "none"
    thickness = random.uniform(0.018, 0.04) if wire or rim == "none" else random.uniform(0.04, 0.12)
    top = float(random.uniform(0.72, 0.99)) if dark else float(random.choice([0, 0.04, 0.1, 0.2]))
    fades = dark and random.random() < 0.3
    return Eyewear(
        width=width,
        height=float(np.clip(width * tall, 0.36, 0.9)),
        bridge=float(random.uniform(0.2, 0.4)),
        roundness=float(random.choice([2.0, 2.2, 2.6, 3.2, 4.5])),
        narrowing=float(random.uniform(-0.05, 0.3)),
        lift=float(random.uniform(0, 0.16) if random.random() < 0.3 else 0),
        drop=float(random.normal(0.06, 0.07) + (0.25 if random.random() < 0.06 else 0)),
        gap=float(random.uniform(0.15, 0.32)),
        wrap=float(random.uniform(0.02, 0.3 if dark else 0.14)),
        rim=rim,
        thickness=float(thickness),
        temple=float(random.uniform(0.02, 0.05) if wire else random.uniform(0.03, 0.12)),
        reach=float(random.uniform(0.2, 1.2)),
        frame=_frame_color(random, wire),
        lens=_lens_color(random, dark),
        opacity=(top, float(top * random.uniform(0.45, 0.9)) if fades else top),
        mirror=float(random.beta(1.2, 2.5)) * (0.8 if dark else 0.75),
        shadow=float(random.uniform(0, 0.5)),
        magnify=float(random.uniform(0.88, 1.1)),
        double_bridge=bool(random.random() < 0.15),
    )


def _frame_color(random: np.random.Generator, wire: bool) -> tuple[float, float, float]:
    kinds = [
        (20, 20, 22),
        (45, 30, 22),
        (90, 55, 30),
        (150, 25, 35),
        (30, 45, 110),
        (235, 235, 232),
    ]
    metals = [(190, 160, 90), (185, 185, 190), (120, 115, 110), (40, 40, 42), (150, 100, 70)]
    if wire:
        base = metals[int(random.integers(len(metals)))]
    elif random.random() < 0.6:
        base = kinds[int(random.integers(2))]
    else:
        base = kinds[int(random.integers(len(kinds)))]
    red, green, blue = np.clip(np.array(base) + random.normal(0, 14, 3), 0, 255)
    return float(red), float(green), float(blue)


def _lens_color(random: np.random.Generator, dark: bool) -> tuple[float, float, float]:
    if not dark:
        tints = [(200, 215, 205), (170, 180, 170), (190, 170, 130), (150, 170, 210)]
        red, green, blue = tints[int(random.integers(len(tints)))]
        return float(red), float(green), float(blue)
    if random.random() < 0.75:
        grey = random.uniform(4, 45)
        red, green, blue = np.clip(grey + random.normal(0, 7, 3), 0, 255)
    else:
        # Mirrored and coloured lenses.
        red, green, blue = random.uniform(20, 190, 3)
    return float(red), float(green), float(blue)


def wear(picture: Pixels, head: Head, eyewear: Eyewear, random: np.random.Generator) -> Pixels:
    """The picture with the glasses on the head.

    Args:
        picture: (h, w, 3) uint8 RGB.
        head: where they sit, in pixels of the picture.
        eyewear: what is worn.
        random: for what the lenses mirror.

    Returns:
        A new picture of the same size.
    """
    height, width = picture.shape[:2]
    outlines = [_lens(eyewear, side) for side in (-1, 1)]
    lenses = [_filled(head.project(points), (width, height)) for points in outlines]
    frame, temples = _frame(eyewear, outlines, head, (width, height))
    image = picture.astype(np.float32)
    behind = image[lenses[0] + lenses[1] > 0.5]
    light = float(np.clip(behind.mean() / 130, 0.25, 1.1)) if len(behind) else 1.0
    image = _shadowed(image, np.maximum(frame, 0.5 * (lenses[0] + lenses[1])), head, eyewear)
    image = _blend(image, light * np.asarray(eyewear.frame, np.float32), temples)
    for lens in lenses:
        image = _magnified(image, lens, eyewear.magnify)
        image = _tinted(image, lens, eyewear)
        image = _mirroring(image, lens, eyewear, random)
    return np.clip(_painted(image, frame, eyewear, light, random), 0, 255).astype(np.uint8)


def _lens(eyewear: Eyewear, side: int) -> Points:
    """(n, 3) outline of one lens; side -1 is the one at the picture's left."""
    angle = np.linspace(0, 2 * np.pi, _OUTLINE, endpoint=False)
    power = 2 / eyewear.roundness
    across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    down = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    lifted = eyewear.lift * np.clip(across, 0, 1) * np.clip(-down, 0, 1)
    across = across * (1 - eyewear.narrowing * (down + 1) / 2)
    x = eyewear.bridge / 2 + eyewear.width / 2 * (1 + across)
    y = eyewear.drop + eyewear.height / 2 * down - lifted
    return np.stack([side * x, y, _depth(eyewear, x)], axis=1)


def _depth(eyewear: Eyewear, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-eyewear.gap + eyewear.wrap * x**2, np.float64)


def _frame(
    eyewear: Eyewear, outlines: list[Points], head: Head, size_px: tuple[int, int]
) -> tuple[Plane, Plane]:
    """Masks of rims with bridge, and of temples."""
    rims: list[tuple[Points, float]] = []
    temples: list[tuple[Points, float]] = []
    edges: list[tuple[Points, float]] = []
    outer = eyewear.bridge / 2 + eyewear.width
    high = eyewear.drop - eyewear.height * 0.22
    for side, outline in zip((-1, 1), outlines, strict=True):
        if eyewear.rim == "full":
            rims.append((np.vstack([outline, outline[:1]]), eyewear.thickness))
        elif eyewear.rim == "half":
            upper = outline[outline[:, 1] < eyewear.drop]
            rims.append((upper[np.argsort(upper[:, 0])], eyewear.thickness))
        else:
            edges.append((np.vstack([outline, outline[:1]]), 0.015))
        hinge = np.array([side * outer, high, float(_depth(eyewear, np.array(outer)))])
        ear = hinge + eyewear.reach * np.array([side * 0.1, 0.05, 1.0])
        backwards = head.project(np.stack([hinge, ear]))
        outwards = head.project(np.array([[0.0, 0, 0], [side, 0.0, 0]]))
        # The temple at the far side of a turned head is behind the face.
        if float((backwards[1] - backwards[0]) @ (outwards[1] - outwards[0])) > 0:
            temples.append((np.stack([hinge, ear]), eyewear.temple))
        rims.append((np.stack([hinge, hinge + np.array([side * 0.04, 0, 0.05])]), eyewear.temple))
    rims += _bridges(eyewear)
    # A bare edge of a lens is seen where it breaks the light, no more.
    edge = 0.4 * _strokes(edges, head, size_px)
    return np.maximum(_strokes(rims, head, size_px), edge), _strokes(temples, head, size_px)


def _bridges(eyewear: Eyewear) -> list[tuple[Points, float]]:
    half = eyewear.bridge / 2 + 0.02
    x = np.linspace(-half, half, 9)
    bow = 0.35 * eyewear.bridge * (x / half) ** 2
    y = eyewear.drop - eyewear.height * 0.12 + bow - 0.06
    z = _depth(eyewear, x) - 0.04
    bars = [(np.stack([x, y, z], axis=1), max(0.02, 0.8 * eyewear.thickness))]
    if eyewear.double_bridge:
        top = np.full_like(x, eyewear.drop - eyewear.height * 0.42)
        bars.append((np.stack([x, top, z], axis=1), max(0.02, 0.7 * eyewear.thickness)))
    return bars


def _strokes(lines: list[tuple[Points, float]], head: Head, size_px: tuple[int, int]) -> Plane:
    width, height = size_px
    canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)
    for points, thickness in lines:
        pixels = _fixed(head.project(points))
        stroke = max(1, round(thickness * head.eye_distance_px * _FINER))
        cv2.polylines(canvas, [pixels], False, 255, stroke, cv2.LINE_AA, _SHIFT)
    return _averaged(canvas, size_px)


def _filled(outline: Points, size_px: tuple[int, int]) -> Plane:
    width, height = size_px
    canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)
    cv2.fillPoly(canvas, [_fixed(outline)], 255, cv2.LINE_AA, _SHIFT)
    return _averaged(canvas, size_px)


def _fixed(points: Points) -> NDArray[np.int32]:
    finer = (points + 0.5) * _FINER - 0.5
    return np.round(finer * (1 << _SHIFT)).astype(np.int32)


def _averaged(canvas: Pixels, size_px: tuple[int, int]) -> Plane:
    small = cv2.resize(canvas, size_px, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _blend(image: Plane, color: Plane, mask: Plane) -> Plane:
    return image + (color - image) * mask[..., None]


def _shadowed(image: Plane, mask: Plane, head: Head, eyewear: Eyewear) -> Plane:
    offset = 0.1 * head.eye_distance_px
    shift = np.array([[1, 0, 0], [0, 1, offset]], np.float64)
    moved = cv2.warpAffine(mask, shift, (mask.shape[1], mask.shape[0]))
    soft = cv2.GaussianBlur(moved, (0, 0), max(0.5, 0.05 * head.eye_distance_px))
    return np.asarray(image * (1 - 0.7 * eyewear.shadow * soft[..., None]), np.float32)


def _magnified(image: Plane, lens: Plane, factor: float) -> Plane:
    moments = cv2.moments(lens)
    if moments["m00"] < 1 or abs(factor - 1) < 0.01:
        return image
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    matrix = np.array([[factor, 0, x * (1 - factor)], [0, factor, y * (1 - factor)]])
    size = (image.shape[1], image.shape[0])
    larger = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(image + (larger - image) * lens[..., None], np.float32)


def _tinted(image: Plane, lens: Plane, eyewear: Eyewear) -> Plane:
    rows = np.flatnonzero(lens.max(axis=1) > 0)
    if rows.size == 0:
        return image
    place = np.clip((np.arange(lens.shape[0]) - rows[0]) / max(1, np.ptp(rows)), 0, 1)
    upper, lower = eyewear.opacity
    opacity = (upper + (lower - upper) * place).astype(np.float32)[:, None]
    return _blend(image, np.asarray(eyewear.lens, np.float32), lens * opacity)


def _mirroring(image: Plane, lens: Plane, eyewear: Eyewear, random: np.random.Generator) -> Plane:
    """Bright shapes on the lens: a window, a streak, the sky."""
    ys, xs = np.nonzero(lens > 0.5)
    if xs.size == 0 or eyewear.mirror < 0.05:
        return image
    left, top, width, height = (
        int(xs.min()),
        int(ys.min()),
        int(np.ptp(xs)) + 1,
        int(np.ptp(ys)) + 1,
    )
    light = np.zeros(lens.shape, np.float32)
    kind = random.integers(3)
    if kind == 0:  # the sky, down to a horizon
        horizon = top + int(height * random.uniform(0.25, 0.75))
        light[:horizon] = 0.7
    elif kind == 1:  # a window
        corner = np.array(
            [left + width * random.uniform(0, 0.7), top + height * random.uniform(0, 0.6)]
        )
        far = corner + np.array([width, height]) * random.uniform(0.1, 0.5, 2)
        cv2.rectangle(light, corner.astype(int).tolist(), far.astype(int).tolist(), 1.0, -1)
    else:  # a streak
        x = left + width * random.uniform(0, 1)
        lean = width * random.uniform(-0.5, 0.5)
        ends = (int(x), top), (int(x + lean), top + height)
        cv2.line(light, *ends, 0.8, max(1, int(width * random.uniform(0.04, 0.3))))
    soft = cv2.GaussianBlur(light, (0, 0), max(0.6, width * random.uniform(0.01, 0.08)))
    color = np.asarray([[245, 250, 255], [190, 220, 255], [205, 245, 215]], np.float32)
    return _blend(
        image, color[int(random.integers(3))], lens * np.asarray(soft, np.float32) * eyewear.mirror
    )


def _painted(
    image: Plane, frame: Plane, eyewear: Eyewear, light: float, random: np.random.Generator
) -> Plane:
    """The frame, lit from above."""
    lit = np.roll(frame, 1, axis=0) < frame
    shine = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), 0.8) * float(random.uniform(0, 0.5))
    color = light * np.asarray(eyewear.frame, np.float32)
    grain = color + (255 - color) * shine[..., None]
    if eyewear.rim == "full" and random.random() < 0.12:  # clear or speckled plastic
        speckle = cv2.GaussianBlur(random.random(frame.shape).astype(np.float32), (0, 0), 2.0)
        grain = grain * (0.5 + speckle[..., None])
    solid = frame * float(random.uniform(0.82, 1.0))
    return np.asarray(image + (grain - image) * solid[..., None], np.float32)
