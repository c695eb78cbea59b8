"""What a person wears: length of sleeves and legs, colours above and below the waist.

No network tells garments. One finds the joints of the body; the rest is colour. Skin is what
the face looks like, or the hands where the face is not seen; an arm or a leg is bare where it
looks like skin rather than like the garment beside it. docs/models/clothing.md says how often
that is right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.stages.describe.colors import Shade, name_shares, shades
from livelens.stages.describe.figure import (
    ANKLES,
    EARS,
    ELBOWS,
    HIPS,
    KNEES,
    LEAST_PIXELS,
    NOSE,
    SEEN,
    SHOULDERS,
    WRISTS,
    Figure,
    Lab,
    exposed,
)
from livelens.stages.landmarks.body import BodyReader
from livelens.stages.landmarks.part import Reading as PartReading
from livelens.stages.landmarks.region import Region
from livelens.types import Frame

# Fewer pixels in height show no garments.
_LEAST_HEIGHT_PX = 64
# Sides of the square that the body is read in; more pixels tell no more.
_LEAST_SIDE_PX, _SIDE_PX = 224, 384
# CIELAB distances from the skin: as much skin as not, and surely something else.
_SKIN_NEAR, _SKIN_SURE = 20.0, 11.0
# How much of a limb's pixels look like skin when it is bare.
_BARE = 0.3
# A garment is at least so much of where it is looked for.
_LEAST_CLOTH = 0.25


class Clothing(DescriptorSpec, frozen=True, kw_only=True):
    """Tells `upper`, `lower`, `upper_color` and `lower_color` of persons, where they are seen.

    `upper` is `sleeveless`, `short sleeves` or `long sleeves`; `lower` is `shorts` (or any
    skirt that ends above the shin) or `trousers`; colours are the eleven basic ones.

    Attributes:
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic. In bfloat16, which `auto` takes where it is fast, joints are off
            by more than a sleeve can bear.
    """

    measures: ClassVar[tuple[str, ...]] = ("upper", "lower", "upper_color", "lower_color")
    describes: ClassVar[tuple[str, ...]] = ("person",)
    models: ClassVar[tuple[str, ...]] = ("body-points", "body-blaze")

    refresh_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 2.0
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "f32"

    def open(self) -> "ClothingDescriptor":
        """Load the network of joints and warm it up.

        Raises:
            ModelError, DownloadError: it cannot be had or loaded.
        """
        from livelens.models import zoo

        network = zoo.network(
            "body-points",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        detector = zoo.load(
            "body-blaze",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        return ClothingDescriptor(BodyReader(network, detector))


class ClothingDescriptor:
    """Reads the clothes of persons.

    Args:
        body: finds the joints.
    """

    def __init__(self, body: BodyReader) -> None:
        self._body = body

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """What can be told of every person, in order; {} where joints cannot be found."""
        return [self._one(crop) for crop in crops]

    def close(self) -> None:
        """Free the network."""
        self._body.close()

    def _one(self, crop: Crop) -> Description:
        figure = self._figure(crop)
        return {} if figure is None else clothes_of(figure)

    def _figure(self, crop: Crop) -> "Figure | None":
        width, height = crop.size_px
        if height < _LEAST_HEIGHT_PX:
            return None
        left, top, right, bottom = crop.box
        square = Region((left + right) / 2, (top + bottom) / 2, 1.25 * max(width, height))
        reading = self._read(crop, square)
        if reading is None or reading.visibility is None:
            return None
        side = min(_SIDE_PX, max(_LEAST_SIDE_PX, round(square.size)))
        matrix = square.matrix(side)
        points = np.c_[reading.points[:, :2], np.ones(len(reading.points))] @ matrix.T
        box = np.array([[left, top, 1], [right, bottom, 1]]) @ matrix.T
        # A joint outside the box is a guess, whatever the network says of it.
        room = 0.04 * side
        inside = ((points >= box[0] - room) & (points <= box[1] + room)).all(axis=1)
        depth = reading.points[:, 2]
        return Figure(
            exposed(square.cut(crop.frame, side)),
            points,
            reading.visibility * inside,
            turned_away=bool(depth[NOSE] > depth[list(EARS)].mean()),
        )

    def _read(self, crop: Crop, square: Region) -> PartReading | None:
        """The joints, in pixels of the frame."""
        best = None
        # Of who is cut off by the picture's edge or a table, the box is no good guide to where
        # the body would be; the detector tells.
        for region in (square, *self._found(crop)):
            reading = self._body.read(crop.frame, region)
            if reading.score >= SEEN and reading.region.size < 4 * square.size:
                # The first look was at the box; the second is at the body that it showed.
                again = self._body.read(crop.frame, reading.region)
                best = max(reading, again, key=lambda each: each.score)
                break
        return best

    def _found(self, crop: Crop) -> Iterator[Region]:
        """The bodies in the box, if anybody asks for them."""
        margin = 0.1
        part = crop.image(margin)
        grow = margin * max(crop.size_px)
        left = float(np.clip(np.floor(crop.box[0] - grow), 0, crop.frame.size_px[0] - 1))
        top = float(np.clip(np.floor(crop.box[1] - grow), 0, crop.frame.size_px[1] - 1))
        bgr = np.ascontiguousarray(part[:, :, ::-1])
        for region in self._body.find(Frame.of(bgr))[:1]:
            yield Region(region.x + left, region.y + top, region.size, region.angle)


def clothes_of(figure: Figure) -> Description:
    """Everything that can be told of a figure."""
    told: dict[str, Reading] = {}
    skin = SkinTone.of(figure.skin())
    upper = Surface.of(figure.trunk()) if figure.has(*SHOULDERS) else None
    if upper is not None:
        upper = upper.without(skin)
        told["upper_color"] = _color(upper)
        sleeves = _sleeves(figure, skin, upper)
        if sleeves is not None:
            told["upper"] = sleeves
    lower = _lower_surface(figure)
    if lower is not None:
        lower = lower.without(skin)
        told["lower_color"] = _color(lower)
        legs = _legs(figure, skin, lower)
        if legs is not None:
            told["lower"] = legs
    return told


@dataclass(frozen=True, slots=True)
class Surface:
    """The colours of a garment."""

    shades: list[Shade]

    @classmethod
    def of(cls, lab: Lab) -> "Surface | None":
        """None where there are too few pixels to say anything."""
        return cls(shades(lab)) if len(lab) >= LEAST_PIXELS else None

    def without(self, skin: "SkinTone") -> "Surface":
        """What is left when arms before the chest and bare legs are taken away."""
        cloth = [shade for shade in self.shades if skin.far_from(shade)]
        enough = sum(shade.share for shade in cloth) >= _LEAST_CLOTH
        return Surface(cloth) if skin.known and enough else self

    def distance(self, lab: Lab) -> NDArray[np.float64]:
        """(n,) of pixels to the nearest of the larger shades."""
        main = [shade for shade in self.shades if shade.share >= 0.15] or self.shades[:1]
        return np.asarray(np.min([_distance(lab, shade.lab, 0.7) for shade in main], axis=0))


@dataclass(frozen=True, slots=True)
class SkinTone:
    """What this person's skin looks like."""

    lab: tuple[float, float, float]
    known: bool

    @classmethod
    def of(cls, lab: Lab) -> "SkinTone":
        """From pixels of bare skin; the mean of many where there are none."""
        if len(lab) >= LEAST_PIXELS:
            lightness, a, b = (float(value) for value in np.median(lab, axis=0))
            # Hair, masks and gloves are no skin; neither is anything in a grey picture.
            if lightness > 15 and a > 2 and 2 < b < 45 and a > 0.2 * b:
                return cls((lightness, a, b), known=True)
        return cls((60.0, 14.0, 17.0), known=False)

    def distance(self, lab: Lab) -> NDArray[np.float64]:
        """(n,) of pixels; light and shadow count less than colour."""
        return _distance(lab, self.lab, 0.35)

    def far_from(self, shade: Shade) -> bool:
        """Whether a shade is something else than skin."""
        return float(self.distance(np.asarray([shade.lab], np.float32))[0]) > _SKIN_SURE


