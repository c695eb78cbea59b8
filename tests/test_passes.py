"""Two passes over a file, with a subject that needs no model."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest
import supervision as sv

from livelens import passes
from livelens.errors import LivelensError, SinkError
from livelens.sinks.record import Record
from livelens.sinks.results import Results
from livelens.sources.file import File
from livelens.spec import PipelineSpec, SinkSpec, StageSpec
from livelens.stages.reframe import Reframe
from livelens.types import Item
from tests.media.clapper import claps, write_clap

NS = 1_000_000_000


class Walk(StageSpec, frozen=True, kw_only=True):
    """A person who walks over the picture and back, in four seconds."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections", "tracks"})

    def open(self) -> "Walk":
        return self

    def process(self, items: Sequence[Item]) -> list[Item]:
        return [item.with_(detections=walker(item)) for item in items]

    def close(self) -> None:
        """Nothing to release."""


def walk_x(pts_ns: int) -> float:
    """Where the person's middle is, as part of the width."""
    return 0.5 - 0.35 * float(np.cos(2 * np.pi * pts_ns / NS / 4))


def walker(item: Item) -> sv.Detections:
    width, height = item.frame.size_px
    x = walk_x(item.frame.pts_ns) * width
    box = [x - 0.05 * width, 0.3 * height, x + 0.05 * width, 0.9 * height]
    return sv.Detections(
        xyxy=np.array([box], np.float32),
        confidence=np.array([0.9], np.float32),
        class_id=np.array([0]),
        tracker_id=np.array([1]),
        data={"class_name": np.array(["person"])},
    )


