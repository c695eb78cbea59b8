"""Recordings are read back with ffprobe or PyAV, after a clean end and after every bad one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from livelens import plugins
from livelens.errors import ConfigError, SinkError
from livelens.sinks.record import Record, Recording
from livelens.stages.overlay import Overlay
from livelens.types import Frame, Item, Viewport

SECOND_NS = 1_000_000_000


def item(n: int, *, size_px: tuple[int, int] = (160, 120), pts_ns: int | None = None) -> Item:
    """A grey picture whose brightness tells n."""
    width, height = size_px
    pixels = np.full((height, width, 3), 20 + n % 200, np.uint8)
    pts_ns = 5 * SECOND_NS + n * SECOND_NS // 30 if pts_ns is None else pts_ns
    return Item(Frame.of(pixels, stream_id="street", seq=n, pts_ns=pts_ns))


def recorded(tmp_path: Path, items: list[Item], **settings: object) -> Recording:
    spec = plugins.sink({"type": "record", "path": str(tmp_path / "out.mp4"), **settings})
    recording = spec.open("street")
    assert isinstance(recording, Recording)
    for each in items:
        recording.put(each)
    recording.close()
    return recording


def frames_of(path: Path) -> list[tuple[float, float, tuple[int, int]]]:
    """(time in seconds, mean brightness, size) of every picture that can be decoded."""
    with av.open(str(path)) as container:
        return [
            (
                float(frame.time or 0),
                float(frame.to_ndarray(format="gray").mean()),
                (frame.width, frame.height),
            )
            for frame in container.decode(video=0)
        ]


def probed(path: Path, entries: str) -> str:
    """What ffprobe tells of a file that it must read without complaint."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-of", "csv=p=0"]
    command += ["-show_entries", entries, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_every_picture_is_recorded_at_its_own_time(tmp_path: Path) -> None:
    moments_ms = [0, 33, 67, 100, 900, 933, 2400, 2433]  # drops and a slow stretch
    items = [item(n * 20, pts_ns=7 * SECOND_NS + ms * 1_000_000) for n, ms in enumerate(moments_ms)]
    recorded(tmp_path, items, crf=0)
    found = frames_of(tmp_path / "out.mp4")
    assert [round(time * 1000) for time, _, _ in found] == moments_ms
    for n, (_, brightness, size) in enumerate(found):
        assert brightness == pytest.approx(20 + n * 20, abs=2)
        assert size == (160, 120)


def test_ffprobe_sees_fragments_and_the_whole_duration(tmp_path: Path) -> None:
    recorded(tmp_path, [item(n) for n in range(90)])
    path = tmp_path / "out.mp4"
    assert path.read_bytes().count(b"moof") >= 4  # of at most half a second each
    assert probed(path, "stream=codec_name,nb_read_frames:format=duration") == "h264,90\n3.000000\n"


def test_a_keyframe_comes_every_gop(tmp_path: Path) -> None:
    recorded(tmp_path, [item(n) for n in range(61)], gop_s=0.5)
    with av.open(str(tmp_path / "out.mp4")) as container:
        keys = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(video=0)
            if packet.is_keyframe and packet.pts is not None
        ]
    assert [round(time, 2) for time in keys] == [0, 0.5, 1, 1.5, 2]


def test_fps_leaves_pictures_out(tmp_path: Path) -> None:
    recorded(tmp_path, [item(n) for n in range(60)], fps=10)
    times = [time for time, _, _ in frames_of(tmp_path / "out.mp4")]
    assert len(times) == 20
    assert np.diff(times) == pytest.approx(0.1, abs=0.002)


def test_a_jittering_camera_of_the_same_rate_loses_nothing(tmp_path: Path) -> None:
    jitter_ns = [0, 6_000_000, -6_000_000, 3_000_000]
    items = [item(n, pts_ns=n * 33_333_333 + jitter_ns[n % 4] + SECOND_NS) for n in range(40)]
    recorded(tmp_path, items, fps=30)
    assert len(frames_of(tmp_path / "out.mp4")) == 40


def test_odd_sizes_are_cut_to_even_ones(tmp_path: Path) -> None:
    recorded(tmp_path, [item(n, size_px=(161, 121)) for n in range(3)])
    assert {size for _, _, size in frames_of(tmp_path / "out.mp4")} == {(160, 120)}


