"""What reading one part of a person gives, and following it from frame to frame."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from livelens.stages.landmarks.region import Points, Region
from livelens.stages.landmarks.smooth import Smoother
from livelens.types import Frame, Landmarks, Part


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Points that a network read in a region of a frame.

    Attributes:
        points: (n, 3) float32 in pixels of the frame, z in the same scale.
        score: 0..1, that the part is there at all.
        region: where to look for it in the next frame.
        visibility: (n,) float32 in 0..1, where the network tells.
        world: (n, 3) float32 metres, where the network tells.
        left: 0..1, that it is a left one, where the network tells.
    """

    points: Points
    score: float
    region: Region
    visibility: NDArray[np.float32] | None = None
    world: Points | None = None
    left: float = 0.5


class PartReader(Protocol):
    """Reads one part of a person."""

    def read(self, frame: Frame, region: Region) -> Reading:
        """The points in a region that was found or followed."""


@dataclass(slots=True, eq=False)
class Follower:
    """One part of one person, followed while it is seen.

    Attributes:
        person: number of the person.
        reading: the latest.
        side: of a hand whose wrist is known; None goes by `left`.
        left: as `Reading.left`, over time.
        smoother, world_smoother: None leaves the points as they are read.
    """

    person: int
    reading: Reading
    side: Part | None = None
    left: float = 0.5
    smoother: Smoother | None = field(default_factory=Smoother)
    world_smoother: Smoother | None = field(default_factory=Smoother)

    def step(self, reader: PartReader, frame: Frame, presence: float) -> bool:
        """Read this frame where the last one says; False when the part is lost."""
        if not self.reading.region.sound:
            return False
        reading = reader.read(frame, self.reading.region)
        if reading.score < presence or not np.isfinite(reading.points).all():
            return False
        self.reading = reading
        self.left += 0.2 * (reading.left - self.left)
        return True

    def landmarks(self, part: Part, pts_ns: int) -> Landmarks:
        """The latest reading, smoothed; call it once for each frame."""
        reading = self.reading
        points, world = reading.points, reading.world
        if self.smoother is not None:
            points = self.smoother(points, pts_ns, reading.region.size)
        if self.world_smoother is not None and world is not None:
            world = self.world_smoother(world, pts_ns, 1.0)
        return Landmarks(
            part=part,
            points=points,
            score=reading.score,
            person=self.person,
            visibility=reading.visibility,
            world=world,
        )


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)