def _distance(lab: Lab, other: tuple[float, float, float], lightness: float) -> NDArray[np.float64]:
    difference = (lab - np.asarray(other, np.float32)) * (lightness, 1, 1)
    return np.asarray(np.sqrt((difference**2).sum(axis=1)), np.float64)


def _bareness(lab: Lab, skin: SkinTone, garment: Surface) -> float | None:
    """0..1: how much of a stretch looks like skin rather than like the garment."""
    if len(lab) < LEAST_PIXELS:
        return None
    to_skin, to_garment = skin.distance(lab), garment.distance(lab)
    near = 1 / (1 + np.exp((to_skin - _SKIN_NEAR) / 4))
    rather = 1 / (1 + np.exp((to_skin - to_garment) / 4))
    return float((near * rather).mean())


def _color(surface: Surface) -> Reading:
    # Folds, prints and shadows keep their share: the score says how much is of one colour.
    shares = name_shares(surface.shades)
    best = max(shares, key=lambda name: shares[name])
    return Reading(best, shares[best], shares)


def _sleeves(figure: Figure, skin: SkinTone, garment: Surface) -> Reading | None:
    readings = []
    for shoulder, elbow, wrist in zip(SHOULDERS, ELBOWS, WRISTS, strict=True):
        if not figure.has(shoulder, elbow):
            continue
        upper = _bareness(figure.along(shoulder, elbow, 0.25, 0.6, 0.1), skin, garment)
        fore = None
        if figure.has(wrist):
            fore = _bareness(figure.along(elbow, wrist, 0.25, 0.8, 0.07), skin, garment)
        if upper is None or fore is None:
            continue
        bare = _certain(upper), _certain(fore)
        readings.append((bare[0] * bare[1], (1 - bare[0]) * bare[1], 1 - bare[1]))
    if not readings:
        return None
    shares = np.mean(readings, axis=0)
    return _chosen(("sleeveless", "short sleeves", "long sleeves"), shares, skin)


