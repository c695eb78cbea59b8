"""The stage that frames: viewports for every frame, whatever comes, and settings that change."""

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from livelens.clock import NS_PER_S, now_ns
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.models import zoo
from livelens.picture import ArrayPicture
from livelens.sources.file import File
from livelens.spec import PipelineSpec
from livelens.stages.detect import Detect
from livelens.stages.reframe import Reframe, ReframeStage
from livelens.types import Captured, Frame, Item, Viewport
from tests.fakes import Call, Counted, HandSource, Kept
from tests.framing.views import place

FPS = 30


def found(*boxes: Sequence[float], tracked: bool = True) -> sv.Detections:
    count = len(boxes)
    made = sv.Detections(
        xyxy=np.zeros((count, 4), np.float32),
        confidence=np.full(count, 0.8, np.float32),
        class_id=np.zeros(count, int),
        tracker_id=np.arange(1, count + 1) if tracked else None,
        data={"class_name": np.array(["person"] * count, dtype=np.str_)},
    )
    made.xyxy = np.array(boxes, np.float32).reshape(-1, 4)  # by itself it refuses infinity
    return made


def item(
    seq: int,
    *boxes: Sequence[float],
    size: tuple[int, int] = (640, 360),
    pts_ns: int | None = None,
    value: int = 90,
) -> Item:
    pts_ns = seq * NS_PER_S // FPS if pts_ns is None else pts_ns
    picture = ArrayPicture(np.full((size[1], size[0], 3), value, np.uint8))
    return Item(Frame("test", seq, pts_ns, 0, picture), found(*boxes))


def person(x: float) -> tuple[float, float, float, float]:
    return (x - 30, 100, x + 30, 300)


def framed(stage: ReframeStage, items: Sequence[Item], ahead: int = 0) -> list[Viewport]:
    shots = []
    for n, each in enumerate(items):
        following = tuple(items[n + 1 : n + 1 + ahead])
        [result] = stage.process([each.with_(ahead=following)])
        shots.append(result.viewports["reframe"])
    return shots


def inside(viewport: Viewport, size: tuple[int, int]) -> None:
    numbers = (viewport.x, viewport.y, viewport.width, viewport.height)
    assert all(map(math.isfinite, numbers)), viewport
    assert viewport.x >= 0, viewport
    assert viewport.y >= 0, viewport
    assert viewport.width > 0, viewport
    assert viewport.height > 0, viewport
    assert viewport.x + viewport.width <= size[0] + 1e-6, viewport
    assert viewport.y + viewport.height <= size[1] + 1e-6, viewport


@pytest.mark.parametrize("method", ["operator", "ema", "one-euro"])
def test_it_follows_a_subject(method: str) -> None:
    stage = Reframe(method=method, max_zoom=1).open()  # type: ignore[arg-type]
    shots = framed(stage, [item(n, person(100 + 4 * n)) for n in range(100)])
    for shot in shots:
        inside(shot, (640, 360))
        assert shot.width / shot.height == pytest.approx(9 / 16)
    assert shots[0].x + shots[0].width / 2 < 150
    assert shots[-1].x + shots[-1].width / 2 > 400
    assert (shots[-1].subjects, shots[-1].state) == ((1,), "following")


def test_nobody_is_a_wide_shot_of_the_middle() -> None:
    [shot] = framed(Reframe().open(), [item(0)])
    assert (shot.x + shot.width / 2, shot.height) == pytest.approx((320, 360))
    assert (shot.state, shot.subjects) == ("wide", ())


def test_without_a_detector_having_looked_it_is_the_same() -> None:
    stage = Reframe().open()
    [result] = stage.process([item(0).with_(detections=None)])
    assert result.viewports["reframe"].state == "wide"


def test_who_looks_ahead_begins_to_move_before_the_subject() -> None:
    items = [item(n, person(320 if n < 60 else 320 + 6 * (n - 60))) for n in range(90)]

    def moved(ahead: int) -> float:
        return middle(framed(Reframe(max_zoom=1).open(), items, ahead)[60]) - 320

    assert abs(moved(0)) < 0.05
    assert moved(15) > 0.3
    assert moved(29) > 2


