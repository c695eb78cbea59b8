"""The best path of a whole film, found in parts."""

import itertools
import math

import pytest

from livelens.framing import lookout, optimum
from livelens.framing.geometry import Field, Rect, Shot, Target
from livelens.framing.lookout import Lookout
from livelens.framing.motion import Motion

FPS = 20
FIELD = Field(Rect(0, 0, 640, 360), 9 / 16)


def target(n: int, x: float, *, cut: bool = False) -> Target:
    return Target(n * 1_000_000_000 // FPS, x, 180, Rect(x - 20, 100, x + 20, 300), 1.0, cut)


def walked(frames: int, *cuts: int) -> Lookout:
    camera = Lookout(Motion())
    for n in range(frames):
        camera.see(FIELD, target(n, 320 + 200 * math.sin(n / FPS), cut=n in cuts))
    return camera


Path = dict[int, tuple[Field, Shot]]


def middles(path: Path) -> list[float]:
    return [shot.view.x for _, shot in path.values()]


def cuts(path: Path) -> list[int]:
    return [n for n, (_, shot) in enumerate(path.values()) if shot.cut]


def test_parts_meet_without_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = walked(400).best()
    monkeypatch.setattr(lookout, "_PART_NS", 8_000_000_000)
    monkeypatch.setattr(lookout, "_OVERLAP_NS", 4_000_000_000)
    parts = walked(400).best()
    assert list(parts) == list(whole)
    assert cuts(parts) == [0]
    jerks = [
        abs(c - 2 * b + a) for a, b, c in zip(*(middles(parts)[i:] for i in range(3)), strict=False)
    ]
    assert max(jerks) < 1
    assert middles(parts) == pytest.approx(middles(whole), abs=20)  # a tenth of the viewport


def test_each_part_knows_little_of_the_film(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def path(fields: list[Field], targets: list[Target], _: Motion) -> list[Shot]:
        sizes.append(len(targets))
        return [Shot(f.view(t.x, t.y, 1.0), False) for f, t in zip(fields, targets, strict=True)]

    monkeypatch.setattr(lookout, "best_path", path)
    monkeypatch.setattr(lookout, "_PART_NS", 5_000_000_000)
    monkeypatch.setattr(lookout, "_OVERLAP_NS", 1_000_000_000)
    assert len(walked(1000, 300, 301).best()) == 1000
    assert max(sizes) <= 5 * FPS + 1
    assert sum(sizes) < 1000 * 1.4


def test_takes_are_found_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    begins = []
    real = optimum.best_path

    def path(fields: list[Field], targets: list[Target], motion: Motion) -> list[Shot]:
        begins.append(targets[0].pts_ns * FPS // 1_000_000_000)
        return real(fields, targets, motion)

    monkeypatch.setattr(lookout, "best_path", path)
    camera = walked(60, 20)
    small = Field(Rect(0, 0, 320, 180), 9 / 16)
    for n in range(60, 70):
        camera.see(small, target(n, 100))
    shots = camera.best()
    assert begins == [0, 20, 60]
    assert cuts(shots) == [0, 20, 60]
    assert all(shot.view.right <= 320 for _, shot in itertools.islice(shots.values(), 60, 70))


def test_one_frame_and_none_ahead() -> None:
    camera = walked(1)
    assert camera.at(0).view == FIELD.view(320, 180, 1.0)
    assert list(camera.best()) == [0]


def test_borders_that_are_found_later_were_there_before() -> None:
    camera = Lookout(Motion())
    inner = Field(Rect(0, 45, 640, 315), 9 / 16)
    for n in range(100):
        bars = 5 <= n < 15 or n >= 65
        camera.see(inner if bars else FIELD, target(n, 320, cut=n in (0, 50)))
    fields = [field for field, _ in camera.best().values()]
    assert fields[:15] == [inner] * 15
    assert fields[15:50] == [FIELD] * 35
    assert fields[50:] == [inner] * 50  # not over the cut
    assert all(shot.view.top >= 45 for _, shot in itertools.islice(camera.best().values(), 50, 100))


@pytest.mark.parametrize(("times", "kept"), [((20, 24, 30), [0]), ((20, 45), [0, 20, 45])])
def test_cuts_follow_no_cut_at_once(times: tuple[int, ...], kept: list[int]) -> None:
    """Somebody jumps further than a pan could follow, without another scene."""
    camera = Lookout(Motion())
    for n in range(65):
        side = sum(n >= time for time in times) % 2
        camera.see(FIELD, target(n, 520 if side else 120, cut=n == 0))
    assert cuts(camera.best()) == kept
