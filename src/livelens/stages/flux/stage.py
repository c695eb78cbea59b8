"""The stage: who is where goes to every line, zone and the grid."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.clock import nanoseconds
from livelens.spec import StageSpec
from livelens.stages.flux.grid import GridCount
from livelens.stages.flux.lines import LineCount
from livelens.stages.flux.objects import Object, Objects, Sighting
from livelens.stages.flux.shapes import Grid, Line, Units, Zone, check, in_pixels
from livelens.stages.flux.zones import ZoneCount
from livelens.types import Item

# What of a box stands for it, as parts of its width and height.
_ANCHORS = {"bottom": (0.5, 1.0), "center": (0.5, 0.5), "top": (0.5, 0.0)}


class Flux(StageSpec, frozen=True, kw_only=True):
    """Counts tracked objects over lines, in zones and on a grid.

    The counts stand in `extra` under the stage's name, "flux" unless given.

    Attributes:
        lines: counted are crossings, by class and direction.
        zones: told are who is in, who has been, and how long they stay.
        grid: crossings, velocity and occupation of cells; none unless given.
        units: of all coordinates: `px` of the frame, or `fraction` of its width and height.
        classes: names of the classes to count; None counts all.
        anchor: what of a box is where the object is: the middle of its `bottom`, its `center`,
            or the middle of its `top`.
        handover_s: a track that begins near where another was lost not longer ago is the same
            object.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"tracks"})

    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    grid: Grid | None = None
    units: Units = "px"
    classes: tuple[str, ...] | None = None
    anchor: Literal["bottom", "center", "top"] = "bottom"
    handover_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("paths are seen in one frame after another: workers must be 1")
        check(self.lines, self.zones, self.units)

    def continues(self, before: StageSpec) -> bool:
        """Lines, zones and grid may change: those that stay where they are count on."""
        return isinstance(before, Flux) and self == msgspec.structs.replace(
            before, lines=self.lines, zones=self.zones, grid=self.grid
        )

    def open(self) -> "FluxStage":
        """The stage, with all counts at zero."""
        return FluxStage(self)


