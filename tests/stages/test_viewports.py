"""Viewports that results tell, given to frames again."""

from pathlib import Path

import numpy as np
import pytest

from livelens.errors import ConfigError, Forbidden
from livelens.events import Result, encoded, result_of
from livelens.flow.graph import check
from livelens.server.urls import check_stage
from livelens.sinks.results import Results
from livelens.spec import PipelineSpec
from livelens.stages.viewports import Viewports
from livelens.types import Frame, Item, Viewport
from tests.fakes import Counted

MS = 1_000_000


def item(pts_ns: int, size_px: tuple[int, int] = (640, 360)) -> Item:
    width, height = size_px
    image = np.zeros((height, width, 3), np.uint8)
    return Item(Frame.of(image, seq=pts_ns // (40 * MS), pts_ns=pts_ns))


def shot(x: float, *, cut: bool = False, largest: tuple[float, float] = (202.5, 360)) -> Viewport:
    return Viewport(float(x), 10.25, 180.0, 320.0, 9 / 16, largest, cut, (4, 2), "following")


def line(pts_ns: int, **viewports: Viewport) -> str:
    result = result_of(item(pts_ns).with_(viewports=viewports), {})
    assert isinstance(result, Result)
    return encoded(result).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four pictures, 40 ms apart: the camera pans, then jumps."""
    path = tmp_path / "shots.jsonl"
    shots = [shot(0), shot(10), shot(300, cut=True), shot(310)]
    path.write_text("".join(f"{line(n * 40 * MS, reframe=s)}\n" for n, s in enumerate(shots)))
    return path


def given(path: Path, *items: Item, camera: str | None = None) -> list[Viewport]:
    stage = Viewports(path=str(path), name="again", camera=camera).open()
    return [each.viewports["again"] for each in stage.process(items)]


def test_each_frame_gets_what_its_line_tells(file: Path) -> None:
    again = given(file, *(item(n * 40 * MS) for n in range(4)))
    assert [v.x for v in again] == pytest.approx([0, 10, 300, 310])
    assert [v.cut for v in again] == [False, False, True, False]
    first = again[0]
    assert (first.y, first.width, first.height) == pytest.approx((10.25, 180, 320))
    assert (first.aspect, first.largest_px) == (0.5625, (202.5, 360))
    assert (first.subjects, first.state) == ((4, 2), "following")


def test_between_lines_it_pans_but_never_through_a_cut(file: Path) -> None:
    times = [20 * MS, 60 * MS, 140 * MS, 500 * MS]
    assert [v.x for v in given(file, *map(item, times))] == pytest.approx([5, 10, 310, 310])


def test_a_picture_of_another_size_shows_the_same_part(file: Path) -> None:
    [large] = given(file, item(40 * MS, (1280, 720)))
    assert (large.x, large.y, large.width, large.height) == pytest.approx((20, 20.5, 360, 640))
    assert large.largest_px == (405, 720)


def test_borders_of_the_picture_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "shots.jsonl"
    path.write_text(line(0, reframe=shot(100, largest=(180, 320))))
    assert '"largest":[180' in path.read_text()
    [again] = given(path, item(0))
    assert again.largest_px == (180, 320)


def test_one_of_several_cameras(tmp_path: Path) -> None:
    path = tmp_path / "shots.jsonl"
    path.write_text(line(0, tall=shot(100), other=shot(50)))
    assert given(path, item(0), camera="other")[0].x == 50
    with pytest.raises(ConfigError, match=r"shots.jsonl:1: it has viewports of tall, other: say"):
        given(path, item(0))
    with pytest.raises(ConfigError, match=r"shots.jsonl:1: it has no viewport of 'wide' \(tall"):
        given(path, item(0), camera="wide")


GOOD = line(0, reframe=shot(0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"shots.jsonl: there is no viewport in it"),
        ("\n[]", r"shots.jsonl:2: Expected `object`, got `array`"),
        (GOOD[:-9], r"shots.jsonl:1: Input data was truncated"),
        (f"{GOOD}\n{GOOD}", r"shots.jsonl:2: pts_ns is not greater"),
        (line(0), r"shots.jsonl:1: it has no viewport|viewports of none"),
        (GOOD.replace("[0.0,", "[-3,"), r"shots.jsonl:1: the box \[-3.0.* is not inside 640×360"),
        (GOOD.replace("[0.0,", "[200,"), r"shots.jsonl:1: the box .* is not inside"),
        (GOOD.replace("[0.0,", '["a",'), r"shots.jsonl:1: Expected `float`.*viewports.*box"),
        (GOOD.replace("0.5625", "0"), r"shots.jsonl:1: the aspect 0 is not between"),
        (GOOD.replace("[640,360]", "[0,360]"), r"shots.jsonl:1: size_px must be"),
        (GOOD.replace('"aspect"', '"largest":[1e9,9],"aspect"'), r"shots.jsonl:1: the largest"),
        (GOOD.replace('"aspect"', '"largest":[-5,0],"aspect"'), r"shots.jsonl:1: the largest"),
        ("\udcff", r"shots.jsonl:1: "),
        (GOOD[:-1] + ',"more":' + "[" * 9999 + "]" * 9999 + "}", r"shots.jsonl:1: it is nested"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "shots.jsonl"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=said) as caught:
        Viewports(path=str(path)).open()
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.jsonl: No such file"):
        Viewports(path=str(tmp_path / "none.jsonl")).open()


def test_what_is_read_is_not_written(file: Path) -> None:
    spec = PipelineSpec(
        source=Counted(),
        stages=(Viewports(path=str(file)),),
        sinks=(Results(path=str(file)),),
    )
    with pytest.raises(ConfigError, match=r"the stage 'viewports' reads .*shots.jsonl"):
        check(spec)


def test_strangers_read_no_files_by_it() -> None:
    with pytest.raises(Forbidden, match="secret"):
        check_stage(Viewports(path="secret.jsonl"), ())
    check_stage(Viewports(path="/films/a.jsonl"), ("file:/films/*",))
