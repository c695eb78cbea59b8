"""Films keep the sound of what they were made from."""

from pathlib import Path

import av
import pytest

import livelens
from livelens.errors import SinkError
from livelens.media.soundtrack import add_sound
from livelens.sources.file import File, opened, origin_ns
from tests.media.clapper import claps, write_clap
from tests.sources.parts import write_clip


def silent_film(source: Path, film: Path) -> Path:
    for _ in livelens.run(str(source), sinks=[livelens.Record(path=str(film))]):
        pass
    return film


def with_sound(source: Path, film: Path, *, whole: bool = True) -> bool:
    spec = File(path=str(source))
    with opened(spec) as container:
        return add_sound(film, container, origin_ns(spec), whole=whole)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec", "kept"),
    [
        ("in.mp4", "aac", "aac"),
        ("in.mp4", "libmp3lame", "mp3"),
        ("in.mkv", "libopus", "opus"),
        ("in.ts", "aac", "aac"),
        ("in.mov", "pcm_s16le", "aac"),
        ("in.mkv", "flac", "aac"),
    ],
)
def test_sound_stays_with_its_picture(tmp_path: Path, name: str, codec: str, kept: str) -> None:
    source = write_clap(tmp_path / name, codec)
    film = silent_film(source, tmp_path / "out.mp4")
    assert with_sound(source, film)
    seen, heard = claps(film)
    assert seen == pytest.approx(1.0, abs=0.001)
    assert heard == pytest.approx(seen, abs=0.03)
    with av.open(str(film)) as made:
        assert made.streams.audio[0].codec_context.codec.canonical_name == kept
        assert made.streams.audio[0].codec_context.layout.nb_channels == 2
        assert sum(1 for _ in made.decode(video=0)) == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out.mp4"])


def test_packets_that_players_know_are_copied(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mp4", "aac")
    film = silent_film(source, tmp_path / "out.mp4")
    with_sound(source, film)
    assert packets(film) == packets(source)


def test_pictures_that_begin_after_the_sound(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mkv", "aac", late_s=0.4)
    film = silent_film(source, tmp_path / "out.mp4")
    assert origin_ns(File(path=str(source))) == pytest.approx(400_000_000, abs=1_000_000)
    assert with_sound(source, film)
    seen, heard = claps(film)
    assert seen == pytest.approx(0.6, abs=0.002)
    assert heard == pytest.approx(seen, abs=0.03)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_ends_with_a_film_that_was_not_made_to_its_end(tmp_path: Path, codec: str) -> None:
    source = write_clap(tmp_path / "in.mov", codec, seconds=3.0)
    begun = silent_film(write_clap(tmp_path / "short.mp4", "aac", seconds=1.4), tmp_path / "o.mp4")
    assert with_sound(source, begun, whole=False)
    with av.open(str(begun)) as film:
        sound = film.streams.audio[0]
        assert sound.duration is not None
        assert sound.time_base is not None
        assert float(sound.duration * sound.time_base) == pytest.approx(1.4, abs=0.1)


def test_without_sound_nothing_is_touched(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4")
    film = silent_film(source, tmp_path / "out.mp4")
    before = film.read_bytes()
    assert not with_sound(source, film)
    assert film.read_bytes() == before


def test_sound_that_cannot_be_read_leaves_the_film(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mkv", "flac")
    film = silent_film(source, tmp_path / "out.mp4")
    spoilt = source.read_bytes()
    with av.open(str(source)) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                spoilt = spoilt.replace(bytes(packet), bytes(packet.size))
    source.write_bytes(spoilt)
    before = film.read_bytes()
    with pytest.raises(SinkError, match=r"out.mp4 has no sound: none of it can be decoded"):
        with_sound(source, film)
    assert film.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.mp4"]


def test_stopping_leaves_the_film_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_one: Path, _other: Path) -> None:
        raise KeyboardInterrupt

    source = write_clap(tmp_path / "in.mp4", "aac")
    film = silent_film(source, tmp_path / "out.mp4")
    before = film.read_bytes()
    monkeypatch.setattr("livelens.media.soundtrack.os.replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        with_sound(source, film)
    assert film.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_film_with_the_longest_name_gets_its_sound(tmp_path: Path) -> None:
    source = write_clap(tmp_path / "in.mp4", "aac")
    film = silent_film(source, tmp_path / f"{'x' * 251}.mp4")
    assert with_sound(source, film)
    assert claps(film)[1] == pytest.approx(1.0, abs=0.03)
