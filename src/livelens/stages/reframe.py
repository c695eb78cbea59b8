"""A camera operator in software: a viewport that follows a subject, for each frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec

from livelens.framing.aspect import parsed
from livelens.framing.average import Average
from livelens.framing.camera import Camera
from livelens.framing.director import Choice, Composition, Decision, Director
from livelens.framing.geometry import Field, Rect
from livelens.framing.motion import Motion
from livelens.framing.one_euro import OneEuro
from livelens.framing.operator import Operator
from livelens.framing.scenery import Scenery, View
from livelens.spec import StageSpec
from livelens.types import Frame, Item, Viewport

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
    response_s: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 0.5
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

    @property
    def choice(self) -> Choice:
        """Who may be chosen, and how."""
        return Choice(
            classes=self.classes,
            tracker_id=self.tracker_id,
            point=self.point,
            group=self.group,
            weights=self.weights,
            by_score=self.by_score,
            by_size=self.by_size,
            by_centrality=self.by_centrality,
            by_motion=self.by_motion,
            switch_s=self.switch_s,
            hold_s=self.hold_s,
            recall_s=self.recall_s,
            appearance=self.appearance,
        )

    @property
    def composition(self) -> Composition:
        """Where in the shot the chosen belong."""
        return Composition(
            fill=self.fill,
            max_zoom=self.max_zoom,
            headroom=self.headroom,
            lead_room=self.lead_room,
        )

    @property
    def motion(self) -> Motion:
        """How the camera moves."""
        return Motion(
            response_s=self.response_s,
            max_speed=self.max_speed,
            max_acceleration=self.max_acceleration,
            max_zoom_rate=self.max_zoom_rate,
            dead_band=self.dead_band,
            cuts=self.cuts,
        )

    def field(self, area: Rect, size_px: tuple[int, int]) -> Field:
        """Where the camera may look in this part of a picture of that size."""
        aspect = parsed(self.aspect) or size_px[0] / size_px[1]
        return Field(area, aspect, padding=self.padding == "blur")

    def camera(self, start: Rect | None = None) -> Camera:
        """What moves the viewport, from there on."""
        if self.method == "ema":
            return Average()
        if self.method == "one-euro":
            return OneEuro()
        return Operator(self.motion, start)

    def continues(self, before: StageSpec) -> bool:
        """Whoever is followed stays in the shot when settings change."""
        return True

    def open(self) -> "ReframeStage":
        """The stage; its camera starts at the first frame."""
        return ReframeStage(self)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was made of a frame when it was seen, which may be before its turn."""

    frame: Frame
    view: View
    decision: Decision


class ReframeStage:
    """Frames one stream.

    Args:
        spec: the settings.
        camera: moves the viewport, in the place of that of `method`.
    """

    def __init__(self, spec: Reframe, camera: Camera | None = None) -> None:
        self._spec = spec
        self._name = spec.name or "reframe"
        self._scenery = Scenery(borders=spec.borders, protect=spec.protect)
        self._director = Director(spec.choice, spec.composition)
        self._given = camera is not None
        self._camera = camera or spec.camera()
        self._shown: tuple[_Seen, Rect] | None = None
        self._last_seq = -1
        # By the number of the frame: of those whose turn has not come, and may never come.
        self._seen: dict[int, _Seen] = {}

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with a viewport each."""
        return [self._framed(item) for item in items]

    def renew(self, spec: StageSpec) -> None:
        """Go on with other settings, from where the camera looks."""
        assert isinstance(spec, Reframe)
        before, self._spec = self._spec, spec
        self._scenery.renew(borders=spec.borders, protect=spec.protect)
        self._director.renew(spec.choice, spec.composition)
        if _moves(spec) == _moves(before) or self._given:
            return
        self._camera = spec.camera(self._start())
        for seen in self._seen.values():
            self._camera.see(self._field(seen.view, seen.frame), seen.decision.target)

    def _start(self) -> Rect | None:
        """Where the camera looks, in the present aspect: what is shown stays in the shot."""
        if self._shown is None:
            return None
        seen, view = self._shown
        field = self._field(seen.view, seen.frame)
        size = max(view.width / field.widest, view.height / field.highest)
        return field.view(view.x, view.y, min(size, 1.0))

    def close(self) -> None:
        """Nothing to release."""

    def _framed(self, item: Item) -> Item:
        seq = item.frame.seq
        if seq not in self._seen:  # it comes by itself, or after others: as a new one
            self._seen.clear()
            self._last_seq = seq - 1
        for each in (item, *item.ahead):
            if each.frame.seq > self._last_seq:
                self._last_seq = each.frame.seq
                self._look(each)
        for passed in [number for number in self._seen if number < seq]:
            del self._seen[passed]
        viewport = self._viewport(self._seen.pop(seq))
        return item.with_(viewports={**item.viewports, self._name: viewport})

    def _look(self, item: Item) -> None:
        view = self._scenery.look(item.frame)
        field = self._field(view, item.frame)
        decision = self._director.direct(item, field, cut=view.cut, protected=view.protected)
        self._camera.see(field, decision.target)
        self._seen[item.frame.seq] = _Seen(item.frame, view, decision)

    def _field(self, view: View, frame: Frame) -> Field:
        return self._spec.field(view.area, frame.size_px)

    def _viewport(self, seen: _Seen) -> Viewport:
        field, decision = self._field(seen.view, seen.frame), seen.decision
        shot = self._camera.at(seen.frame.pts_ns)
        view = shot.view
        if view.intersection(field.area) != view:  # of another frame with this time
            view = field.view(view.x, view.y, view.width / field.widest)
        self._shown = seen, view
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


def _moves(spec: Reframe) -> tuple[object, ...]:
    """What says how the viewport moves, and its shape."""
    return spec.method, spec.motion, spec.aspect, spec.padding