def _legs(figure: Figure, skin: SkinTone, garment: Surface) -> Reading | None:
    readings = []
    for knee, ankle in zip(KNEES, ANKLES, strict=True):
        if figure.has(knee, ankle):
            bare = _bareness(figure.along(knee, ankle, 0.1, 0.6, 0.09), skin, garment)
            if bare is not None:
                readings.append(_certain(bare))
    if not readings:
        return None
    short = float(np.mean(readings))
    return _chosen(("shorts", "trousers"), np.array([short, 1 - short]), skin)


def _certain(bareness: float) -> float:
    return float(1 / (1 + np.exp(-(bareness - _BARE) / 0.1)))


def _chosen(names: tuple[str, ...], shares: NDArray[np.floating], skin: SkinTone) -> Reading:
    total = float(shares.sum())
    scores: Mapping[str, float] = {
        name: float(share) / total for name, share in zip(names, shares, strict=True)
    }
    best = max(scores, key=lambda name: scores[name])
    # Without the person's own skin to compare with, it is half a guess.
    return Reading(best, scores[best] * (1.0 if skin.known else 0.5), scores)


def _lower_surface(figure: Figure) -> Surface | None:
    parts = [
        figure.along(hip, knee, 0.12, 0.55, 0.16)
        for hip, knee in zip(HIPS, KNEES, strict=True)
        if figure.has(hip, knee)
    ]
    return Surface.of(np.concatenate(parts)) if parts else None
