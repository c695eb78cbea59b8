"""A camera operator in software: a viewport that follows a subject, for each frame."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from livelens.framing.aspect import parsed
from livelens.framing.average import Average
from livelens.framing.camera import Camera
from livelens.framing.director import Choice, Composition, Decision, Director
from livelens.framing.geometry import Field, Rect, Shot
from livelens.spec import StageSpec
from livelens.types import Item, Viewport

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=100)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=60)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Reframe(StageSpec, frozen=True, kw_only=True):
    """Follows a subject with a viewport of any aspect ratio, as a person with a camera would.

    Sinks with `viewport` show what it shows; every result tells where it looks. Stands after
    detectors and, if there is one, the tracker.

    Attributes:
        aspect: width by height of the shot: "9:16", "1:1", "4:5", "16:9", any other "W:H", a
            number, or "source" for that of the picture.
        classes: only these are subjects; empty means all that have a weight.
        tracker_id: the track to follow; another is chosen when it is gone for good.
        point: follow whoever is here, x and y as parts of the picture's width and height: what a
            click on the picture sets. Stays with that subject when it moves.
        group: most subjects to show at once, as many as fit, the most important first.
        weights: of kinds (`face`, `person`, `animal`, `ball`, `other`) or single class names; 0
            is never shown. A face inside its person's box counts once.
        by_score, by_size, by_centrality, by_motion: how much these count in the choice.
        switch_s: another subject must be better for so long before it is followed instead.
        hold_s: how long the shot stays when the subject is gone, before it eases to wide.
        recall_s: a subject that comes back within this time is followed again.
        appearance: recognise it by its colours when its track is lost, not by its place alone.
        fill: part of the viewport's height (or width, if that is more) that the subject should
            take; closer shots are as far as `max_zoom` goes.
        max_zoom: how much closer than the widest shot; 1 never zooms.
        headroom: room above the subject, as part of the viewport's height.
        lead_room: room in front of a moving subject, as part of the viewport's width.
        method: `operator` plans ahead; `ema` (exponential average with dead zone) and `one-euro`
            are there to compare with.
        response_s: how quickly it follows.
        max_speed, max_acceleration: of panning, in viewport widths per second, per second².
        max_zoom_rate: most that the viewport's size changes per second, as a factor minus 1.
        dead_band: the subject may move so far from its place, in viewport widths, before the
            camera leaves its stand.
        cuts: jump at scene changes, and when a pan cannot follow.
        lookahead_s: hold frames for so long to see what comes: a better path for that delay.
        borders: find black bars and borders around the picture, and never show them.
        protect: text and logos at the edge that must not be cut through: `off`, `auto` finds
            them, or boxes [x_min, y_min, x_max, y_max] as parts of the picture.
        padding: what is larger than the widest shot is shown whole, with the rest of the shot
            filled up by a blurred picture, or by nothing: it is cut off (`none`).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"detections"})
    gives: ClassVar[frozenset[str]] = frozenset({"viewports"})

    aspect: str = "9:16"
    classes: tuple[str, ...] = ()
    tracker_id: Annotated[int, msgspec.Meta(ge=0)] | None = None
    point: tuple[Share, Share] | None = None
    group: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    weights: Mapping[str, Weight] = msgspec.field(default_factory=dict)
    by_score: Weight = 1.0
    by_size: Weight = 1.0
    by_centrality: Weight = 0.5
    by_motion: Weight = 0.5
    switch_s: Seconds = 1.0
    hold_s: Seconds = 2.0
    recall_s: Seconds = 10.0
    appearance: bool = True
    fill: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.6
    max_zoom: Annotated[float, msgspec.Meta(ge=1, le=8)] = 2.0
    headroom: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    lead_room: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    method: Literal["operator", "ema", "one-euro"] = "operator"
    response_s: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 0.7
    max_speed: Positive = 4.0
    max_acceleration: Positive = 20.0
    max_zoom_rate: Positive = 0.6
    dead_band: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.02
    cuts: bool = True
    lookahead_s: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.0
    borders: bool = True
    protect: Literal["off", "auto"] | tuple[tuple[Share, Share, Share, Share], ...] = "off"
    padding: Literal["none", "blur"] = "none"

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("a camera shows one frame after another: workers must be 1")
        parsed(self.aspect)

    def continues(self, before: StageSpec) -> bool:
        """Whoever is followed stays in the shot when settings change."""
        return True

    def open(self) -> "ReframeStage":
        """The stage; its camera starts at the first frame."""
        return ReframeStage(self)


class ReframeStage:
    """Frames one stream.

    Args:
        spec: the settings.
        camera: moves the viewport, in the place of that of `method`.
    """

    def __init__(self, spec: Reframe, camera: Camera | None = None) -> None:
        self._spec = spec
        self._name = spec.name or "reframe"
        self._camera: Camera = camera or Average()
        self._director = Director(Choice(), Composition())
        self._last_seq = -1
        self._decided: dict[int, tuple[Field, Decision]] = {}

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with a viewport each."""
        return [self._framed(item) for item in items]

    def renew(self, spec: StageSpec) -> None:
        """Go on with other settings."""
        assert isinstance(spec, Reframe)
        self._spec = spec

    def close(self) -> None:
        """Nothing to release."""

    def _framed(self, item: Item) -> Item:
        for each in (item, *item.ahead):
            if each.frame.seq > self._last_seq:
                self._last_seq = each.frame.seq
                self._look(each)
        field, decision = self._decided.pop(item.frame.pts_ns)
        shot = self._camera.at(item.frame.pts_ns)
        viewport = _viewport(field, shot, decision)
        return item.with_(viewports={**item.viewports, self._name: viewport})

    def _look(self, item: Item) -> None:
        width, height = item.frame.size_px
        area = Rect(0.0, 0.0, float(width), float(height))
        field = Field(area, parsed(self._spec.aspect) or width / height)
        decision = self._director.direct(item, field)
        self._camera.see(field, decision.target)
        self._decided[item.frame.pts_ns] = field, decision


def _viewport(field: Field, shot: Shot, decision: Decision) -> Viewport:
    view = shot.view
    return Viewport(
        view.left,
        view.top,
        view.width,
        view.height,
        field.aspect,
        (field.widest, field.highest),
        shot.cut,
        decision.subjects,
        decision.state,
    )
