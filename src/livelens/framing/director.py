"""Who is shown: the choice among all that was found, and what becomes of it."""

from dataclasses import dataclass, replace
from typing import Literal

from livelens.clock import NS_PER_S, nanoseconds
from livelens.framing.candidates import Candidates, Choice
from livelens.framing.cast import Actor, Cast
from livelens.framing.choosing import SURE_NS, Ballot
from livelens.framing.composition import Composer, Composition, Shown
from livelens.framing.geometry import Field, Rect, Target
from livelens.framing.recognition import Recognition
from livelens.types import Item

__all__ = ["Choice", "Composition", "Decision", "Director"]

State = Literal["following", "holding", "wide"]

# Who is missed for less than this is not gone: detectors blink.
_BLINK_NS = round(0.3 * NS_PER_S)
# Who is found so soon after a scene began was there from its beginning.
_OPENING_NS = NS_PER_S // 2
# Another subject that is farther than this, in viewports, is shown by a cut, not by a pan.
_CUT_TO = 1.0
# A click beside somebody means them if it is so near: in their sizes, in parts of the picture.
_BESIDE, _BESIDE_PICTURE = 0.25, 0.02


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
    state: State


class Director:
    """Decides for one stream, frame by frame, in the order of time."""

    def __init__(self, choice: Choice, composition: Composition) -> None:
        self._choice = choice
        self._candidates = Candidates(choice)
        self._ballot = Ballot(choice)
        self._recognition = Recognition(by_appearance=choice.appearance)
        self._composer = Composer(composition)
        self._cast = Cast()
        self._lead: Actor | None = None
        self._pinned = False
        # Who was shown before and is gone: they may come back.
        self._former: Actor | None = None
        self._company: list[Actor] = []
        self._asks = choice.tracker_id is not None or choice.point is not None
        self._asked_ns: int | None = None
        self._opened_ns: int | None = None
        self._last_ns: int | None = None
        self._size_px: tuple[int, int] | None = None
        self._shown: Target | None = None

    def renew(self, choice: Choice, composition: Composition) -> None:
        """Go on with other settings; who is shown stays unless somebody else is asked for."""
        before, self._choice = self._choice, choice
        self._composer.composition = composition
        self._recognition.by_appearance = choice.appearance
        self._ballot.choice = choice
        if (choice.classes, choice.weights) != (before.classes, before.weights):
            self._candidates = Candidates(choice)
            if choice.classes != before.classes and not self._asks:
                self._lead = self._former = None
                self._cast.clear()
        asked = choice.tracker_id, choice.point
        if asked != (before.tracker_id, before.point):
            self._asks, self._asked_ns = asked != (None, None), None
            self._pinned, self._former = False, None

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
        pts_ns = item.frame.pts_ns
        self._scale(item.frame.size_px)
        begins = cut or self._last_ns is None or pts_ns < self._last_ns
        if begins:
            self._open_scene(pts_ns)
        self._last_ns = pts_ns
        wanted = [each for each in (self._lead, self._former, *self._company) if each is not None]
        self._cast.see(self._candidates.of(item, field.area), pts_ns, wanted)
        actors = self._cast.actors
        self._ballot.weigh(actors, field, pts_ns)
        before = self._lead
        self._answer(item)
        if begins and not self._asks:
            self._find_again(item, anywhere=True)
        if not self._asks:
            self._lead_on(item)
        if self._lead is not before:
            self._composer.begin()
        decision = self._decided(item, field, protected, before, cut)
        self._shown = decision.target
        if self._company:
            self._recognition.remember(item.frame, self._company, actors)
        return decision

    def _scale(self, size_px: tuple[int, int]) -> None:
        """The same scene in another resolution."""
        before, self._size_px = self._size_px, size_px
        if before is None or before == size_px:
            return
        across, down = size_px[0] / before[0], size_px[1] / before[1]
        actors = {*self._cast.actors, *(a for a in (self._lead, self._former) if a is not None)}
        for actor in actors:
            actor.scale(across, down)
        self._shown = None

    def _open_scene(self, pts_ns: int) -> None:
        self._former = self._lead or self._former
        if self._former is not None:
            self._former.leave(pts_ns)
        self._lead, self._pinned, self._company = None, False, []
        self._opened_ns = pts_ns
        self._cast.clear()
        self._composer.begin()

    def _answer(self, item: Item) -> None:
        """Show whom the settings ask for, as soon as they are here."""
        if not self._asks:
            return
        pts_ns, choice = item.frame.pts_ns, self._choice
        if self._asked_ns is None or self._asked_ns > pts_ns:
            self._asked_ns = pts_ns
        found = (
            self._at(choice.point, item.frame.size_px)
            if choice.point is not None
            else self._numbered(choice.tracker_id)
        )
        if found is not None:
            self._lead, self._pinned, self._asks, self._former = found, True, False, None
        elif pts_ns - self._asked_ns > nanoseconds(choice.recall_s):
            self._asks = False

    def _numbered(self, tracker_id: int | None) -> Actor | None:
        for each in self._cast.actors:
            if each.present and tracker_id in (each.tracker_id, each.face_id):
                return each
        return None

    def _at(self, point: tuple[float, float], size_px: tuple[int, int]) -> Actor | None:
        """Who is under a point, the smallest if there are several, or else the nearest to it."""
        x, y = point[0] * size_px[0], point[1] * size_px[1]
        beside = _BESIDE_PICTURE * max(size_px)
        best, least = None, (1.0, 0.0)
        for each in self._cast.actors:
            left, top, right, bottom = each.box
            off = max(left - x, x - right, 0.0) + max(top - y, y - bottom, 0.0)
            surface = (right - left) * (bottom - top)
            far = off / max(_BESIDE * each.size_px, beside)
            if far <= 1 and (best is None or (far, surface) < least):
                best, least = each, (far, surface)
        return best

    def _lead_on(self, item: Item) -> None:
        """Stay with who is shown, find them again, or choose another."""
        pts_ns, actors, choice = item.frame.pts_ns, self._cast.actors, self._choice
        self._find_again(item)
        lead = self._lead
        if lead is None:
            self._lead = self._ballot.best(actors, pts_ns, at_once=self._opening(pts_ns))
        elif lead.present:
            if not self._pinned:
                self._lead = self._ballot.better(actors, lead, pts_ns) or lead
        else:
            gone_ns, hold_ns = pts_ns - lead.seen_ns, nanoseconds(choice.hold_s)
            recall_ns = max(nanoseconds(choice.recall_s), hold_ns)
            if gone_ns > (recall_ns if self._pinned else hold_ns):
                successor = self._ballot.best(actors, pts_ns, at_once=False)
                if successor is not None:
                    self._lead, self._former, self._pinned = successor, lead, False
                elif gone_ns > recall_ns:
                    self._lead, self._pinned = None, False

    def _find_again(self, item: Item, *, anywhere: bool = False) -> None:
        pts_ns, recall_ns = item.frame.pts_ns, nanoseconds(self._choice.recall_s)
        for gone in (self._lead, self._former):
            if gone is None or gone.present or pts_ns - gone.seen_ns > recall_ns:
                continue
            same = self._recognition.again(
                gone,
                self._cast.actors,
                item.frame,
                anywhere=anywhere,
                replaced=gone is self._former and self._lead is not None,
            )
            if same is not None and same is not self._lead:
                gone.absorb(same)
                self._cast.replace(same, gone)
        former = self._former
        if former is None:
            return
        if former.present and (anywhere or pts_ns - former.back_ns >= SURE_NS):
            if self._ballot.holds_against(former, self._lead):
                self._lead = former
            self._former = None
        elif not former.present and pts_ns - former.seen_ns > recall_ns:
            self._former = None

    def _decided(
        self,
        item: Item,
        field: Field,
        protected: tuple[Rect, ...],
        before: Actor | None,
        cut: bool,
    ) -> Decision:
        pts_ns, area, lead = item.frame.pts_ns, field.area, self._lead
        if self._asks and self._choice.point is not None:
            self._company = []
            shown = [_spot(self._choice.point, item.frame.size_px)]
            target = self._composer.target(
                pts_ns, shown, field, protected=protected, still=True, cut=cut
            )
            return Decision(target, (), "holding")
        state = self._state(pts_ns)
        if lead is None or state == "wide":
            self._company = []
            return Decision(Target(pts_ns, area.x, area.y, area, cut=cut), (), "wide")
        composer = self._composer
        self._company = self._ballot.company(
            lead, self._cast.actors, self._company, field, pts_ns, composer.composition.margin
        )
        target = composer.target(
            pts_ns,
            [Shown(each.box, each.kind, each.face, each.velocity[0]) for each in self._company],
            field,
            protected=protected,
            still=not any(each.present for each in self._company),
            cut=cut or (lead is not before and self._opening(pts_ns)),
        )
        if lead is not before and before is not None:
            target = self._by_cut_if_far(target, field)
        numbers = tuple(each.tracker_id for each in self._company if each.tracker_id >= 0)
        return Decision(target, numbers, state)

    def _state(self, pts_ns: int) -> State:
        lead, hold_ns = self._lead, nanoseconds(self._choice.hold_s)
        if lead is None:
            return "wide"
        if self._asks and self._asked_ns is not None and pts_ns - self._asked_ns > hold_ns:
            # Somebody else is asked for, who is not here.
            return "wide"
        if lead.present or any(each.present for each in self._company):
            return "following"
        gone_ns = pts_ns - lead.seen_ns
        if gone_ns <= min(_BLINK_NS, hold_ns):
            return "following"
        return "holding" if gone_ns <= hold_ns else "wide"

    def _opening(self, pts_ns: int) -> bool:
        return self._opened_ns is not None and pts_ns - self._opened_ns <= _OPENING_NS

    def _by_cut_if_far(self, target: Target, field: Field) -> Target:
        """A pan over a viewport and more shows nobody for a while."""
        last = self._shown
        if last is None or target.cut:
            return target
        width, height = field.size_px(min(last.size, target.size))
        far = abs(target.x - last.x) > _CUT_TO * width or abs(target.y - last.y) > _CUT_TO * height
        return replace(target, cut=True) if far else target


def _spot(point: tuple[float, float], size_px: tuple[int, int]) -> Shown:
    x, y = point[0] * size_px[0], point[1] * size_px[1]
    return Shown((x, y, x, y), "other")
