"""What moves a viewport: the camera operator, or a filter to compare it with."""

from typing import Protocol

from livelens.framing.geometry import Field, Shot, Target


class Camera(Protocol):
    """Moves the viewport over one stream. Time is media time, never a count of frames."""

    def see(self, field: Field, target: Target) -> None:
        """Learn what should be shown, in the order of time; ahead of `at` if frames are held."""

    def at(self, pts_ns: int) -> Shot:
        """Where it looks at a time that was seen; in the order of time."""
