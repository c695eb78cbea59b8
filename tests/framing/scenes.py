"""Scenes for tests: who stands where, as detections of one frame after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.framing.director import Decision, Director
from livelens.framing.geometry import Field, Rect
from livelens.picture import ArrayPicture
from livelens.types import Attribute, Frame, Item

WIDTH, HEIGHT = 1280, 720
AREA = Rect(0.0, 0.0, WIDTH, HEIGHT)
UPRIGHT = Field(AREA, 9 / 16)
FPS = 25

_GREY: NDArray[np.uint8] = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


@dataclass(frozen=True)
class Found:
    """One detection: its middle, its size."""

    x: float
    y: float = 400.0
    width: float = 100.0
    height: float = 300.0
    name: str | None = "person"
    number: int = -1
    score: float = 0.8
    predicted: bool = False
    colour: tuple[int, int, int] | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )


def detections(found: Sequence[Found]) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array([each.box for each in found], np.float32).reshape(-1, 4),
        confidence=np.array([each.score for each in found], np.float32),
        class_id=np.zeros(len(found), int),
        tracker_id=np.array([each.number for each in found], int),
        data={
            "class_name": np.array([each.name or "" for each in found], dtype=np.str_),
            "predicted": np.array([each.predicted for each in found], dtype=bool),
        },
    )


def picture(found: Sequence[Found]) -> NDArray[np.uint8]:
    """Grey, with everybody in their colour."""
    if all(each.colour is None for each in found):
        return _GREY
    image = _GREY.copy()
    for each in found:
        if each.colour is not None:
            left, top, right, bottom = (max(0, int(side)) for side in each.box)
            image[top:bottom, left:right] = each.colour
    return image


def item(
    found: Sequence[Found] | None,
    seconds: float,
    attributes: Mapping[int, Mapping[str, Attribute]] | None = None,
) -> Item:
    pixels = ArrayPicture(picture(found or ()))
    frame = Frame("test", round(seconds * FPS), round(seconds * NS_PER_S), 0, pixels)
    return Item(frame, None if found is None else detections(found), attributes=attributes or {})


class Scene:
    """A director at work, frame by frame."""

    def __init__(self, director: Director, field: Field = UPRIGHT, fps: float = FPS) -> None:
        self.director, self.field, self.fps = director, field, fps
        self.now = 0.0

    def frame(self, *found: Found, cut: bool = False, **more: object) -> Decision:
        """One frame."""
        attributes = more.get("attributes")
        assert attributes is None or isinstance(attributes, dict)
        decision = self.director.direct(item(found, self.now, attributes), self.field, cut=cut)
        self.now += 1 / self.fps
        return decision

    def last(self, seconds: float, *found: Found) -> Decision:
        """The same for some time; what is decided at the end."""
        decisions = [self.frame(*found) for _ in range(max(1, round(seconds * self.fps)))]
        return decisions[-1]