def film(
    path: Path, times: Sequence[float], size: tuple[int, int] = (320, 180), bars_px: int = 0
) -> Path:
    """A film whose pictures are at these times, in seconds, with bars above and below."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p" if size[0] % 2 == size[1] % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        ramp = np.linspace(20, 230, size[0], dtype=np.uint8)
        for time in times:
            image = np.repeat(np.repeat(ramp[None, :, None], size[1], 0), 3, 2)
            if bars_px:
                image[:bars_px] = image[-bars_px:] = 0
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def steady(count: int, fps: int = 25) -> list[float]:
    return [n / fps for n in range(count)]


def spec(source: Path, *sinks: SinkSpec, **settings: Any) -> PipelineSpec:
    stages = (Walk(), Reframe(**settings))
    return PipelineSpec(source=File(path=str(source)), stages=stages, sinks=sinks)


def out(path: Path) -> Record:
    return Record(name="output", path=str(path), viewport="reframe")


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def shown(path: Path) -> list[dict[str, Any]]:
    return [line["viewports"]["reframe"] for line in told(path)]


def pictures(path: Path) -> list[tuple[float, np.ndarray[Any, Any]]]:
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0), frame.to_ndarray(format="gray"))
            for frame in container.decode(video=0)
        ]


def test_the_film_shows_what_the_results_tell(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", steady(100))
    made, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    pipeline = spec(source, out(made), Results(name="results", path=str(results)))
    passes.run(pipeline, passes=2, film=made, quiet=True)
    frames, lines = pictures(made), told(results)
    assert [line["seq"] for line in lines] == list(range(100))
    assert [time for time, _ in frames] == pytest.approx(steady(100), abs=0.001)
    for (_, picture), line in zip(frames, lines, strict=True):
        left, top, right, bottom = line["viewports"]["reframe"]["box"]
        assert (right - left) / (bottom - top) == pytest.approx(9 / 16, abs=0.01)
        assert 0 <= left < right <= 320
        assert left <= (walk_x(line["pts_ns"]) - 0.05) * 320 + 1
        assert right >= (walk_x(line["pts_ns"]) + 0.05) * 320 - 1
        assert picture.shape[1] / picture.shape[0] == pytest.approx(9 / 16, abs=0.02)
        # The picture is brighter to the right: it tells where it was cut out.
        seen_x = (picture[:, 4:-4].mean() - 20) / 210 * 320
        assert seen_x == pytest.approx((left + right) / 2, abs=3)


def test_two_passes_move_more_smoothly_than_one(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", steady(100))
    jerks = []
    for count in (1, 2):
        results = tmp_path / f"{count}.jsonl"
        sink = Results(name="results", path=str(results))
        passes.run(spec(source, sink), passes=count, film=None, quiet=True)
        middles = [(each["box"][0] + each["box"][2]) / 2 for each in shown(results)]
        jerks.append(float(np.abs(np.diff(middles, 3)).mean()))
    assert jerks[1] < jerks[0]


def test_the_sound_stays(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mp4", "aac")
    made = tmp_path / "out.mp4"
    passes.run(spec(source, out(made)), passes=2, film=made, quiet=True)
    seen, heard = claps(made)
    assert seen == pytest.approx(1.0, abs=0.002)
    assert heard == pytest.approx(seen, abs=0.03)


@pytest.mark.parametrize(
    ("times", "size"),
    [
        ([0.0], (320, 180)),
        (steady(5), (321, 181)),
        ([0.0, 0.1, 0.11, 0.5, 1.6, 1.64], (320, 180)),
        (steady(5), (90, 320)),
    ],
    ids=["one picture", "odd size", "variable rate", "narrower than the shot"],
)
def test_odd_films(tmp_path: Path, times: list[float], size: tuple[int, int]) -> None:
    source = film(tmp_path / "in.mp4", times, size)
    made, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    sinks = out(made), Results(name="results", path=str(results))
    passes.run(spec(source, *sinks), passes=2, film=made, quiet=True)
    frames = pictures(made)
    assert [time for time, _ in frames] == pytest.approx(times, abs=0.001)
    height, width = frames[0][1].shape
    assert width / height == pytest.approx(9 / 16, abs=0.03)
    assert (width % 2, height % 2) == (0, 0)
    boxes = [each["box"] for each in shown(results)]
    assert all(0 <= b[0] < b[2] <= size[0] and 0 <= b[1] < b[3] <= size[1] for b in boxes)


def test_a_film_held_upright_is_framed_upright(tmp_path: Path) -> None:
    lying = film(tmp_path / "lying.mkv", steady(5), (180, 320))
    source = tmp_path / "upright.mp4"
    with av.open(str(lying)) as given, av.open(str(source), "w") as turned:
        stream = turned.add_stream_from_template(given.streams.video[0])
        stream.set_display_rotation(90)
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                turned.mux(packet)
    results = tmp_path / "out.jsonl"
    sink = Results(name="results", path=str(results))
    passes.run(spec(source, sink, aspect="1:1"), passes=2, film=None, quiet=True)
    assert all(line["size_px"] == [320, 180] for line in told(results))


def test_bars_are_never_shown(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", steady(50), (320, 240), bars_px=30)
    made, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    sinks = out(made), Results(name="results", path=str(results))
    passes.run(spec(source, *sinks), passes=2, film=made, quiet=True)
    assert all(b["box"][1] >= 28 and b["box"][3] <= 212 for b in shown(results))
    frames = pictures(made)
    assert min(picture[:3].mean() for _, picture in frames) > 20
    assert frames[0][1].shape == (180, 100)


def test_several_cameras_have_a_film_each(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", steady(10))
    stages = (Walk(), Reframe(name="tall"), Reframe(name="square", aspect="1:1"))
    sinks = tuple(
        Record(name=name, path=str(tmp_path / f"{name}.mp4"), viewport=name)
        for name in ("tall", "square")
    )
    results = Results(name="results", path=str(tmp_path / "out.jsonl"))
    wide = Record(name="wide", path=str(tmp_path / "wide.mp4"))
    source_spec = File(path=str(source))
    pipeline = PipelineSpec(source=source_spec, stages=stages, sinks=(*sinks, results, wide))
    passes.run(pipeline, passes=2, film=None, quiet=True)
    shapes = {n: pictures(tmp_path / f"{n}.mp4")[0][1].shape for n in ("tall", "square", "wide")}
    assert shapes == {"tall": (180, 100), "square": (180, 180), "wide": (180, 320)}
    assert set(told(tmp_path / "out.jsonl")[0]["viewports"]) == {"tall", "square"}


def test_a_film_that_is_cut_off_is_framed_as_far_as_it_goes(tmp_path: Path) -> None:
    whole, cut = film(tmp_path / "whole.mkv", steady(100), (640, 360)), tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    made, results = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    sinks = out(made), Results(name="results", path=str(results))
    with pytest.raises(LivelensError, match=r"cut.mkv: the file"):
        passes.run(spec(cut, *sinks), passes=2, film=made, quiet=True)
    assert 0 < len(pictures(made)) < 100
    assert 0 < len(told(results)) < 100


def test_a_place_that_cannot_be_written_is_said_before_the_first_pass(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", steady(5))
    seen = tmp_path / "wide.mp4"
    sinks = out(tmp_path / "none" / "out.mp4"), Record(name="wide", path=str(seen))
    with pytest.raises(SinkError, match="there is no folder"):
        passes.run(spec(source, *sinks), passes=2, film=None, quiet=True)
    assert not seen.exists()


def test_an_old_film_is_left_alone_when_none_is_made(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mp4", "aac")
    old = write_clap(tmp_path / "old.mp4", "aac")
    before = old.read_bytes()
    source.write_bytes(source.read_bytes()[:100])
    with pytest.raises(LivelensError):
        passes.run(spec(source, out(old)), passes=2, film=old, quiet=True)
    assert old.read_bytes() == before


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = film(tmp_path / "in.mp4", steady(3))
    passes.run(spec(source), passes=2, film=None, quiet=True)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "temporary"]
