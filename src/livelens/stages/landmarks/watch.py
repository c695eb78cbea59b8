"""Who and what is followed in one stream, frame by frame.

A network of points also tells where its part will be in the next frame, so that the
detectors, which cost as much, look only for what is not followed yet. Where bodies are
followed, they say where to look for faces and hands.
"""

from dataclasses import dataclass

import numpy as np

from livelens.stages.landmarks.body import (
    LEFT_WRIST,
    RIGHT_WRIST,
    BodyReader,
    shoulder_width,
)
from livelens.stages.landmarks.face import FaceReader, region_of_head
from livelens.stages.landmarks.hands import WRIST, HandReader, region_at_wrist
from livelens.stages.landmarks.part import Follower, PartReader, Reading
from livelens.stages.landmarks.region import Region
from livelens.types import Frame, Landmarks, Part

# How far from the nose a hand can be, in widths of the shoulders.
_REACH = 2.0
_SIDES: tuple[tuple[Part, int], ...] = (("left_hand", LEFT_WRIST), ("right_hand", RIGHT_WRIST))


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads each part; None for a part that nobody asked for."""

    body: BodyReader | None = None
    face: FaceReader | None = None
    hand: HandReader | None = None

    def close(self) -> None:
        """Free all networks."""
        for reader in (self.body, self.face, self.hand):
            if reader is not None:
                reader.close()


@dataclass(frozen=True, slots=True)
class Rules:
    """When something is taken for seen.

    Attributes:
        max_people: the most that are followed.
        presence: least score at which a part is followed.
        visibility: a wrist that is seen less well has no hand.
        search_ns: how often to look for more than is followed.
        forget_ns: after a gap this long, everything is looked for anew.
        smooth: keep points still that hardly move.
    """

    max_people: int
    presence: float
    visibility: float
    search_ns: int
    forget_ns: int
    smooth: bool


class Watch:
    """Follows the people of one stream.

    Args:
        readers: what reads the parts; shared with nobody else.
        rules: when something is taken for seen.
    """

    def __init__(self, readers: Readers, rules: Rules) -> None:
        self._readers = readers
        self._rules = rules
        self._bodies: list[Follower] = []
        self._faces: list[Follower] = []
        self._hands: list[Follower] = []
        self._searched_ns: dict[str, int] = {}
        self._size_px = (0, 0)
        self._pts_ns = 0

    def update(self, frame: Frame) -> tuple[Landmarks, ...]:
        """What is on the next frame of the stream, person by person."""
        gap_ns = frame.pts_ns - self._pts_ns
        if frame.size_px != self._size_px or not 0 <= gap_ns <= self._rules.forget_ns:
            self._forget()
        self._size_px, self._pts_ns = frame.size_px, frame.pts_ns
        if self._readers.body is not None:
            self._follow_bodies(self._readers.body, frame)
        if self._readers.face is not None:
            self._follow_faces(self._readers.face, frame)
        if self._readers.hand is not None:
            self._follow_hands(self._readers.hand, frame)
        return self._told(frame)

    def close(self) -> None:
        """Free the networks."""
        self._readers.close()

    def _forget(self) -> None:
        for followed in (self._bodies, self._faces, self._hands):
            followed.clear()
        self._searched_ns.clear()

    def _told(self, frame: Frame) -> tuple[Landmarks, ...]:
        told = [each.landmarks("body", frame.pts_ns) for each in self._bodies]
        told += [each.landmarks("face", frame.pts_ns) for each in self._faces]
        told += [each.landmarks(self._side(each), frame.pts_ns) for each in self._hands]
        order: dict[Part, int] = {"body": 0, "face": 1, "left_hand": 2, "right_hand": 3}
        return tuple(sorted(told, key=lambda each: (each.person, order[each.part])))

    # Bodies

    def _follow_bodies(self, reader: BodyReader, frame: Frame) -> None:
        self._bodies = distinct(self._still_there(self._bodies, reader, frame))
        missing = self._rules.max_people - len(self._bodies)
        if missing <= 0 or not self._due("body", frame, bool(self._bodies)):
            return
        for region in reader.find(frame):
            if any(_same_place(region, each.reading.region) for each in self._bodies):
                continue
            reading = self._read_twice(reader, frame, region)
            if reading is None:
                continue
            person = self._person_of_head(reading)
            both = distinct([*self._bodies, self._follower(person, reading)])
            missing -= len(both) - len(self._bodies)
            self._bodies = both
            if missing == 0:
                return

    def _person_of_head(self, body: Reading) -> int:
        """The number of the face that was followed without a body, or a new one."""
        head = region_of_head(body.points)
        taken = {each.person for each in self._bodies}
        for face in self._faces:
            if face.person not in taken and _near(face.reading.region, head):
                return face.person
        new = self._new_person()
        # Where there is no room for one more, what else has the number must be its own, or goes.
        return new if new is not None else min(set(range(self._rules.max_people)) - taken)

    def _body(self, person: int) -> Reading | None:
        return next((each.reading for each in self._bodies if each.person == person), None)

    # Faces

    def _follow_faces(self, reader: FaceReader, frame: Frame) -> None:
        self._faces = [
            each
            for each in self._still_there(self._faces, reader, frame)
            if self._at_its_head(each)
        ]
        have = {each.person for each in self._faces}
        for body in self._bodies:
            if body.person in have or not self._due(f"face {body.person}", frame, True):
                continue
            head = region_of_head(body.reading.points)
            region = reader.find_near(frame, head)
            reading = region and self._read_twice(reader, frame, region)
            if reading:
                self._faces.append(self._follower(body.person, reading))
        missing = self._rules.max_people - len(self._faces)
        if missing <= 0 or not self._due("face", frame, bool(self._faces or self._bodies)):
            return
        for region in reader.find(frame)[: self._rules.max_people]:
            if any(region.overlap(each.reading.region) > 0.3 for each in self._faces):
                continue
            reading = self._read_twice(reader, frame, region)
            person = self._person_of_face(reading) if reading else None
            if reading and person is not None and missing > 0:
                self._faces.append(self._follower(person, reading))
                missing -= 1

    def _person_of_face(self, face: Reading) -> int | None:
        """The number of the body whose head it is, or a new one; None if there is no room."""
        taken = {each.person for each in self._faces}
        for body in self._bodies:
            head = region_of_head(body.reading.points)
            if body.person not in taken and _near(face.region, head):
                return body.person
        new = self._new_person()
        if new is not None:
            return new
        taken |= {each.person for each in self._bodies}
        return next((each.person for each in self._hands if each.person not in taken), None)

    def _at_its_head(self, face: Follower) -> bool:
        body = self._body(face.person)
        return body is None or _near(face.reading.region, region_of_head(body.points))

    # Hands

    def _follow_hands(self, reader: HandReader, frame: Frame) -> None:
        self._hands = [
            each
            for each in self._still_there(self._hands, reader, frame)
            if self._at_its_wrist(each)
        ]
        for body in self._bodies:
            for side, wrist in _SIDES:
                self._seek_hand(reader, frame, body, side, wrist)
        self._hands = one_hand_each(self._hands)
        most = 2 * self._rules.max_people
        # A wrist may be out of sight while its hand is held before the camera: with bodies, too,
        # the whole frame is looked at, though not in every frame.
        followed = bool(self._hands or self._bodies)
        if len(self._hands) >= most or not self._due("hand", frame, followed):
            return
        for region in reader.find(frame)[:most]:
            if any(region.overlap(each.reading.region) > 0.3 for each in self._hands):
                continue
            reading = self._read_twice(reader, frame, region)
            person = self._person_of_hand(reading) if reading else None
            if reading and person is not None:
                follower = self._follower(person, reading)
                self._hands = one_hand_each([*self._hands, follower])

    def _seek_hand(
        self, reader: HandReader, frame: Frame, body: Follower, side: Part, wrist: int
    ) -> None:
        person, seen = body.person, body.reading.visibility
        if any(each.person == person and self._side(each) == side for each in self._hands):
            return
        if seen is not None and seen[wrist] < self._rules.visibility:
            return
        guess = region_at_wrist(body.reading.points, wrist)
        if not guess.sound or not self._due(f"{side} {person}", frame, True):
            return
        region = reader.find_near(frame, guess)
        reading = region and self._read_twice(reader, frame, region)
        if reading:
            follower = self._follower(person, reading)
            follower.side = side
            if self._at_its_wrist(follower):
                self._hands.append(follower)

    def _side(self, hand: Follower) -> Part:
        if hand.side is not None:
            return hand.side
        both = [each for each in self._hands if each.person == hand.person]
        other = next((each for each in both if each is not hand), None)
        if other is not None and other.side is not None:
            return "right_hand" if other.side == "left_hand" else "left_hand"
        if other is not None:
            lefter = max(both, key=lambda each: each.left)
            return "left_hand" if hand is lefter else "right_hand"
        return "left_hand" if hand.left > 0.5 else "right_hand"

    def _at_its_wrist(self, hand: Follower) -> bool:
        body = self._body(hand.person)
        if body is None or hand.side is None:
            return True
        wrist = LEFT_WRIST if hand.side == "left_hand" else RIGHT_WRIST
        distance = _apart(hand.reading.points[WRIST], body.points[wrist])
        return distance < 0.5 * hand.reading.region.size

    def _person_of_hand(self, hand: Reading) -> int | None:
        """Whose it is: the nearest one's who lacks it, or somebody new's if there is room."""
        far: dict[int, float] = {}
        for each in [*self._bodies, *self._faces, *self._hands]:
            distance = _apart(each.reading.points[0], hand.points[WRIST])
            far[each.person] = min(distance, far.get(each.person, np.inf))
        if self._rules.max_people > 1:
            out_of_reach = {
                body.person
                for body in self._bodies
                if far[body.person] > _REACH * shoulder_width(body.reading.points)
            }
            far = {person: each for person, each in far.items() if person not in out_of_reach}
        hands = {person: [h for h in self._hands if h.person == person] for person in far}
        room = len(far) < self._rules.max_people
        free = [
            person
            for person in far
            if len(hands[person]) < 2
            # Two hands of the same side are two people's, if there may be two.
            and not (room and any(abs(h.left - hand.left) < 0.5 for h in hands[person]))
        ]
        return min(free, key=lambda person: far[person]) if free else self._new_person()

    # All parts

    def _still_there(
        self, followed: list[Follower], reader: PartReader, frame: Frame
    ) -> list[Follower]:
        return [each for each in followed if each.step(reader, frame, self._rules.presence)]

    def _read_twice(self, reader: PartReader, frame: Frame, region: Region) -> Reading | None:
        """What is there, read where its own points say; None if nothing is."""
        reading: Reading | None = None
        for _ in range(2):
            if not region.sound:
                return None
            reading = reader.read(frame, region)
            if reading.score < self._rules.presence:
                return None
            region = reading.region
        return reading

    def _due(self, what: str, frame: Frame, followed: bool) -> bool:
        """Whether to look for it: in every frame while nothing of its kind is followed."""
        last_ns = self._searched_ns.get(what)
        if followed and last_ns is not None and frame.pts_ns - last_ns < self._rules.search_ns:
            return False
        self._searched_ns[what] = frame.pts_ns
        return True

    def _follower(self, person: int, reading: Reading) -> Follower:
        follower = Follower(person, reading, left=reading.left)
        if not self._rules.smooth:
            follower.smoother = follower.world_smoother = None
        return follower

    def _new_person(self) -> int | None:
        known = {each.person for each in [*self._bodies, *self._faces, *self._hands]}
        numbers = range(self._rules.max_people)
        return next((number for number in numbers if number not in known), None)


def distinct(bodies: list[Follower]) -> list[Follower]:
    """The bodies without those whose points lie on those of one before them."""
    kept: list[Follower] = []
    for body in bodies:
        points, size = body.reading.points[:, :2], body.reading.region.size
        apart = [
            float(np.hypot(*(points - each.reading.points[:, :2]).T).mean()) / max(size, 1e-6)
            for each in kept
        ]
        if all(each > 0.06 for each in apart):
            kept.append(body)
    return kept


def one_hand_each(hands: list[Follower]) -> list[Follower]:
    """The hands without those that are another one, taken for the other side.

    Of two at one place, that one stays whose side agrees with what the network says.
    """
    kept: list[Follower] = []
    for hand in hands:
        twin = next(
            (each for each in kept if each.reading.region.overlap(hand.reading.region) > 0.5),
            None,
        )
        if twin is None:
            kept.append(hand)
        elif _agreement(hand) > _agreement(twin):
            kept[kept.index(twin)] = hand
    return kept


def _agreement(hand: Follower) -> float:
    if hand.side is None:
        return 0.5
    return hand.left if hand.side == "left_hand" else 1 - hand.left


def _same_place(found: Region, followed: Region) -> bool:
    near = _apart((found.x, found.y), (followed.x, followed.y)) < 0.15 * followed.size
    return near and 0.6 < found.size / max(followed.size, 1e-6) < 1.7


def _near(part: Region, whole: Region) -> bool:
    return _apart((part.x, part.y), (whole.x, whole.y)) < 0.5 * whole.size


def _apart(one: object, other: object) -> float:
    difference = np.asarray(one, np.float64)[:2] - np.asarray(other, np.float64)[:2]
    return float(np.hypot(*difference))
