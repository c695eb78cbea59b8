"""Whatever comes, the director has a target and no exception."""

from typing import Any

import numpy as np
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.clock import NS_PER_S
from livelens.framing.director import Choice, Composition, Director
from livelens.framing.geometry import Field, Rect
from livelens.picture import ArrayPicture
from livelens.types import Frame, Item

NUMBER = st.floats(-3000, 5000, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e30])
BOX = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER)
NAMES = st.sampled_from(["person", "face", "dog", "sports ball", "car", ""])
ENTRY = st.tuples(BOX, NAMES, st.integers(-2, 6), st.floats(0, 1, width=32) | st.just(np.nan))
SIZES = st.sampled_from([(64, 48), (48, 64), (16, 16), (200, 4)])
MOMENT = st.tuples(
    st.none() | st.lists(ENTRY, max_size=30),
    SIZES,
    st.sampled_from([0.04, 0.0, 0.2, 5.0, 30.0, -1.0, -100.0]),
    st.booleans(),
    st.tuples(*[st.booleans()] * 4),
)
SHARE = st.floats(0, 1)
CHOICES = st.builds(
    Choice,
    tracker_id=st.none() | st.integers(0, 6),
    point=st.none() | st.tuples(SHARE, SHARE),
    group=st.integers(1, 40),
    weights=st.dictionaries(NAMES, st.floats(0, 3), max_size=2),
    classes=st.sampled_from([(), ("person",), ("car", "face")]),
    switch_s=st.floats(0, 2),
    hold_s=st.floats(0, 3),
    recall_s=st.floats(0, 10),
    appearance=st.booleans(),
)
COMPOSITIONS = st.builds(
    Composition,
    fill=st.floats(0.01, 1),
    max_zoom=st.floats(1, 8),
    headroom=st.floats(0, 0.5),
    lead_room=st.floats(0, 0.5),
)


def _moment(entries: Any, has: tuple[bool, ...], now_ns: int, size: tuple[int, int]) -> Item:
    width, height = size
    frame = Frame("any", 0, now_ns, 0, ArrayPicture(np.zeros((height, width, 3), np.uint8)))
    if entries is None:
        return Item(frame)
    count = len(entries)
    found = sv.Detections(np.zeros((count, 4), np.float32))
    for row, entry in enumerate(entries):
        found.xyxy[row] = entry[0]
    with_names, with_numbers, with_scores, with_guesses = has
    if with_names:
        found.data["class_name"] = np.array([entry[1] for entry in entries], dtype=np.str_)
    if with_numbers:
        found.tracker_id = np.array([entry[2] for entry in entries], dtype=int)
    if with_scores:
        found.confidence = np.array([entry[3] for entry in entries], np.float32)
    if with_guesses:
        found.data["predicted"] = np.array([entry[2] % 2 for entry in entries], dtype=float)
    return Item(frame, found)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(MOMENT, min_size=1, max_size=12),
    CHOICES,
    COMPOSITIONS,
    CHOICES,
    st.floats(0.1, 10),
    st.booleans(),
)
def test_whatever_comes_there_is_a_target_in_numbers(
    moments: list[Any],
    choice: Choice,
    composition: Composition,
    later: Choice,
    aspect: float,
    padding: bool,
) -> None:
    director, now_ns = Director(choice, composition), 0
    for k, (entries, size, step_s, cut, has) in enumerate(moments):
        now_ns = max(0, now_ns + round(step_s * NS_PER_S))
        if k == 4:
            director.renew(later, composition)
        width, height = size
        field = Field(Rect(0.0, 0.0, width, height), aspect, padding)
        logo = (Rect(1.0, 1.0, 9.0, 5.0), Rect(0.0, 0.0, width, height))
        moment = _moment(entries, has, now_ns, size)
        decision = director.direct(moment, field, cut=bool(cut), protected=logo)
        target = decision.target
        assert target.pts_ns == now_ns
        assert 0 < target.size <= field.largest + 1e-9
        numbers = target.x, target.y, target.keep.left, target.keep.bottom
        assert all(np.isfinite(number) for number in numbers)
        assert target.keep.width >= 0
        assert target.keep.height >= 0
        assert len(decision.subjects) <= max(choice.group, later.group)
        assert (decision.state == "wide") <= (decision.subjects == ())