def test_two_cameras_go_by_their_names_in_the_chain() -> None:
    kept = Kept()
    finds = Call.of(lambda items: [each.with_(detections=found(person(1))) for each in items])
    finder = type("Finder", (type(finds),), {"gives": frozenset({"detections"})})(key=finds.key)
    with Engine() as engine:
        stages = (finder, Reframe(), Reframe(aspect="1:1"), Reframe(name="wide", aspect="source"))
        spec = PipelineSpec(source=Counted(count=3), stages=stages)
        assert engine.add("a", spec, extra_sinks={"kept": kept}).wait(10) == "ended"
    aspects = {name: each.aspect for name, each in kept.items[-1].viewports.items()}
    assert aspects == {"reframe": 9 / 16, "reframe-2": 1.0, "wide": 1.0}


class Given(Call, frozen=True, kw_only=True):
    """Puts known detections on frames."""

    gives = frozenset({"detections"})


def wait_for_all_but_held(pipeline: Pipeline, captured: int) -> None:
    """Wait until so many frames have come, and all of them are delivered or held."""
    until, pause = now_ns() + 10 * NS_PER_S, threading.Event()
    while now_ns() < until:
        stats = pipeline.stats()
        if stats.captured == captured and stats.in_flight == stats.waiting["reframe"]:
            return
        pause.wait(0.001)
    raise AssertionError(f"{pipeline.stats()}")


def same_shot(one: Viewport, other: Viewport) -> None:
    """Alike but for the last bits, which hang on where numbers lie in memory."""
    places = [(each.x, each.y, each.width, each.height) for each in (one, other)]
    assert places[0] == pytest.approx(places[1], abs=1e-3)
    assert replace(one, x=0, y=0, width=0, height=0) == replace(other, x=0, y=0, width=0, height=0)


def test_a_real_clip_gets_the_same_path_read_as_a_file_twice_and_live() -> None:
    clip = zoo.clip("faces").parent / "single_face.mp4"
    read, again, live = Kept(), Kept(), Kept()
    frames = Reframe(aspect="1:1", lookahead_s=0.3)
    detect = Detect(model="face-blaze", threads=1)
    source = HandSource()
    with Engine() as engine:
        file = PipelineSpec(source=File(path=str(clip)), stages=(detect, frames))
        assert engine.add("a", file, extra_sinks={"kept": read}).wait(60) == "ended"
        boxes = {each.frame.seq: each.detections for each in read.items}
        known = Given.of(lambda i: [each.with_(detections=boxes[each.frame.seq]) for each in i])
        file = PipelineSpec(source=File(path=str(clip)), stages=(known, frames))
        assert engine.add("b", file, extra_sinks={"kept": again}).wait(30) == "ended"
        camera = PipelineSpec(
            source=Counted(is_live=True, count=0), stages=(known, frames), max_delay_s=None
        )
        pipeline = engine.add("c", camera, source, extra_sinks={"kept": live})
        for n, each in enumerate(read.items):
            source.put(Captured(each.frame.picture, each.frame.pts_ns, now_ns()))
            wait_for_all_but_held(pipeline, n + 1)
        source.end()
        assert pipeline.wait(30) == "ended"
        assert pipeline.stats().delivered == len(read.items)
    shots = {each.frame.seq: each.viewports for each in read.items}
    assert len(shots) > 60
    assert len(again.items) == len(shots)
    for each in (*again.items, *live.items):
        same_shot(each.viewports["reframe"], shots[each.frame.seq]["reframe"])
    assert any(each["reframe"].state == "following" for each in shots.values())
    for each in read.items:
        inside(each.viewports["reframe"], each.frame.size_px)


# --- what is around the subject