def test_another_size_is_fitted_into_the_first(tmp_path: Path) -> None:
    items = [item(n, size_px=(160, 120) if n < 5 else (320, 120)) for n in range(10)]
    recording = recorded(tmp_path, items)
    assert recording.files == [tmp_path / "out.mp4"]
    found = frames_of(tmp_path / "out.mp4")
    assert [size for _, _, size in found] == [(160, 120)] * 10
    assert found[2][1] == pytest.approx(22, abs=3)
    with av.open(str(tmp_path / "out.mp4")) as container:
        last = list(container.decode(video=0))[-1].to_ndarray(format="bgr24")
    assert last[60, 80].mean() == pytest.approx(29, abs=5)  # the picture, in the middle
    assert last[10, 80].mean() < 8  # the border above


def test_another_size_begins_a_new_file(tmp_path: Path) -> None:
    sizes = [(160, 120)] * 4 + [(320, 240)] * 3 + [(160, 120)] * 2
    items = [item(n, size_px=size) for n, size in enumerate(sizes)]
    recording = recorded(tmp_path, items, resize="split")
    assert [path.name for path in recording.files] == ["out.mp4", "out-2.mp4", "out-3.mp4"]
    assert [len(frames_of(path)) for path in recording.files] == [4, 3, 2]
    assert frames_of(recording.files[1])[0][2] == (320, 240)


def test_segments_together_hold_everything(tmp_path: Path) -> None:
    recording = recorded(tmp_path, [item(n) for n in range(75)], segment_s=1)
    assert [len(frames_of(path)) for path in recording.files] == [30, 30, 15]


def test_names_are_filled_in(tmp_path: Path) -> None:
    recording = Record(path=str(tmp_path / "{stream}-{time}.mp4")).open("../up and away")
    recording.put(item(0))
    recording.close()
    assert recording.files[0].parent == tmp_path
    assert recording.files[0].name.startswith(".._up_and_away-20")


def test_with_an_overlay_it_waits_for_the_analysis(tmp_path: Path) -> None:
    assert Record(path=str(tmp_path / "a.mp4")).takes == "picture"
    assert Record(path=str(tmp_path / "a.mp4"), overlay=Overlay()).takes == "item"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("{tmp}/missing/out.mp4", "there is no folder"),
        ("{tmp}", "is a folder"),
        ("{tmp}/" + "x" * 300 + ".mp4", "name too long"),
    ],
)
def test_an_impossible_path_is_refused_at_once(tmp_path: Path, path: str, told: str) -> None:
    with pytest.raises(SinkError, match=told):
        Record(path=path.format(tmp=tmp_path)).open("street")


def test_a_path_that_may_not_be_written_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livelens.sinks.paths.os.access", lambda path, _: path != tmp_path)
    with pytest.raises(SinkError, match="not permitted"):
        Record(path=str(tmp_path / "out.mp4")).open("street")


@pytest.mark.parametrize("kind", ["record", "results"])
def test_an_unknown_name_in_braces_is_refused_in_the_configuration(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"\{place\} means nothing here.*\$\.sinks\[0\]"):
        plugins.sink({"type": kind, "path": "{stream}/{place}.mp4"}, "$.sinks[0]")


