"""Who is shown: the choice among all that was found, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from livelens.framing.geometry import Field, Rect, Target
from livelens.types import Item


@dataclass(frozen=True, slots=True)
class Choice:
    """Who may be chosen, and how. See `Reframe` for what each setting means."""

    classes: tuple[str, ...] = ()
    tracker_id: int | None = None
    point: tuple[float, float] | None = None
    group: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)
    by_score: float = 1.0
    by_size: float = 1.0
    by_centrality: float = 0.5
    by_motion: float = 0.5
    switch_s: float = 1.0
    hold_s: float = 2.0
    recall_s: float = 10.0
    appearance: bool = True


@dataclass(frozen=True, slots=True)
class Composition:
    """Where in the shot the chosen belong. See `Reframe` for what each setting means."""

    fill: float = 0.6
    max_zoom: float = 2.0
    headroom: float = 0.1
    lead_room: float = 0.1
    margin: float = 0.02


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be shown of a frame, and why.

    Attributes:
        target: for the camera; of a wide shot when there is nobody.
        subjects: tracker_ids of the chosen, the most important first.
        state: as in `Viewport`.
    """

    target: Target
    subjects: tuple[int, ...]
    state: Literal["following", "holding", "wide"]


class Director:
    """Decides for one stream, frame by frame, in the order of time."""

    def __init__(self, choice: Choice, composition: Composition) -> None:
        self._choice = choice
        self._composition = composition

    def direct(
        self, item: Item, field: Field, *, cut: bool = False, protected: tuple[Rect, ...] = ()
    ) -> Decision:
        """What should be shown of a frame.

        Args:
            item: with the detections of the frame.
            field: where the camera may look.
            cut: the scene has changed: whoever was shown before is not here.
            protected: what the viewport's edge must not cut through, a logo say.
        """
        found, pts_ns, area = item.detections, item.frame.pts_ns, field.area
        if not found:
            return Decision(Target(pts_ns, area.x, area.y, area, cut=cut), (), "wide")
        best = Rect(
            *(float(v) for v in max(found.xyxy, key=lambda b: (b[2] - b[0]) * (b[3] - b[1])))
        )
        return Decision(Target(pts_ns, best.x, best.y, best, cut=cut), (), "following")