def showing(seq: int, image: NDArray[np.uint8], *boxes: Sequence[float]) -> Item:
    frame = Frame("test", seq, seq * NS_PER_S // FPS, 0, ArrayPicture(image))
    return Item(frame, found(*boxes))


@pytest.mark.parametrize("ahead", [0, 10])
def test_in_another_scene_the_camera_is_there_at_once(ahead: int) -> None:
    items = [
        showing(n, place(1 if n < 40 else 2), person(150 if n < 40 else 500)) for n in range(70)
    ]
    shots = framed(Reframe(max_zoom=1).open(), items, ahead)
    assert [n for n, shot in enumerate(shots) if shot.cut and n] == [40]
    assert middle(shots[39]) == pytest.approx(150, abs=15)
    assert middle(shots[40]) == pytest.approx(500, abs=15)
    if not ahead:
        shots = framed(Reframe(max_zoom=1, cuts=False).open(), items)
        assert not any(shot.cut for shot in shots[1:])


@pytest.mark.parametrize("ahead", [0, 10])
def test_bars_are_never_in_the_shot_once_they_are_known(ahead: int) -> None:
    image = place(1)
    image[:45] = image[315:] = 0
    items = [showing(n, image, person(200 + 2 * n)) for n in range(90)]
    shots = framed(Reframe(aspect="1:1", max_zoom=1).open(), items, ahead)
    assert shots[0].height == pytest.approx(360)
    for shot in shots[31:]:
        assert shot.y >= 44
        assert shot.y + shot.height <= 316
        assert max(shot.largest_px) <= 272
    for shot in framed(Reframe(aspect="1:1", borders=False, max_zoom=1).open(), items):
        assert shot.height == pytest.approx(360)


def test_what_is_protected_is_not_cut_through() -> None:
    logo = (0.5, 0.05, 0.65, 0.15)  # 320 to 416
    items = [item(n, person(240)) for n in range(60)]
    plain = framed(Reframe(max_zoom=1, lead_room=0).open(), items)[-1]
    assert plain.x < 320 < plain.x + plain.width - 10
    shot = framed(Reframe(max_zoom=1, lead_room=0, protect=(logo,)).open(), items)[-1]
    assert shot.x + shot.width <= 322
    assert middle(shot) == pytest.approx(240, abs=40)


# --- settings that change


def middle(shot: Viewport) -> float:
    return shot.x + shot.width / 2


@pytest.mark.parametrize("ahead", [0, 8])
def test_another_aspect_begins_where_the_camera_is(ahead: int) -> None:
    spec = Reframe(max_zoom=1)
    stage = spec.open()
    items = [item(n, person(440)) for n in range(130)]
    before = framed(stage, items[:60], ahead)[-1]
    stage.renew(Reframe(max_zoom=1, aspect="1:1"))
    after = framed(stage, items[60:], ahead)
    assert middle(after[0]) == pytest.approx(middle(before), abs=12)
    assert not after[0].cut
    assert after[0].aspect == 1
    assert after[0].width == pytest.approx(360), "all that was shown still is"
    assert not any(shot.cut for shot in after)


def test_a_click_is_followed_without_a_jump_of_the_camera_elsewhere() -> None:
    stage = Reframe(max_zoom=1).open()
    items = [item(n, person(250), person(390)) for n in range(120)]
    framed(stage, items[:30])
    stage.renew(Reframe(max_zoom=1, point=(390 / 640, 0.5)))
    shots = framed(stage, items[30:])
    assert shots[-1].subjects == (2,)
    assert middle(shots[-1]) == pytest.approx(390, abs=20)


@pytest.mark.parametrize(
    "changes",
    [{"response_s": 2.0}, {"method": "ema"}, {"cuts": False}, {"borders": False}, {"group": 3}],
)
def test_any_setting_changes_without_a_jump(changes: dict[str, Any]) -> None:
    stage = Reframe().open()
    items = [item(n, person(440)) for n in range(62)]
    before = framed(stage, items[:60])[-1]
    stage.renew(Reframe(**changes))
    after = framed(stage, items[60:])[-1]
    assert middle(after) == pytest.approx(middle(before), abs=15)


# --- whatever comes

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))
BOXES = st.lists(
    st.one_of(
        st.floats(-500, 800, width=32),
        st.sampled_from([math.nan, math.inf, -math.inf, 1e30, -1e30, 0.0]),
    ),
    min_size=4,
    max_size=4,
)
STEPS = st.one_of(
    st.just(NS_PER_S // FPS),
    st.integers(0, NS_PER_S),
    st.sampled_from([0, -NS_PER_S, 3600 * NS_PER_S, -(10**15), 1]),
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "aspect": st.sampled_from(["9:16", "1:1", "0.1", "10", "source", "16:9"]),
        "group": st.integers(1, 5),
        "point": st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1))),
        "tracker_id": st.one_of(st.none(), st.integers(0, 5)),
        "weights": st.sampled_from([{}, {"person": 0.0}, {"person": 2.0}]),
        "fill": st.floats(0.01, 1),
        "max_zoom": st.floats(1, 8),
        "headroom": st.floats(0, 0.5),
        "lead_room": st.floats(0, 0.5),
        "method": st.sampled_from(["operator", "ema", "one-euro"]),
        "response_s": st.floats(0.1, 10),
        "max_speed": st.floats(0.001, 1000),
        "max_acceleration": st.floats(0.001, 1000),
        "max_zoom_rate": st.floats(0.001, 1000),
        "dead_band": st.floats(0, 0.5),
        "cuts": st.booleans(),
        "borders": st.booleans(),
        "protect": st.sampled_from(["off", "auto", ((0.0, 0.0, 0.2, 0.1), (0.5, 0.5, 0.5, 0.5))]),
        "padding": st.sampled_from(["none", "blur"]),
        "hold_s": st.floats(0, 60),
        "switch_s": st.floats(0, 60),
        "recall_s": st.floats(0, 60),
    },
)