def test_a_path_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    recording = Record(path=str(tmp_path / "out.mp4")).open("street")
    (tmp_path / "out.mp4").mkdir()
    with pytest.raises(SinkError, match=r"cannot record|cannot write") as raised:
        recording.put(item(0))
    assert "\n" not in str(raised.value)
    recording.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"crf": 60}, r"<= 51(\.0)? - at \$.crf"),
        ({"fps": 0}, r"> 0(\.0)? - at \$.fps"),
        ({"codec": "h266"}, r"h266.* - at \$.codec"),
        ({"gops": 1}, r"unknown field `gops`"),
        ({"path": ""}, r"length >= 1 - at \$.path"),
    ],
)
def test_impossible_settings_name_their_path(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plugins.sink({"type": "record", "path": "out.mp4", **settings})


WRITER = """
import resource, sys
import numpy as np
from livelens.errors import SinkError
from livelens.sinks.record import Record
from livelens.types import Frame, Item, Viewport

path, count, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
recording = Record(path=path).open("street")
noise = np.random.default_rng(0)
for n in range(count):
    pixels = noise.integers(0, 255, (120, 160, 3), np.uint8)
    try:
        recording.put(Item(Frame.of(pixels, seq=n, pts_ns=n * 33_333_333)))
    except SinkError as error:
        print(f"broke: {error}", flush=True)
        recording.close()
        break
print("all put", flush=True)
sys.stdin.read()
"""


def writer(path: Path, count: int, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(count), str(limit)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_recording_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with writer(path, count=120) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "all put\n"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    # Half a second waits for its fragment to be complete, half a second in the encoder.
    assert 90 <= int(probed(path, "stream=nb_read_frames")) < 120


def test_a_full_disk_is_one_clear_line_and_loses_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with writer(path, count=300, limit=400_000) as process:
        told, errors = process.communicate("")
    assert process.returncode == 0, errors
    lines = told.splitlines()
    assert lines[0].startswith(f"broke: cannot record to {path}: ")
    assert lines[1] == "all put"
    assert "Traceback" not in errors
    assert path.stat().st_size <= 400_000
    assert len(frames_of(path)) > 10


STREAM = """
import resource, sys
from pathlib import Path
from livelens.events import Problem, Result
from livelens.flow.engine import Engine
from livelens.sinks.record import Record
from livelens.sinks.results import Results
from livelens.sources.pattern import Pattern
from livelens.spec import PipelineSpec
from livelens.stages.simulate import Simulate

folder, live = Path(sys.argv[1]), sys.argv[2] == "live"
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
engine = Engine()
frames = None if live else 90
spec = PipelineSpec(
    source=Pattern(width_px=640, height_px=480, fps=30, frames=frames, realtime=live),
    stages=(Simulate(),),
    sinks=(
        Record(name="video", path=str(folder / "out.mp4"), crf=5),
        Results(name="text", path=str(folder / "out.txt"), format="mot"),
    ),
)
problems, after = [], 0
with engine.bus.subscribe("street", capacity=1000) as messages:
    pipeline = engine.add("street", spec)
    while live and after < 30:
        message = messages.get(30)
        if isinstance(message, Problem):
            problems.append(f"{message.where}: {message.message}")
        elif isinstance(message, Result) and problems:
            after += 1
    if not live:
        pipeline.wait(60)
    print(pipeline.state, pipeline.detail)
    print(*problems, sep="\\n")
engine.close()
"""


def streamed(folder: Path, kind: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(folder), kind],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.e2e
def test_a_live_stream_whose_disk_is_full_goes_on_and_says_so_once(tmp_path: Path) -> None:
    first, *problems = streamed(tmp_path, "live")
    assert first.split() == ["running"]
    assert len(problems) == 1, problems
    assert "video" in problems[0]
    assert f"cannot record to {tmp_path / 'out.mp4'}: File too large" in problems[0]
    assert len(frames_of(tmp_path / "out.mp4")) > 0


@pytest.mark.e2e
def test_a_file_whose_recording_cannot_be_written_has_failed(tmp_path: Path) -> None:
    first, *_ = streamed(tmp_path, "file")
    assert first.startswith("failed video: cannot record to")


def framed(n: int, x: float, aspect: float = 0.5) -> Item:
    """A picture that is dark left and bright right, and what a virtual camera shows of it."""
    pixels = np.full((120, 160, 3), 30, np.uint8)
    pixels[:, 80:] = 220
    high = min(120.0, 60 / aspect)
    at = Viewport(x, 0, high * aspect, high, aspect, (high * aspect, high))
    frame = Frame.of(pixels, stream_id="street", seq=n, pts_ns=n * SECOND_NS // 30)
    return Item(frame, viewports={"follow": at})


def test_what_the_virtual_camera_shows_is_recorded(tmp_path: Path) -> None:
    items = [framed(0, 0), framed(1, 0), framed(2, 100), framed(3, 50), framed(4, 90)]
    items[4] = items[4].with_(viewports={})  # as the last
    recorded(tmp_path, items, viewport="follow", crf=1)
    found = frames_of(tmp_path / "out.mp4")
    assert [size for _, _, size in found] == [(60, 120)] * 5
    dark, _, bright, half, last = (brightness for _, brightness, _ in found)
    assert dark == pytest.approx(30, abs=20)
    assert bright == pytest.approx(220, abs=20)
    assert half == pytest.approx((dark + bright) / 2, abs=4)
    assert last == pytest.approx(half, abs=1)


@pytest.mark.parametrize(
    ("resize", "sizes"), [("fit", [(60, 120)]), ("split", [(60, 120), (60, 60)])]
)
def test_another_aspect_is_another_size(
    tmp_path: Path, resize: str, sizes: list[tuple[int, int]]
) -> None:
    items = [framed(n, 100, 0.5 if n < 3 else 1.0) for n in range(6)]
    recording = recorded(tmp_path, items, viewport="follow", resize=resize)
    assert [frames_of(file)[0][2] for file in recording.files] == sizes
    fitted = frames_of(recording.files[-1])[-1]
    assert fitted[1] == pytest.approx(220, abs=20), (
        "filled up with the same picture, not with black"
    )
