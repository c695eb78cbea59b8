"""Where in the shot the chosen belong: room above and in front of them, and how close."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from livelens.clock import NS_PER_S
from livelens.framing.candidates import Box, Kind
from livelens.framing.geometry import Field, Rect, Target
from livelens.framing.logos import Edges

# Closer shots are for those who stay small, wider ones for who grows: the sizes' memories.
_CLOSER_S, _WIDER_S = 1.0, 0.25
# So much, as a logarithm, may the size that would be right go up and down and nothing zooms.
_PLAY = 0.08
# Looking ahead of who moves turns round no faster than this.
_LEAD_S = 0.8
# Speeds, in viewport widths per second, that get no lead room, and all of it.
_STROLL, _RUN = 0.03, 0.18
# A standing person's head, as parts of the height: its middle, and all of it.
_EYES, _HEAD = 0.065, 0.2
_UPPER_THIRD = 1 / 3
# Around a face alone, in its own widths and heights, are head and shoulders.
_SIDE, _HAIR, _SHOULDERS = 0.75, 0.5, 1.5
_FACE_ROOM = 0.3
_LEAST_PX = 1e-3


@dataclass(frozen=True, slots=True)
class Composition:
    """Where in the shot the chosen belong. See `Reframe` for what each setting means."""

    fill: float = 0.6
    max_zoom: float = 2.0
    headroom: float = 0.1
    lead_room: float = 0.1
    margin: float = 0.02


@dataclass(frozen=True, slots=True)
class Shown:
    """One of the chosen.

    Attributes:
        box: in pixels of the picture.
        face: where it has one.
        speed: to the right, pixels per second.
    """

    box: Box
    kind: Kind = "unnamed"
    face: Box | None = None
    speed: float = 0.0

    @property
    def whole(self) -> Box:
        """What belongs into the shot: of a face, the head and the shoulders."""
        if self.kind != "face":
            return self.box
        left, top, right, bottom = self.box
        width, height = right - left, bottom - top
        return (
            left - _SIDE * width,
            top - _HAIR * height,
            right + _SIDE * width,
            bottom + _SHOULDERS * height,
        )

    def head(self, most_px: float) -> Box:
        """What is shown of it if not all can be, at most so high."""
        left, top, right, bottom = self.box
        if self.face is not None or self.kind == "face":
            left, top, right, bottom = self.face or self.box
            width, height = _FACE_ROOM * (right - left), _FACE_ROOM * (bottom - top)
            return left - width, top - height, right + width, bottom + height
        height = bottom - top
        if self.kind == "person":
            return left, top, right, top + min(_HEAD * height, most_px)
        part = min(height, most_px)
        return left, top + (height - part) / 2, right, bottom - (height - part) / 2


class Composer:
    """Composes the shots of one stream, in the order of time."""

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self._edges = Edges()
        self._wanted: float | None = None
        self._size = 0.0
        self._ahead = 0.0
        self._last_ns: int | None = None

    def begin(self) -> None:
        """Whoever comes now is somebody else, somewhere else."""
        self._wanted, self._ahead, self._last_ns = None, 0.0, None
        self._edges.begin()

    def target(
        self,
        pts_ns: int,
        shown: Sequence[Shown],
        field: Field,
        *,
        protected: Sequence[Rect] = (),
        still: bool = False,
        cut: bool = False,
    ) -> Target:
        """What the camera should show of a frame.

        Args:
            shown: the chosen, the most important first; at least one.
            still: nothing new is known of them: size and lead room stay.
        """
        whole = _around([each.whole for each in shown])
        elapsed_s = 0.0 if self._last_ns is None else (pts_ns - self._last_ns) / NS_PER_S
        self._last_ns = pts_ns
        size = self._sized(whole, field, max(elapsed_s, 0.0), still)
        width, height = (max(each, _LEAST_PX) for each in field.size_px(size))
        margin = self.composition.margin
        keep = _grown(_around([each.box for each in shown]), width, height, margin, field.area)
        too_wide = keep.width > width
        too_high = keep.height > height
        head = keep
        if too_wide or too_high:
            part = shown[0].head(0.8 * height)
            head = Rect(*part)
            keep = _fitting(keep, head, width, height)
        if not still:
            self._look_ahead(shown, width, max(elapsed_s, 0.0))
        x = self._across(whole, head, width, too_wide)
        y = self._down(whole, shown, height, too_high)
        if protected:
            x, y = self._edges.shifted(x, y, width, height, keep, field.area, protected)
        return Target(pts_ns, x, y, keep, size, cut)

    def _sized(self, whole: Box, field: Field, elapsed_s: float, still: bool) -> float:
        """Size of the viewport: calm, whatever boxes do from frame to frame."""
        asked = self.composition
        high = (whole[3] - whole[1]) / max(field.highest, _LEAST_PX)
        wide = (whole[2] - whole[0]) / max(field.widest, _LEAST_PX)
        fits = max(high, wide) / max(1 - 2 * asked.margin, 0.1)
        most = field.largest if field.padding else 1.0
        if asked.max_zoom <= 1 and most <= 1:
            return 1.0
        wanted = max(max(high, wide) / max(asked.fill, 0.01), fits)
        if wanted > 1:
            wanted = max(1.0, fits)
        wanted = min(max(wanted, 1 / max(asked.max_zoom, 1.0)), most)
        log = math.log(wanted)
        if self._wanted is None:
            self._wanted = self._size = log
        elif not still:
            time_s = _WIDER_S if log > self._wanted else _CLOSER_S
            self._wanted += (log - self._wanted) * (1 - math.exp(-elapsed_s / time_s))
            self._size = min(max(self._size, self._wanted - _PLAY), self._wanted + _PLAY)
        size = min(max(math.exp(self._size), 1 / max(asked.max_zoom, 1.0)), most)
        # The blurred part is for what does not fit otherwise, not for a little air.
        return 1.0 if 1 < size < 1 + _PLAY and fits < 1 + _PLAY else size

    def _look_ahead(self, shown: Sequence[Shown], width: float, elapsed_s: float) -> None:
        speed = sum(each.speed for each in shown) / len(shown) / width
        share = min(max((abs(speed) - _STROLL) / (_RUN - _STROLL), 0.0), 1.0)
        part = 1 - math.exp(-elapsed_s / _LEAD_S)
        self._ahead += (math.copysign(share, speed) - self._ahead) * part

    def _across(self, whole: Box, head: Rect, width: float, too_wide: bool) -> float:
        x = (whole[0] + whole[2]) / 2
        if too_wide:
            # As much of it as goes, with the head whole.
            room = max((width - head.width) / 2, 0.0)
            return min(max(x, head.x - room), head.x + room)
        spare = (width - (whole[2] - whole[0])) / 2 - self.composition.margin * width
        ahead = self.composition.lead_room * width * self._ahead
        return x + min(max(ahead, -spare), spare) if spare > 0 else x

    def _down(self, whole: Box, shown: Sequence[Shown], height: float, too_high: bool) -> float:
        asked = self.composition
        top, bottom = whole[1], whole[3]
        lead = shown[0]
        upright = lead.kind in ("person", "face")
        if too_high:
            if not (upright or lead.face):
                return (top + bottom) / 2
            # The more is cut off below, the more room there may be above.
            over = max(bottom - top - height, 0.0)
            face = lead.face if lead.kind != "face" else lead.box
            above = asked.headroom * height
            if face is not None:
                above = top - (face[1] + face[3]) / 2 + _UPPER_THIRD * height
            return top - min(max(above, -over), over) + height / 2
        if asked.headroom <= 0:
            box = _around([each.box for each in shown])
            return (box[1] + box[3]) / 2
        spare = max(height - (bottom - top), 0.0)
        above = spare / 2
        if upright:
            eyes = _EYES * (bottom - top) if lead.kind == "person" else 0.35 * (bottom - top)
            above = min(above, max(_UPPER_THIRD * height - eyes, 0.0))
        # Room above, but not at the price of the feet.
        floor = max(spare - asked.margin * height, spare / 2)
        above = min(max(above, asked.headroom * height), floor)
        return top - above + height / 2


def _around(boxes: Sequence[Box]) -> Box:
    if len(boxes) == 1:
        return boxes[0]
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _grown(box: Box, width: float, height: float, margin: float, area: Rect) -> Rect:
    """With its margin, as far as that fits and there is a picture."""
    x = max(min(margin * width, (width - (box[2] - box[0])) / 2), 0.0)
    y = max(min(margin * height, (height - (box[3] - box[1])) / 2), 0.0)
    return Rect(
        max(box[0] - x, min(area.left, box[0])),
        max(box[1] - y, min(area.top, box[1])),
        min(box[2] + x, max(area.right, box[2])),
        min(box[3] + y, max(area.bottom, box[3])),
    )


def _fitting(keep: Rect, head: Rect, width: float, height: float) -> Rect:
    """What must be kept of something larger than the viewport: sides that fit, or the head's."""
    left, right = keep.left, keep.right
    if keep.width > width:
        half = min(head.width, 0.8 * width) / 2
        left, right = head.x - half, head.x + half
    top, bottom = keep.top, keep.bottom
    if keep.height > height:
        bottom = min(head.bottom, head.top + 0.8 * height)
        top = head.top
    return Rect(left, top, right, bottom)