@st.composite
def messes(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Frames of one stream as bad as they come, and settings that change between them."""
    pts_ns, size = 0, draw(SIZES)
    events: list[tuple[str, Any]] = []
    for seq in range(draw(st.integers(1, 12))):
        pts_ns = max(0, pts_ns + draw(STEPS))
        if draw(st.integers(0, 5)) == 0:
            size = draw(SIZES)
        boxes = draw(st.lists(BOXES, max_size=4))
        value = draw(st.sampled_from([0, 90, 255]))
        made = item(seq, *boxes, size=size, pts_ns=pts_ns, value=value)
        happens = draw(st.sampled_from(["frame", "frame", "frame", "dropped", "unlooked"]))
        if happens == "unlooked":
            made = made.with_(detections=None)
        events.append(("dropped" if happens == "dropped" else "frame", made))
        if draw(st.integers(0, 4)) == 0:
            events.append(("renew", draw(SPECS)))
    return events


@settings(max_examples=60, deadline=None)
@given(first=SPECS, events=messes(), ahead=st.integers(0, 6))
def test_never_an_exception_never_outside(
    first: Mapping[str, Any], events: list[tuple[str, Any]], ahead: int
) -> None:
    stage = Reframe(**first).open()
    for n, (what, value) in enumerate(events):
        if what == "renew":
            stage.renew(Reframe(**value))
        elif what == "frame":
            following = [each for kind, each in events[n + 1 :] if kind != "renew"][:ahead]
            [result] = stage.process([value.with_(ahead=tuple(following))])
            inside(result.viewports["reframe"], value.frame.size_px)
            assert len(stage._seen) <= ahead


def test_frames_that_come_twice_or_go_back_are_frames() -> None:
    stage = Reframe().open()
    for seq in (5, 5, 3, 4, 9, 2):
        [shot] = framed(stage, [item(seq, person(200))], ahead=0)
        inside(shot, (640, 360))


def test_frames_that_are_seen_ahead_and_never_come_are_forgotten() -> None:
    stage = Reframe().open()
    items = [item(n, person(200)) for n in range(120)]
    for n in range(0, 120, 7):
        stage.process([items[n].with_(ahead=tuple(items[n + 1 : n + 31]))])
    assert len(stage._seen) <= 30


@pytest.mark.parametrize("padding", ["none", "blur"])
def test_a_subject_larger_than_the_shot(padding: str) -> None:
    stage = Reframe(padding=padding).open()  # type: ignore[arg-type]
    shots = framed(stage, [item(n, (20, 10, 620, 350)) for n in range(90)])
    for shot in shots:
        inside(shot, (640, 360))
    assert shots[-1].width == pytest.approx(202.5) if padding == "none" else shots[-1].width > 590


def test_an_aspect_that_cannot_fit() -> None:
    [shot] = framed(Reframe(aspect="0.1").open(), [item(0, size=(16, 16))])
    inside(shot, (16, 16))
    assert shot.width / shot.height == pytest.approx(0.1)


def test_thirty_subjects() -> None:
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 640, 30)
    for group in (1, 30):
        stage, items = Reframe(group=group).open(), []
        for n in range(90):
            places = places + rng.normal(0, 3, 30)
            items.append(item(n, *(person(x) for x in places)))
        for shot in framed(stage, items):
            inside(shot, (640, 360))


def test_a_stream_that_changes_its_size_is_followed_on() -> None:
    stage = Reframe(max_zoom=1).open()
    small = framed(stage, [item(n, person(400)) for n in range(30)])[-1]
    double = [tuple(2 * side for side in person(400))]
    large = framed(stage, [item(n, *double, size=(1280, 720)) for n in range(30, 60)])
    for shot in large:
        inside(shot, (1280, 720))
    assert middle(large[-1]) == pytest.approx(2 * middle(small), abs=20)
