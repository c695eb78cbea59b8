"""Who could be shown: all that was found in a frame, each once, with what it counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from livelens.framing.geometry import Rect
from livelens.types import Attribute, Item

# Left, top, right, bottom. Most boxes live for one frame: plain numbers are the cheapest.
Box = tuple[float, float, float, float]
Kind = Literal["face", "person", "animal", "ball", "other", "unnamed"]

ANIMALS = frozenset(
    ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
)
_KINDS: dict[str, Kind] = {
    "face": "face",
    "person": "person",
    "pedestrian": "person",
    "sports ball": "ball",
    "ball": "ball",
    "": "unnamed",
    **dict.fromkeys(ANIMALS, "animal"),
}
# A thing is shown only where somebody asks for its class; what has no name may be anybody.
_WEIGHTS: dict[Kind, float] = {
    "face": 1.0,
    "person": 0.9,
    "animal": 0.8,
    "ball": 0.6,
    "other": 0.0,
    "unnamed": 0.5,
}
_ASKED_FOR = 0.5
_UNKNOWN = frozenset(("", "unknown"))
_MOST = 200
_LEAST_PX = 0.5


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


@dataclass(slots=True, eq=False)
class Candidate:
    """Something in a frame that could be shown.

    Attributes:
        box: what can be seen of it.
        weight: of its kind or class; of 0 it is shown only if somebody asks for this very one, and
            never if it is less.
        score: of the detector, 0..1.
        tracker_id, face_id: -1 where it has none.
        predicted: the tracker's guess, no detector looked.
        face: of a person, where it was found.
        identity: who it is, where a descriptor told.
    """

    box: Box
    kind: Kind
    weight: float
    score: float = 1.0
    tracker_id: int = -1
    predicted: bool = False
    face: Box | None = None
    face_id: int = -1
    identity: str = ""


def kind_of(class_name: str) -> Kind:
    """What sort of thing a class is."""
    return _KINDS.get(class_name, "other")


class Candidates:
    """Finds them in each frame by the same settings."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._known: dict[str, tuple[Kind, float]] = {}

    def of(self, item: Item, area: Rect) -> list[Candidate]:
        """All that may be shown, a face and its person as one."""
        found = item.detections
        if found is None or not len(found):
            return []
        faces: list[Candidate] = []
        others: list[Candidate] = []
        for each in self._each(item, area):
            (faces if each.kind == "face" else others).append(each)
        if faces:
            others.extend(_alone(faces, [each for each in others if each.kind == "person"]))
        return [each for each in others if each.weight >= 0][:_MOST]

    def _each(self, item: Item, area: Rect) -> list[Candidate]:
        """The boxes that make sense, as far as they are inside the area."""
        found = item.detections
        assert found is not None
        corners = found.xyxy.tolist()
        count = len(corners)
        scores = _column(found.confidence, count, 1.0)
        ids = _column(found.tracker_id, count, -1)
        names = _column(found.data.get("class_name"), count, "")
        guesses = _column(found.data.get("predicted"), count, False)
        a_left, a_top, a_right, a_bottom = area.left, area.top, area.right, area.bottom
        candidates = []
        for row, score, number, name, guess in zip(
            corners, scores, ids, names, guesses, strict=True
        ):
            left, top, right, bottom = row
            left = left if left > a_left else a_left
            top = top if top > a_top else a_top
            right = right if right < a_right else a_right
            bottom = bottom if bottom < a_bottom else a_bottom
            told = row[0] + row[1] + row[2] + row[3]
            # What is not a number is no place, however its other sides look.
            if math.isnan(told) or right - left < _LEAST_PX or bottom - top < _LEAST_PX:
                continue
            kind, weight = self._known.get(name) or self._learn(name)
            candidate = Candidate(
                (left, top, right, bottom),
                kind,
                weight,
                0.0 if math.isnan(score) else min(max(score, 0.0), 1.0),
                number if number >= 0 else -1,
                guess == 1,
            )
            if item.attributes and number >= 0:
                candidate.identity = _identity(item.attributes.get(number))
            candidates.append(candidate)
        return candidates

    def _learn(self, name: Any) -> tuple[Kind, float]:
        """Its kind and weight; -1 for what the settings leave out."""
        word = str(name)
        kind, choice = kind_of(word), self._choice
        weight = choice.weights.get(word, choice.weights.get(kind))
        if weight is None:
            weight = _WEIGHTS[kind] or (_ASKED_FOR if word in choice.classes else 0.0)
        elif weight <= 0:
            weight = -1.0
        if choice.classes and word not in choice.classes:
            weight = -1.0
        self._known[name] = kind, weight
        return kind, weight


def _column(values: Any, count: int, missing: Any) -> list[Any]:
    if values is None or len(values) != count:
        return [missing] * count
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _identity(attributes: Mapping[str, Attribute] | None) -> str:
    for name in ("identity", "name"):
        told = attributes.get(name) if attributes else None
        if told is not None and isinstance(told.value, str) and told.value not in _UNKNOWN:
            return told.value
    return ""


def _alone(faces: list[Candidate], persons: list[Candidate]) -> list[Candidate]:
    """The faces that are not part of a person; the others are given to theirs."""
    pairs = sorted(
        (misfit, f, p)
        for f, face in enumerate(faces)
        for p, person in enumerate(persons)
        if (misfit := _off_the_head(face.box, person.box)) < 1
    )
    taken: set[int] = set()
    placed: set[int] = set()
    for _, f, p in pairs:
        if f in placed or p in taken:
            continue
        placed.add(f)
        taken.add(p)
        face, person = faces[f], persons[p]
        person.face, person.face_id = face.box, face.tracker_id
        person.identity = person.identity or face.identity
        if person.weight > 0:
            person.weight = max(person.weight, face.weight)
        elif face.weight > 0:
            # Persons are not asked for: the face stands for itself.
            placed.discard(f)
    return [face for f, face in enumerate(faces) if f not in placed]


def _off_the_head(face: Box, person: Box) -> float:
    """How far a face is from where the person's should be; 1 and more is not its own."""
    width, height = person[2] - person[0], person[3] - person[1]
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    if not (person[0] <= x <= person[2] and person[1] - 0.1 * height <= y <= person[3]):
        return 2.0
    if (face[2] - face[0]) > 1.1 * width or (face[3] - face[1]) > 1.1 * height:
        return 2.0
    # Heads are at the top, but somebody who sits near the camera is all head and shoulders.
    return abs(x - (person[0] + person[2]) / 2) / width + max(0.0, y - person[1]) / height * 0.6