class FluxStage:
    """Counts the objects of one stream.

    Args:
        spec: settings.
    """

    def __init__(self, spec: Flux) -> None:
        self._spec = spec
        self._name = spec.name or "flux"
        self._classes = None if spec.classes is None else frozenset(spec.classes)
        self._objects = Objects(nanoseconds(spec.handover_s))
        self._size_px: tuple[int, int] | None = None
        self._lines: list[LineCount] = []
        self._zones: list[ZoneCount] = []
        self._grid: GridCount | None = None

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with the counts up to their frame."""
        return [item.with_(extra={**item.extra, self._name: self._counted(item)}) for item in items]

    def close(self) -> None:
        """Forget all objects."""
        self._objects.clear()

    def renew(self, spec: StageSpec) -> None:
        """Count over other lines, in other zones and on another grid, of the same objects."""
        assert isinstance(spec, Flux)
        before, self._spec = self._spec, spec
        if self._size_px is None:
            return
        size_px, units = self._size_px, spec.units
        lines = {
            (line.start, line.end): at for line, at in zip(before.lines, self._lines, strict=True)
        }
        self._lines = []
        for line in spec.lines:
            ends = in_pixels((line.start, line.end), units, size_px)
            count = lines.pop((line.start, line.end), None) or LineCount(line, ends)
            count.name = line.name
            self._lines.append(count)
        areas = zip(before.zones, self._zones, strict=True)
        zones = {zone.polygon: area for zone, area in areas}
        self._zones = []
        for zone in spec.zones:
            corners = in_pixels(zone.polygon, units, size_px)
            area = zones.pop(zone.polygon, None) or ZoneCount(zone, corners)
            area.name = zone.name
            self._zones.append(area)
        if spec.grid != before.grid:
            self._grid = GridCount(spec.grid, size_px) if spec.grid is not None else None

    def _counted(self, item: Item) -> dict[str, object]:
        if item.frame.size_px != self._size_px:
            self._lay_out(item.frame.size_px)
        pts_ns = item.frame.pts_ns
        present, gone = self._objects.see(self._sightings(item), pts_ns)
        for each in gone:
            self._leave(each)
        seen = list(present.values())
        self._see(seen, pts_ns)
        told: dict[str, object] = {}
        if self._lines:
            told["lines"] = [line.told() for line in self._lines]
        if self._zones:
            told["zones"] = [zone.told() for zone in self._zones]
        if self._grid is not None and (report := self._grid.report(pts_ns)) is not None:
            told["grid"] = report
        return told

    def _lay_out(self, size_px: tuple[int, int]) -> None:
        """Place everything in a picture of that size.

        A stream that changes its size, as a camera on a poor network does, begins anew with
        its paths, but not with its counts: those over lines and zones stay.
        """
        spec = self._spec
        self._objects.clear()
        first = self._size_px is None
        self._size_px = size_px
        ends = [in_pixels((line.start, line.end), spec.units, size_px) for line in spec.lines]
        corners = [in_pixels(zone.polygon, spec.units, size_px) for zone in spec.zones]
        if first:
            self._lines = [
                LineCount(line, place) for line, place in zip(spec.lines, ends, strict=True)
            ]
            self._zones = [
                ZoneCount(zone, place) for zone, place in zip(spec.zones, corners, strict=True)
            ]
        else:
            for line, place in zip(self._lines, ends, strict=True):
                line.move(place)
            for zone, place in zip(self._zones, corners, strict=True):
                zone.move(place)
        self._grid = GridCount(spec.grid, size_px) if spec.grid is not None else None

    def _sightings(self, item: Item) -> list[Sighting]:
        found = item.detections
        if found is None or found.tracker_id is None:
            return []
        names = found.data.get("class_name")
        predicted = found.data.get("predicted")
        sightings = []
        for i, tracker_id in enumerate(found.tracker_id.tolist()):
            name = str(names[i]) if names is not None else ""
            if tracker_id < 0 or (self._classes is not None and name not in self._classes):
                continue
            sure = float(found.confidence[i]) if found.confidence is not None else 1.0
            guessed = predicted is not None and bool(predicted[i] == 1)
            box = found.xyxy[i].astype(float)
            sightings.append(Sighting(tracker_id, name, sure, box, guessed))
        return sightings

    def _see(self, seen: Sequence[Object], pts_ns: int) -> None:
        assert self._size_px is not None
        latest = [(each, each.sighting) for each in seen if each.sighting is not None]
        boxes = np.array([sighting.box for _, sighting in latest]).reshape(-1, 4)
        anchors = self._anchors(boxes)
        for (each, sighting), anchor in zip(latest, anchors, strict=True):
            # A guess may turn out wrong: nobody crosses a line by it.
            if not sighting.predicted:
                for line in self._lines:
                    line.see(each.number, each.class_name, anchor, sighting.size_px, pts_ns)
        for zone in self._zones:
            numbers = [each.number for each, _ in latest]
            zone.see(numbers, [each.class_name for each, _ in latest], anchors, pts_ns)
        if self._grid is None:
            return
        self._grid.begin(pts_ns)
        self._grid.occupy(boxes)
        for (each, sighting), anchor in zip(latest, anchors, strict=True):
            if not sighting.predicted:
                self._grid.see(each.number, anchor, each.motion.flow(self._size_px))

    def _anchors(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        across, down = _ANCHORS[self._spec.anchor]
        sizes = boxes[:, 2:] - boxes[:, :2]
        anchors: NDArray[np.float64] = boxes[:, :2] + sizes * np.array([across, down])
        return anchors

    def _leave(self, each: Object) -> None:
        size_px = each.sighting.size_px if each.sighting is not None else 0.0
        for line in self._lines:
            line.leave(each.number, each.class_name, size_px)
        for zone in self._zones:
            zone.leave(each.number)
        if self._grid is not None:
            self._grid.leave(each.number)
