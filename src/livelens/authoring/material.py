"""Real frames with real objects on them, to try plug-ins on."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import supervision as sv

from livelens.crop import Crop
from livelens.errors import LivelensError
from livelens.models import zoo
from livelens.picture import ArrayPicture, Pixels
from livelens.sources.file import File
from livelens.types import Frame, Item, no_detections

_FRAMES = 12
# Beyond these many, more pictures of the same clip say nothing new.
_MOST_CROPS = 12
# A clip with so many objects is taken; else the one with the most.
_ENOUGH = 8
# A street, and a face that turns.
_CLIPS = ("bikes", "faces")
# Small, and fetched with the defaults.
_GENERAL = ("coco-ssd", "face-blaze")


@dataclass(frozen=True, slots=True)
class Material:
    """What a plug-in is tried on.

    Attributes:
        items: frames in the order of their clip, with detections that have a `tracker_id`.
        origin: where they are from, for the report.
        real: whether a detector found the objects; else they were placed at random.
    """

    items: tuple[Item, ...]
    origin: str
    real: bool

    def crops(self, min_size_px: int) -> list[Crop]:
        """Objects of several frames, the largest first of each, no two of them alike."""
        from livelens.flow.describing import crops_of

        by_frame = [
            sorted(crops_of(item), key=lambda crop: -min(crop.size_px)) for item in self.items
        ]
        large = [[c for c in crops if min(c.size_px) >= min_size_px] for crops in by_frame]
        rounds = max(map(len, large), default=0)
        mixed = [crops[i] for i in range(rounds) for crops in large if i < len(crops)]
        # One number each: an answer must not depend on which object was asked for before.
        return [replace(crop, tracker_id=n + 1) for n, crop in enumerate(mixed[:_MOST_CROPS])]


def material(classes: Sequence[str], clip: Path | None = None) -> Material:
    """Frames on which objects of these classes were found.

    Args:
        classes: their names; any class will do if there are none.
        clip: the video to take; one of the zoo's otherwise, whichever shows the most.

    Raises:
        SourceError: the clip cannot be read.
    """
    model = _detector_of(classes)
    best: tuple[Item, ...] = ()
    for path in (clip,) if clip is not None else _clips():
        items = _detected(model, path, classes) if model is not None else ()
        if _count(items) > _count(best):
            best, name = items, path.name
        if _count(best) >= _ENOUGH:
            break
    if best:
        return Material(best, f"found by {model} on {name}", True)
    shown = clip if clip is not None else next(_clips(), None)
    if shown is None:
        return _placed(_noise(), "noise", classes)
    return _placed(_frames(shown), shown.name, classes)


def odd_frames() -> Iterator[tuple[str, Frame]]:
    """Pictures as cameras give them on a bad day: tiny, huge, without colour, black."""
    for name, (width, height) in (("64×64", (64, 64)), ("4K", (3840, 2160))):
        yield name, Frame.of(_scene(width, height))
    grey = _scene(640, 360).mean(axis=2, dtype=np.float32).astype(np.uint8)
    yield "greyscale", Frame.of(np.repeat(grey[:, :, None], 3, axis=2))
    yield "black", Frame.of(np.zeros((360, 640, 3), np.uint8))


def _scene(width: int, height: int) -> Pixels:
    """The first real frame in this size, or noise."""
    clips = list(_clips())
    picture = _frames(clips[0])[0].picture if clips else _noise()[0].picture
    return picture.rgb_resized(width, height)[:, :, ::-1].copy()


def _clips() -> Iterator[Path]:
    """The sample clips, fetched if need be; without a network those that are here."""
    for name in _CLIPS:
        with suppress(LivelensError):
            yield zoo.clip(name)


def _detector_of(classes: Sequence[str]) -> str | None:
    """A model of the zoo that knows one of the classes, rather one that is here."""
    models = [each for each in zoo.list_models() if each.card.task == "detect"]
    models.sort(key=lambda each: (not each.cached, each.card.optional))
    general = [each for name in _GENERAL for each in models if each.card.name == name]
    for model in (*general, *models):
        if not classes or set(classes) & set(model.card.labels):
            return model.card.name
    return None


@cache
def _frames(path: Path) -> tuple[Frame, ...]:
    """Frames from all over a clip, in order."""
    spec = File(path=str(path))
    count = spec.describe().frames or _FRAMES
    step = max(1, count // _FRAMES)
    source = spec.open()
    try:
        taken = []
        for n, captured in enumerate(source.frames()):
            if n % step == 0:
                picture = ArrayPicture(captured.picture.bgr())
                taken.append(Frame("test", n, captured.pts_ns, captured.captured_ns, picture))
            if len(taken) == _FRAMES:
                break
        return tuple(taken)
    finally:
        source.close()


@cache
def _found(model: str, path: Path) -> tuple[sv.Detections, ...]:
    detector = zoo.load(model)
    try:
        return tuple(
            detector([frame.picture.rgb_resized(*frame.size_px)])[0] for frame in _frames(path)
        )
    finally:
        detector.close()


def _detected(model: str, path: Path, classes: Sequence[str]) -> tuple[Item, ...]:
    try:
        found = _found(model, path)
    except LivelensError:  # not here, and no network
        return ()
    return tuple(
        Item(frame, detections=_numbered(each, classes))
        for frame, each in zip(_frames(path), found, strict=True)
    )


def _count(items: Sequence[Item]) -> int:
    return sum(len(item.detections) for item in items if item.detections is not None)


def _numbered(found: sv.Detections, classes: Sequence[str]) -> sv.Detections:
    names = found.data.get("class_name", np.empty(0, np.str_))
    if classes:
        found = cast(sv.Detections, found[np.isin(names, list(classes))])
    if not len(found):
        return no_detections()
    found.tracker_id = np.arange(1, len(found) + 1)
    return found


def _placed(frames: Sequence[Frame], where: str, classes: Sequence[str]) -> Material:
    """Boxes at random places of real frames, where no model of ours finds such objects."""
    chance = np.random.default_rng(0)
    name = classes[0] if classes else "object"
    items = []
    for frame in frames:
        width, height = frame.size_px
        corners = chance.uniform(0, 0.5, (2, 2)) * (width, height)
        sizes = chance.uniform(0.2, 0.5, (2, 2)) * (width, height)
        found = sv.Detections(
            xyxy=np.hstack([corners, corners + sizes]).astype(np.float32),
            confidence=np.full(2, 0.9, np.float32),
            class_id=np.zeros(2, int),
            tracker_id=np.array([1, 2]),
            data={"class_name": np.full(2, name)},
        )
        items.append(Item(frame, detections=found))
    return Material(tuple(items), f"placed at random on {where}: no model finds {name!r}", False)


def _noise() -> tuple[Frame, ...]:
    chance = np.random.default_rng(0)
    return tuple(
        Frame.of(chance.integers(0, 255, (360, 640, 3), np.uint8), seq=n, pts_ns=n * 40_000_000)
        for n in range(_FRAMES)
    )
