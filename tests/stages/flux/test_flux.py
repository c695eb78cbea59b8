"""Counts over lines, in zones and on a grid, of paths that are known."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import supervision as sv

from livelens import plugins
from livelens.errors import ConfigError
from livelens.stages.flux.shapes import Grid, Line, Zone
from livelens.stages.flux.stage import Flux, FluxStage
from livelens.stages.track import Track
from livelens.types import Frame, Item, no_detections

SIZE = (640, 480)
IMAGE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
FRAME_NS = 40_000_000
ACROSS = Line(name="gate", start=(0, 240), end=(640, 240))

# (tracker id, x of the feet, y of the feet), and what it is called unless it is a person.
Seen = tuple[int, float, float] | tuple[int, float, float, str]


def item(
    seq: int,
    seen: Iterable[Seen],
    *,
    size: tuple[float, float] = (30, 80),
    predicted: bool = False,
) -> Item:
    rows = list(seen)
    found = no_detections()
    if rows:
        width, height = size
        found = sv.Detections(
            xyxy=np.array(
                [[r[1] - width / 2, r[2] - height, r[1] + width / 2, r[2]] for r in rows],
                np.float32,
            ),
            confidence=np.full(len(rows), 0.8, np.float32),
            class_id=np.zeros(len(rows), int),
            tracker_id=np.array([r[0] for r in rows]),
            data={
                "class_name": np.array([r[3] if len(r) == 4 else "person" for r in rows]),
                "predicted": np.full(len(rows), predicted),
            },
        )
    return Item(Frame.of(IMAGE, seq=seq, pts_ns=seq * FRAME_NS), detections=found)


def flux(stage: FluxStage, given: Item) -> Mapping[str, Any]:
    (done,) = stage.process([given])
    told: Mapping[str, Any] = done.extra["flux"]
    assert json.loads(json.dumps(told)) == told
    return told


def crossed(frames: Sequence[Sequence[Seen]], line: Line = ACROSS, **settings: Any) -> list[Any]:
    """The counts "in" and "out" after these frames."""
    stage = Flux(lines=(line,), **settings).open()
    for seq, seen in enumerate(frames):
        told = flux(stage, item(seq, seen))
    return [told["lines"][0]["in"], told["lines"][0]["out"]]


def walk(
    tracker_id: int, y_from: float, y_to: float, steps: int, x: float = 300
) -> list[list[Seen]]:
    return [[(tracker_id, x, y)] for y in np.linspace(y_from, y_to, steps).tolist()]


NOBODY: list[Seen] = []


def test_who_crosses_counts_once_by_direction() -> None:
    assert crossed(walk(1, 300, 180, 40)) == [{"person": 1}, {}]  # up: to the left of the line
    assert crossed(walk(1, 180, 300, 40)) == [{}, {"person": 1}]
    there_and_back = walk(1, 180, 300, 40) + walk(1, 300, 180, 40)
    assert crossed(there_and_back) == [{"person": 1}, {"person": 1}]


def test_directions_are_those_of_supervision() -> None:
    line = sv.LineZone(
        start=sv.Point(0, 240),
        end=sv.Point(640, 240),
        triggering_anchors=[sv.Position.BOTTOM_CENTER],
    )
    path = walk(1, 300, 180, 40)
    for seq, seen in enumerate(path):
        found = item(seq, seen).detections
        assert found is not None
        line.trigger(found)
    assert [line.in_count, line.out_count] == [1, 0]
    assert crossed(path) == [{"person": 1}, {}]


def test_a_line_of_any_direction() -> None:
    down = Line(name="door", start=(320, 100), end=(320, 400))
    right: list[list[Seen]] = [[(1, x, 300)] for x in np.linspace(250, 390, 40).tolist()]
    # Looking down the picture, its right is on the left-hand side.
    assert crossed(right, down) == [{"person": 1}, {}]
    slant = Line(name="slant", start=(200, 400), end=(400, 100))
    assert sum(len(each) for each in crossed(right, slant)) == 1


def test_nobody_crosses_beyond_the_ends_of_a_line() -> None:
    short = Line(name="gate", start=(100, 240), end=(200, 240))
    assert crossed(walk(1, 300, 180, 40, x=400), short) == [{}, {}]
    assert crossed(walk(1, 300, 180, 40, x=150), short) == [{"person": 1}, {}]
    around = walk(1, 300, 180, 40, x=400)
    around += [[(1, x, 180)] for x in np.linspace(400, 150, 50).tolist()]
    assert crossed(around, short) == [{}, {}]


def test_trembling_on_the_line_counts_at_most_once() -> None:
    noise = np.random.default_rng(5).normal(0, 4, 200).tolist()
    standing: list[list[Seen]] = [[(1, 300, 240 + n)] for n in noise]
    assert crossed(standing) == [{}, {}]
    through = walk(1, 300, 250, 10) + standing + walk(1, 230, 180, 10)
    assert crossed(through) == [{"person": 1}, {}]
    turned_back = walk(1, 300, 250, 10) + standing + walk(1, 250, 300, 10)
    assert crossed(turned_back) == [{}, {}]


def test_a_track_that_is_lost_before_the_line_and_comes_back_as_another_counts_once() -> None:
    path = walk(1, 300, 180, 60)
    lost = path[:20] + [NOBODY] * 20
    lost += [[(9, seen[0][1], seen[0][2])] for seen in path[40:]]
    assert crossed(lost) == [{"person": 1}, {}]
    assert crossed(lost, handover_s=0) == [{}, {}]


def test_a_new_number_on_the_line_does_not_count_again() -> None:
    path = walk(1, 300, 180, 60)
    changed: list[list[Seen]] = [
        [(1 + n // 10, seen[0][1], seen[0][2])] for n, seen in enumerate(path)
    ]
    assert crossed(changed) == [{"person": 1}, {}]


def test_two_who_swap_their_numbers_have_not_crossed() -> None:
    """They stand on either side; the tracker takes one for the other from frame 30 on."""
    frames: list[list[Seen]] = []
    for n in range(60):
        one, two = (1, 2) if n < 30 else (2, 1)
        frames.append([(one, 300, 200), (two, 320, 290)])
    assert crossed(frames) == [{}, {}]


def test_another_person_far_from_where_one_was_lost_takes_nothing_over() -> None:
    frames = [*walk(1, 300, 260, 20), *[NOBODY] * 10, *walk(2, 200, 150, 20, x=500)]
    assert crossed(frames) == [{}, {}]


def test_who_leaves_the_picture_right_behind_the_line_has_crossed() -> None:
    stage = Flux(lines=(ACROSS,)).open()
    for seq, seen in enumerate(walk(1, 300, 236, 30)):
        flux(stage, item(seq, seen))
    told = [flux(stage, item(seq, NOBODY)) for seq in range(30, 130)]
    assert told[0]["lines"][0]["in"] == {}
    assert told[-1]["lines"][0]["in"] == {"person": 1}


def test_a_fast_object_crosses_between_two_frames() -> None:
    assert crossed(walk(1, 460, 20, 12)) == [{"person": 1}, {}]


def test_a_guessed_box_crosses_nothing() -> None:
    stage = Flux(lines=(ACROSS,)).open()
    for seq, seen in enumerate(walk(1, 300, 260, 20)):
        flux(stage, item(seq, seen))
    for seq, seen in enumerate(walk(1, 258, 180, 20), 20):
        told = flux(stage, item(seq, seen, predicted=True))
    assert told["lines"][0]["in"] == {}
    # It turned round instead.
    for seq, seen in enumerate(walk(1, 262, 300, 20), 40):
        told = flux(stage, item(seq, seen))
    assert told["lines"][0] == {"name": "gate", "in": {}, "out": {}}


def test_a_car_that_was_called_a_bus_when_it_crossed_counts_as_a_car_in_the_end() -> None:
    stage = Flux(lines=(ACROSS,)).open()
    ys = np.linspace(300, 100, 60).tolist()
    names = ["bus"] * 25 + ["car"] * 35
    told = [
        flux(stage, item(seq, [(1, 300, y, name)]))["lines"][0]["in"]
        for seq, (y, name) in enumerate(zip(ys, names, strict=True))
    ]
    assert {"bus": 1} in told
    assert told[-1] == {"car": 1}
    assert max(sum(counts.values()) for counts in told) == 1


def test_only_classes_that_are_asked_for_and_tracked_count() -> None:
    frames: list[list[Seen]] = [
        [(1, 100, y, "person"), (2, 200, y, "car"), (-1, 400, y, "car")]
        for y in np.linspace(300, 180, 30).tolist()
    ]
    assert crossed(frames, classes=("car",)) == [{"car": 1}, {}]
    assert crossed(frames) == [{"person": 1, "car": 1}, {}]


def test_fractions_follow_the_size_of_the_picture() -> None:
    line = Line(name="gate", start=(0, 0.5), end=(1, 0.5))
    assert crossed(walk(1, 300, 180, 40), line, units="fraction") == [{"person": 1}, {}]


def test_counts_stay_when_the_picture_changes_its_size() -> None:
    zone = Zone(name="all", polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
    line = Line(name="gate", start=(0, 0.5), end=(1, 0.5))
    stage = Flux(lines=(line,), zones=(zone,), units="fraction").open()
    for seq, seen in enumerate(walk(1, 300, 180, 40)):
        flux(stage, item(seq, seen))
    small = np.zeros((240, 320, 3), np.uint8)
    frame = Frame.of(small, seq=40, pts_ns=40 * FRAME_NS)
    told = flux(stage, Item(frame, detections=no_detections()))
    assert told["lines"][0]["in"] == {"person": 1}
    assert told["zones"][0]["total"] == {"person": 1}


@pytest.mark.parametrize(("anchor", "first"), [("bottom", 3), ("center", 13), ("top", 23)])
def test_the_anchor_decides_when_it_is_over(anchor: str, first: int) -> None:
    """Feet at 240 in frame 1, 4 px lower each frame; 80 px tall; 5.5 px beyond is beyond."""
    stage = plugins.stage(
        {"type": "flux", "lines": [{"name": "gate", "start": [0, 240], "end": [640, 240]}]}
        | {"anchor": anchor}
    ).open()
    assert isinstance(stage, FluxStage)
    for seq in range(40):
        told = flux(stage, item(seq, [(1, 300, 228 + 4 * seq)]))
        if told["lines"][0]["out"]:
            break
    assert abs(seq - first - 5) <= 2


def test_zones_tell_who_is_in_who_has_been_and_how_long() -> None:
    zone = Zone(name="square", polygon=((200, 200), (400, 200), (400, 400), (200, 400)))
    stage = Flux(zones=(zone,)).open()
    for seq in range(50):  # two seconds in it, and one who only looks on
        told = flux(stage, item(seq, [(1, 300, 300), (2, 500, 300)]))["zones"][0]
    assert told["name"] == "square"
    assert told["now"] == {"person": 1}
    assert told["total"] == {"person": 1}
    assert told["dwell_s"]["now"] == [pytest.approx(49 * 0.04, abs=0.01)]
    assert told["dwell_s"]["mean"] is None
    # Trembling on the edge is neither leaving nor coming.
    for seq in range(50, 80):
        x = min(300 + 10 * (seq - 50), 398) + 4 * (seq % 2)
        told = flux(stage, item(seq, [(1, x, 300)]))["zones"][0]
    assert told["total"] == {"person": 1}
    for seq in range(80, 120):
        told = flux(stage, item(seq, [(1, 450, 300)]))["zones"][0]
    assert told["now"] == {}
    assert told["dwell_s"]["mean"] == pytest.approx(79 * 0.04, abs=0.1)
    for seq in range(120, 140):
        told = flux(stage, item(seq, [(1, max(450 - 10 * (seq - 120), 350), 300)]))["zones"][0]
    assert told["total"] == {"person": 1}  # the same one, once more
    assert told["now"] == {"person": 1}


def test_a_zone_reaches_to_the_edge_of_the_picture() -> None:
    zone = Zone(name="all", polygon=((0, 0), (640, 0), (640, 480), (0, 480)))
    stage = Flux(zones=(zone,)).open()
    for seq in range(20):
        told = flux(stage, item(seq, [(1, 300, 480), (2, 100, 90)]))["zones"][0]
    assert told["now"] == {"person": 2}


def test_the_grid_counts_crossings_velocity_and_occupation() -> None:
    stage = Flux(grid=Grid(cell_px=100, period_s=4, report_s=1)).open()
    reports = []
    for seq in range(100):  # 5 px a frame to the right, from 50 to 545, feet at 250
        told = flux(stage, item(seq, [(1, 50 + 5 * seq, 250)]))
        if "grid" in told:
            reports.append(told["grid"])
    assert len(reports) == 4
    grid = reports[-1]
    assert grid["grid_data"] == {
        "x_start": 0, "x_end": 640, "y_start": 0, "y_end": 480, "step": 100,
    }  # fmt: skip
    flow = np.array(grid["flux"])
    assert flow.shape == (5, 7, 2)
    assert flow[2, :, 0].tolist() == [0, 1, 1, 1, 1, 0, 0]  # told at 425
    assert flow[..., 1].sum() == 0
    assert flow[[0, 1, 3, 4]].sum() == 0
    velocity = np.array(grid["velocity"])
    assert velocity[2, 2] == pytest.approx([125, 0], abs=6)
    assert velocity[4, 4].tolist() == [0, 0]
    occupation = np.array(grid["occupation"])
    # 30 px wide over a cell's middle at 5 px a frame: 7 frames of 76.
    assert occupation[1, 2] == 0  # the box reaches up to 170
    assert occupation[2, 2] == pytest.approx(100 * 7 / 76, abs=2)


def test_the_grid_forgets_what_is_older_than_its_period() -> None:
    stage = Flux(grid=Grid(cell_px=100, period_s=2, report_s=1)).open()
    for seq in range(40):
        flux(stage, item(seq, [(1, 50 + 5 * seq, 250)]))
    for seq in range(40, 120):
        told = flux(stage, item(seq, NOBODY))
        if "grid" in told:
            last = told["grid"]
    assert np.array(last["flux"]).sum() == 0
    assert np.array(last["occupation"]).sum() == 0


def test_nothing_is_kept_of_objects_that_are_gone() -> None:
    zone = Zone(name="all", polygon=((0, 0), (640, 0), (640, 480), (0, 480)))
    stage = Flux(lines=(ACROSS,), zones=(zone,), grid=Grid()).open()
    for seq in range(200):
        number = seq // 20
        x = 100 + 200 * (number % 3)
        flux(stage, item(seq, [(number, x, 300 - 5 * (seq % 20))]))
    for seq in range(200, 400):
        flux(stage, item(seq, NOBODY))
    assert stage._objects._by_id == {}
    assert stage._objects._lost == []
    assert stage._lines[0]._ways == {}
    assert stage._lines[0]._crossed == {}
    assert stage._zones[0]._been == {}
    assert stage._grid is not None
    assert stage._grid._anchors == {}


def test_it_counts_behind_a_tracker_that_looks_at_every_fifth_frame() -> None:
    track, stage = Track().open(), Flux(lines=(ACROSS,)).open()
    for seq in range(100):
        looked = seq % 5 == 0
        given = item(seq, [(0, 300, 330 - 2 * seq)] if looked else [])
        assert given.detections is not None
        given.detections.tracker_id = None
        if looked:
            given.detections.data = {
                "class_name": np.array(["person"]),
                "detector": np.array(["eye"]),
            }
        given = given.with_(undetected=frozenset() if looked else frozenset({"eye"}))
        told = flux(stage, track.process([given])[0])
    assert told["lines"][0]["in"] == {"person": 1}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lines": [{"name": "a", "start": [1, 1], "end": [1, 1]}]}, "ends where it starts"),
        ({"lines": [{"name": "a", "start": [1, 1]}]}, r"end"),
        ({"zones": [{"name": "a", "polygon": [[0, 0], [1, 1]]}]}, r"zones"),
        ({"units": "fraction", "lines": [{"name": "a", "start": [0, 5], "end": [1, 1]}]}, "0 to 1"),
        ({"lines": [{"name": "a", "start": [0, 0], "end": [1e9, 1]}]}, "no picture has it"),
        (
            {"lines": [{"name": "a", "start": [0, 0], "end": [1, 1]}] * 2},
            "two lines are called 'a'",
        ),
        ({"grid": {"cell_px": 0}}, r"cell_px"),
        ({"workers": 2}, "workers must be 1"),
        ({"anchor": "left"}, r"anchor"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plugins.stage({"type": "flux", **settings})


def test_lines_and_zones_that_stay_where_they_are_count_on_when_others_are_drawn() -> None:
    corners = ((200.0, 100.0), (400.0, 100.0), (400.0, 400.0), (200.0, 400.0))
    first = Flux(lines=(ACROSS,), zones=(Zone(name="hall", polygon=corners),))
    stage = first.open()
    frames = [*walk(1, 350, 150, 20), *[NOBODY] * 60, *walk(2, 350, 150, 20)]
    for seq, seen in enumerate(frames[:80]):
        told = flux(stage, item(seq, seen))
    assert told["lines"][0]["in"] == {"person": 1}
    other = Line(name="other", start=(0, 200), end=(640, 200))
    renamed = Line(name="door", start=ACROSS.start, end=ACROSS.end)
    more = Flux(lines=(other, renamed), zones=first.zones, grid=Grid())
    assert more.continues(first)
    stage.renew(more)
    for seq, seen in enumerate(frames[80:], start=80):
        told = flux(stage, item(seq, seen))
    assert {line["name"]: line["in"] for line in told["lines"]} == {
        "other": {"person": 1},
        "door": {"person": 2},
    }
    assert told["zones"][0]["total"] == {"person": 2}
    moved = Line(name="door", start=(0, 230), end=(640, 230))
    stage.renew(Flux(lines=(moved,)))
    told = flux(stage, item(len(frames), NOBODY))
    assert told["lines"] == [{"name": "door", "in": {}, "out": {}}]
    assert "zones" not in told


def test_two_lines_in_one_place_count_each_for_itself() -> None:
    stage = Flux(lines=(ACROSS,)).open()
    flux(stage, item(0, NOBODY))
    stage.renew(Flux(lines=(ACROSS, Line(name="b", start=ACROSS.start, end=ACROSS.end))))
    for seq, seen in enumerate(walk(1, 350, 150, 20), start=1):
        told = flux(stage, item(seq, seen))
    assert [line["in"] for line in told["lines"]] == [{"person": 1}, {"person": 1}]


@pytest.mark.parametrize("other", [{"anchor": "center"}, {"name": "b"}, {"classes": ("car",)}])
def test_other_settings_begin_anew(other: dict[str, Any]) -> None:
    assert not Flux(lines=(ACROSS,), **other).continues(Flux(lines=(ACROSS,)))
