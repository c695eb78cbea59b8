import itertools
import os
import random
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from livelens import plugins
from livelens.errors import ConfigError, SourceError
from livelens.sources.counter import read_counter
from livelens.sources.file import File
from livelens.types import Captured
from tests.sources.parts import Reader, web_server, write_clip


def numbers(pictures: list[Captured]) -> list[int | None]:
    return [read_counter(one.picture.bgr()) for one in pictures]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi"])
def test_every_picture_in_order(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = write_clip(tmp_path / name, codec=codec)
    pictures = list(File(path=str(path)).open().frames())
    assert numbers(pictures) == list(range(50))
    steps = [b.pts_ns - a.pts_ns for a, b in itertools.pairwise(pictures)]
    assert all(abs(step - 40_000_000) < 1_100_000 for step in steps)


def test_loops_with_growing_pts(clip: Path) -> None:
    source = File(path=str(clip), loop=True, pace=False).open()
    pictures = list(itertools.islice(source.frames(), 120))
    source.close()
    assert numbers(pictures) == [n % 50 for n in range(120)]
    assert [one.pts_ns for one in pictures] == [n * 40_000_000 for n in range(120)]


def test_paced_file_takes_its_time(clip: Path) -> None:
    spec = File(path=str(clip), pace=True)
    pictures = list(spec.open().frames())
    assert len(pictures) == 50
    assert pictures[-1].captured_ns - pictures[0].captured_ns >= 1_900_000_000


def test_what_counts_as_live() -> None:
    assert not File(path="a.mp4").live
    assert File(path="a.mp4", loop=True).live
    assert File(path="a.mp4", pace=True).live
    assert not File(path="a.mp4", loop=True, pace=False).live


def test_describes_itself(clip: Path) -> None:
    info = File(path=str(clip)).describe()
    assert (info.width, info.height, info.frames, info.codec) == (320, 288, 50, "h264")
    assert info.duration_s == pytest.approx(2.0, abs=0.1)
    assert info.fps == pytest.approx(25)


def test_counts_pictures_where_the_file_tells_only_its_length(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv")
    assert File(path=str(path)).describe().frames == 50


def test_ends_when_closed(clip: Path) -> None:
    reader = Reader(File(path=str(clip), loop=True).open())
    reader.count(3)
    reader.stop()


def test_closed_before_it_is_read(clip: Path) -> None:
    source = File(path=str(clip)).open()
    source.close()
    source.close()
    assert list(source.frames()) == []


@pytest.mark.parametrize(
    ("angle", "lie"), [(90, cv2.ROTATE_90_COUNTERCLOCKWISE), (270, cv2.ROTATE_90_CLOCKWISE)]
)
def test_a_phone_held_upright(tmp_path: Path, angle: int, lie: int) -> None:
    lying = write_clip(tmp_path / "lying.mp4", frames=5, rotate=lie)
    path = tmp_path / "upright.mp4"
    note = ["-c", "copy", "-metadata:s:v:0", f"rotate={angle}"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", lying, *note, path], check=True)
    pictures = list(File(path=str(path)).open().frames())
    assert numbers(pictures) == list(range(5))
    assert (pictures[0].picture.width, pictures[0].picture.height) == (320, 288)


@pytest.mark.parametrize("angle", [0, 180])
def test_pixels_that_are_wide(tmp_path: Path, angle: int) -> None:
    narrow = write_clip(tmp_path / "narrow.mp4", frames=2)
    path = tmp_path / "wide.mp4"
    note = ["-c", "copy", "-bsf:v", "h264_metadata=sample_aspect_ratio=2/1"]
    note += ["-metadata:s:v:0", f"rotate={angle}"] if angle else []
    subprocess.run(["ffmpeg", "-v", "error", "-i", narrow, *note, path], check=True)
    pictures = [one.picture for one in File(path=str(path)).open().frames()]
    assert [(one.width, one.height) for one in pictures] == [(640, 288)] * 2
    shown = cv2.resize(pictures[0].bgr(), (320, 288), interpolation=cv2.INTER_AREA)
    shown = cv2.rotate(shown, cv2.ROTATE_180) if angle else shown
    assert read_counter(np.asarray(shown, np.uint8)) == 0


class TestBadFiles:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"none\.mp4: No such file or directory$"):
            File(path=str(tmp_path / "none.mp4")).open()

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="is a directory, not a video"):
            File(path=str(tmp_path)).open()

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").touch()
        with pytest.raises(SourceError, match=r"a\.mp4: the file is empty"):
            File(path=str(tmp_path / "a.mp4")).open()

    @pytest.mark.parametrize("name", ["a.txt", "a.mp4", "a.nfo", "a"])
    def test_text(self, tmp_path: Path, name: str) -> None:
        # Without its rules FFmpeg shows text as a film of letters.
        (tmp_path / name).write_text("Not a film at all.\n" * 200)
        with pytest.raises(SourceError, match="not a video"):
            File(path=str(tmp_path / name)).open()

    def test_sound_only(self, tmp_path: Path) -> None:
        path = tmp_path / "a.m4a"
        sine = ["-f", "lavfi", "-i", "sine=duration=1"]
        subprocess.run(["ffmpeg", "-v", "error", *sine, path], check=True)
        with pytest.raises(SourceError, match=r"a\.m4a: there is no video in it"):
            File(path=str(path)).open()

    def test_index_cut_off(self, tmp_path: Path, clip: Path) -> None:
        path = tmp_path / "cut.mp4"
        path.write_bytes(clip.read_bytes()[:-3000])
        with pytest.raises(SourceError, match=r"cut\.mp4: not a video, or one whose end is cut"):
            File(path=str(path)).open()

    @pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
    def test_cut_off(self, tmp_path: Path, name: str) -> None:
        whole = write_clip(tmp_path / name, container_options={"movflags": "faststart"})
        path = tmp_path / f"cut-{name}"
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        reader = Reader(File(path=str(path)).open())
        error = reader.end()
        read = numbers(reader.pictures)
        assert 10 < len(read) < 45
        assert read[:10] == list(range(10))
        assert error is not None
        assert f"cut-{name}: the file " in str(error)
        assert f"after {len(read)} pictures" in str(error)
        assert "\n" not in str(error)

    def test_cut_off_while_looping_is_an_error_too(self, tmp_path: Path) -> None:
        whole = write_clip(tmp_path / "clip.mkv")
        whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        with Reader(File(path=str(whole), loop=True, pace=False).open()) as reader:
            assert "cut off" in str(reader.end())

    @pytest.mark.parametrize("seed", range(4))
    def test_damaged_in_the_middle(self, tmp_path: Path, clip: Path, seed: int) -> None:
        source = random.Random(seed)
        data = bytearray(clip.read_bytes())
        for _ in range(60):
            data[source.randrange(len(data) // 4, len(data) // 2)] = source.randrange(256)
        path = tmp_path / "damaged.mp4"
        path.write_bytes(data)
        reader = Reader(File(path=str(path)).open())
        error = reader.end()
        assert reader.pictures
        assert error is None or str(error).startswith(f"{path}: ")

    def test_a_title_in_no_known_letters(self, tmp_path: Path, clip: Path) -> None:
        path = tmp_path / "title.mp4"
        named = ["-c", "copy", "-metadata", "title=QQQQQQQQ"]
        subprocess.run(["ffmpeg", "-v", "error", "-i", clip, *named, path], check=True)
        path.write_bytes(
            path.read_bytes().replace(b"QQQQQQQQ", b"\xff\xfe\xfd\xfc\xff\xff\xff\xff")
        )
        assert len(list(File(path=str(path)).open().frames())) == 50

    def test_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(SourceError, match=r"pipe\.mp4: is not a file"):
            File(path=str(tmp_path / "pipe.mp4")).open()

    def test_a_playlist_stays_on_this_machine(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "a.ts")
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}a.ts\n#EXT-X-ENDLIST\n"
        path = tmp_path / "a.m3u8"
        path.write_text(text.format(""))
        assert len(list(File(path=str(path)).open().frames())) == 50
        with web_server(tmp_path) as base:
            path.write_text(text.format(f"{base}/"))
            with pytest.raises(SourceError):
                File(path=str(path)).open()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("clip.mp4", "clip.mp4"),
        ("/a b/c%20d.mp4", "/a b/c%20d.mp4"),
        ("file:///a%20b/c.mp4", "/a b/c.mp4"),
        ("file://localhost/c.mp4", "/c.mp4"),
    ],
)
def test_url(url: str, path: str) -> None:
    assert plugins.source(url) == File(path=path)


def test_file_url_without_slashes() -> None:
    assert File.from_url("file:clips/a b.mp4") == File(path="clips/a b.mp4")


def test_bad_url() -> None:
    with pytest.raises(ConfigError, match="three slashes"):
        plugins.source("file://clip.mp4")
    with pytest.raises(ConfigError, match="names no file"):
        plugins.source("")
