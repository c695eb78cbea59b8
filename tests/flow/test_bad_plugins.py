"""Plug-ins that break every promise there is: one clear problem each, and the stream goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import supervision as sv

import livelens
from livelens.crop import Crop
from livelens.descriptor import DescriptorSpec, Reading
from livelens.errors import Closed, LivelensError
from livelens.events import Problem
from livelens.flow.bus import Subscription
from livelens.flow.engine import Engine
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Attribute, Item
from tests.fakes import Call, Counted, HandSource, Kept

Describe = Callable[[Sequence[Crop]], Any]
LIVE = Counted(is_live=True, count=0)
FRAMES = 6


class Bad(DescriptorSpec, frozen=True, kw_only=True):
    """A descriptor that does what a test says, found by number."""

    measures: ClassVar[tuple[str, ...]] = ("thing",)
    functions: ClassVar[list[Describe]] = []
    conclusions: ClassVar[dict[int, Callable[[Mapping[str, Attribute]], Any]]] = {}
    key: int = 0
    min_size_px: int = 1
    refresh_s: float = 0

    def open(self) -> "_Worker":
        return _Worker(self.functions[self.key])

    def concluded(self, attributes: Mapping[str, Attribute]) -> Any:
        conclude = self.conclusions.get(self.key)
        return conclude(attributes) if conclude is not None else attributes

    @classmethod
    def that(cls, function: Describe, **settings: Any) -> "Bad":
        cls.functions.append(function)
        return cls(key=len(cls.functions) - 1, **settings)


class _Worker:
    def __init__(self, function: Describe) -> None:
        self.describe = function

    def close(self) -> None:
        pass


class Tracked(Call, frozen=True, kw_only=True):
    """Puts two tracked objects on every frame."""

    gives = frozenset({"detections", "tracks"})


def two_objects(items: Sequence[Item]) -> list[Item]:
    found = sv.Detections(
        xyxy=np.array([[0, 0, 3, 3], [1, 1, 4, 4]], np.float32),
        tracker_id=np.array([1, 2]),
        data={"class_name": np.array(["face", "face"])},
    )
    return [item.with_(detections=found) for item in items]


def good(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
    return [{"number": Reading(crop.tracker_id)} for crop in crops]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def problems(messages: Subscription, least: int) -> list[Problem]:
    """Problems until there are so many, or none comes for a while."""
    found: list[Problem] = []
    while len(found) < least:
        try:
            message = messages.get(5.0)
        except (TimeoutError, Closed):
            break
        if isinstance(message, Problem):
            found.append(message)
    return found


def live(engine: Engine, stages: Sequence[StageSpec]) -> tuple[list[Item], list[Problem]]:
    """Frames one by one through a live stream, until all are out, and the first problem."""
    source, kept = HandSource(), Kept()
    messages = engine.bus.subscribe("cam", results=False)
    spec = PipelineSpec(source=LIVE, stages=tuple(stages), max_delay_s=None)
    pipeline = engine.add("cam", spec, source=source, extra_sinks={"kept": kept})
    for n in range(FRAMES):
        source.send(1, start=n)
        kept.wait_for(n + 1)
    told = problems(messages, 1)
    assert pipeline.state == "running"
    stats = pipeline.stats()
    assert (stats.captured, stats.delivered, stats.dropped) == (FRAMES, FRAMES, {})
    return kept.items, told


def raising(error: BaseException) -> Describe:
    def describe(crops: Sequence[Crop]) -> Any:
        raise error

    return describe


def each(reading: object) -> Describe:
    return lambda crops: [{"thing": reading} for _ in crops]


WRONG: list[tuple[Describe, str]] = [
    (lambda crops: None, "must return a list of"),
    (lambda crops: (dict[str, Reading]() for _ in crops), "not generator"),
    (lambda crops: [], "descriptions, not 0"),
    (lambda crops: [{}] * (len(crops) + 1), "must return a list of"),
    (lambda crops: [None for _ in crops], "a mapping from names to Readings"),
    (lambda crops: [{1: Reading(1)} for _ in crops], "name is a word"),
    (each(0.5), "thing: expected a Reading, not float"),
    (each(Reading(float("nan"))), "thing: expected a finite number"),
    (each(Reading(np.float32("inf"))), "thing: expected a finite number"),  # type: ignore[arg-type]
    (each(Reading(1.0, float("nan"))), "thing: expected a finite number"),
    (each(Reading("a", "sure")), "thing: expected a finite number"),  # type: ignore[arg-type]
    (each(Reading("a", 1.0, {"a": None})), "thing: expected a finite number"),  # type: ignore[dict-item]
    (each(Reading("a", 1.0, ["a"])), "scores"),  # type: ignore[arg-type]
    (each(Reading(object())), "thing: a value is a number, word"),  # type: ignore[arg-type]
    (each(Reading([[1.0], [2.0, 3.0]])), "thing: points are a list"),
    (each(Reading({"a": 1})), "thing: a value is a number, word"),  # type: ignore[arg-type]
    (raising(ValueError("no camera\nin sight")), "ValueError: no camera in sight"),
    (raising(SystemExit(1)), "SystemExit: 1"),
    (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    (raising(MemoryError()), "MemoryError"),
    (raising(StopIteration(3)), "StopIteration: 3"),
]


@pytest.mark.parametrize(("describe", "said"), WRONG)
def test_a_live_stream_goes_on_beside_a_bad_descriptor(
    engine: Engine, describe: Describe, said: str
) -> None:
    stages = [Tracked.of(two_objects), Bad.that(describe, name="bad"), Bad.that(good, name="good")]
    items, told = live(engine, stages)
    assert told, "nobody was told"
    assert told[0].where == "bad"
    assert said in told[0].message
    assert "\n" not in told[0].message
    assert all("thing" not in known for item in items for known in item.attributes.values())
    assert items[-1].attributes[2]["number"].value == 2


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        (Reading(np.float32(0.5)), 0.5),  # type: ignore[arg-type]
        (Reading(np.int64(7)), 7),  # type: ignore[arg-type]
        (Reading(np.bool_(True)), True),  # type: ignore[arg-type]
        (Reading(np.str_("hat")), "hat"),
        (Reading(np.ones((1, 2), np.float16)), [[1.0, 1.0]]),  # type: ignore[arg-type]
    ],
)
def test_what_numpy_gives_is_taken(reading: Reading, value: object) -> None:
    told = list(livelens.run(Counted(count=2), stages=[Tracked.of(two_objects), one_of(reading)]))
    kept = told[-1].attributes[1]["thing"].value
    assert kept == value
    assert type(kept) is type(value)


def one_of(reading: Reading) -> Bad:
    return Bad.that(each(reading))


@pytest.mark.parametrize("describe", [lambda crops: [{} for _ in crops], each(Reading(None))])
def test_nothing_to_tell_is_no_problem(describe: Describe) -> None:
    items = list(
        livelens.run(Counted(count=3), stages=[Tracked.of(two_objects), Bad.that(describe)])
    )
    assert len(items) == 3
    assert not any(any(item.attributes.values()) for item in items)


@pytest.mark.parametrize(("describe", "said"), [WRONG[0], WRONG[16]])
def test_a_file_ends_with_the_reason(describe: Describe, said: str) -> None:
    stages = [Tracked.of(two_objects), Bad.that(describe, name="bad")]
    with pytest.raises(LivelensError, match=said.partition(" ")[0]) as caught:
        list(livelens.run(Counted(count=5), stages=stages))
    assert "bad" in str(caught.value)


def test_a_slow_descriptor_delays_no_frame_and_answers_late(engine: Engine) -> None:
    may_answer, asked = threading.Event(), threading.Event()

    def slow(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
        asked.set()
        assert may_answer.wait(5)
        return [{"thing": Reading("late")} for _ in crops]

    source, kept = HandSource(), Kept()
    stages = (Tracked.of(two_objects), Bad.that(slow))
    spec = PipelineSpec(source=LIVE, stages=stages, max_delay_s=None)
    engine.add("cam", spec, source=source, extra_sinks={"kept": kept})
    source.send(1)
    assert asked.wait(5)
    for n in range(1, 5):
        source.send(1, start=n)
        kept.wait_for(n + 1)
    assert not any(any(item.attributes.values()) for item in kept.items)
    may_answer.set()
    for n in range(5, 200):
        source.send(1, start=n)
        kept.wait_for(n + 1)
        if known := kept.items[-1].attributes.get(1):
            assert known["thing"].pts_ns == 0  # late, and it says so
            return
    pytest.fail("the answer has got lost")


def test_one_that_hangs_is_given_up_in_one_line(engine: Engine) -> None:
    never = threading.Event()
    stages = [
        Tracked.of(two_objects),
        Bad.that(lambda crops: never.wait(), name="bad", timeout_s=0.1),
        Bad.that(good, name="good"),
    ]
    try:
        items, told = live(engine, stages)
    finally:
        never.set()
    assert told[0].where == "bad"
    assert "no answer within 0.1 s" in told[0].message
    assert items[-1].attributes[1]["number"].value == 1


@pytest.mark.parametrize(
    ("conclude", "said"),
    [
        (lambda attributes: 1 / 0, "ZeroDivisionError"),
        (lambda attributes: None, "concluded"),
        (lambda attributes: {"thing": 3}, "concluded"),
    ],
)
def test_a_bad_conclusion_is_told_and_the_stream_goes_on(
    engine: Engine, conclude: Callable[[Mapping[str, Attribute]], Any], said: str
) -> None:
    bad = Bad.that(each(Reading(1)), name="bad")
    Bad.conclusions[bad.key] = conclude
    items, told = live(engine, [Tracked.of(two_objects), bad, Bad.that(good, name="good")])
    assert told, "nobody was told"
    assert told[0].where == "bad"
    assert said in told[0].message
    assert items[-1].attributes[2]["number"].value == 2


class _Opens(DescriptorSpec, frozen=True, kw_only=True):
    """A descriptor that opens into whatever a test says."""

    opened: ClassVar[Callable[[], Any]] = staticmethod(lambda: None)

    def open(self) -> Any:
        return type(self).opened()


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        (lambda: None, "gives NoneType, not an object with describe"),
        (Kept, "gives Kept, not an object with describe"),
        (lambda: 1 / 0, "cannot be opened: ZeroDivisionError"),
    ],
)
def test_one_that_cannot_be_opened_says_why(opened: Callable[[], Any], said: str) -> None:
    spec = type("Opens", (_Opens,), {"opened": staticmethod(opened)})(name="bad")
    with pytest.raises(LivelensError, match=said):
        list(livelens.run(Counted(count=3), stages=[Tracked.of(two_objects), spec]))


def _with(**changes: Any) -> Callable[[Sequence[Item]], list[Item]]:
    return lambda items: [item.with_(**changes) for item in items]


def _nameless(count: int) -> sv.Detections:
    found = sv.Detections(xyxy=np.zeros((2, 4), np.float32), class_id=np.zeros(2, int))
    found.data["class_name"] = np.array(["face"] * count)
    return found


def _identified(ids: list[Any]) -> sv.Detections:
    return sv.Detections(xyxy=np.zeros((2, 4), np.float32), tracker_id=np.array(ids))


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (_with(detections=[1, 2]), "sv.Detections or None, not list"),
        (_with(attributes=[3]), "attributes are a mapping"),
        (_with(attributes={1: {"age": 3}}), "'age' is an Attribute, not int"),
        (_with(attributes={1: 3}), "attributes are a mapping by name"),
        (_with(detections=_nameless(1)), "2 boxes and 1 of class_name"),
        (_with(detections=_identified([1, None])), "-1 for none, not object"),
        (_with(detections=_identified([1, float("nan")])), "-1 for none, not float"),
        (_with(frame=None), "one Item for each given one"),
        (_with(timings=None), "timings"),
        (_with(landmarks=[3]), "landmarks"),
        (_with(mask="everywhere"), "mask"),
        (lambda items: [None for _ in items], "one Item for each given one"),
    ],
)
def test_a_bad_stage_loses_its_frames_and_the_stream_goes_on(
    engine: Engine, process: Callable[[Sequence[Item]], object], said: str
) -> None:
    calls = 0

    def at_first(items: Sequence[Item]) -> object:
        nonlocal calls
        calls += 1
        return process(items) if calls <= 1 else items

    source, kept = HandSource(), Kept()
    messages = engine.bus.subscribe("cam")
    stages = (Tracked.of(two_objects), Call.of(at_first, name="bad"))
    spec = PipelineSpec(source=LIVE, stages=stages, max_delay_s=None)
    pipeline = engine.add("cam", spec, source=source, extra_sinks={"kept": kept})
    source.send(1)
    (told,) = problems(messages, 1)
    assert told.where == "bad"
    assert said in told.message
    for n in range(1, 4):
        source.send(1, start=n)
        kept.wait_for(n)
    assert pipeline.state == "running"
    stats = pipeline.stats()
    assert (stats.captured, stats.delivered, stats.dropped) == (4, 3, {"bad/error": 1})
