import numpy as np
import pytest

from livelens import plugins
from livelens.errors import ConfigError
from livelens.sources.counter import read_counter
from livelens.sources.pattern import Pattern
from tests.sources.parts import Reader


def test_numbers_its_pictures() -> None:
    spec = Pattern(width_px=320, height_px=288, fps=25, frames=30, realtime=False)
    pictures = list(spec.open().frames())
    assert [read_counter(one.picture.bgr()) for one in pictures] == list(range(30))
    assert [one.pts_ns for one in pictures] == [n * 40_000_000 for n in range(30)]
    assert not spec.live


def test_moves_and_repeats_itself() -> None:
    source = Pattern(width_px=320, height_px=288).open()
    assert np.array_equal(source.draw(5), source.draw(5))
    below = slice(40, None)
    assert not np.array_equal(source.draw(5)[below], source.draw(6)[below])


def test_keeps_the_pace_of_the_clock() -> None:
    pictures = list(Pattern(width_px=64, height_px=64, fps=50, frames=11).open().frames())
    assert pictures[-1].captured_ns - pictures[0].captured_ns >= 199_000_000


def test_ends_when_closed() -> None:
    reader = Reader(Pattern(width_px=64, height_px=64, fps=0.01).open())
    reader.count(1)
    reader.stop()


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("pattern://", "pattern://1280x720@30"),
        ("pattern:", "pattern://1280x720@30"),
        ("pattern://640x360", "pattern://640x360@30"),
        ("pattern://640x360@12.5?realtime=0&frames=3", "pattern://640x360@12.5"),
    ],
)
def test_url(url: str, label: str) -> None:
    assert plugins.source(url if "://" in url else "pattern://").label == label


@pytest.mark.parametrize(
    "url",
    ["pattern://big", "pattern://641x360", "pattern://640x360?frames=x", "pattern://?colour=red"],
)
def test_bad_url(url: str) -> None:
    with pytest.raises(ConfigError, match="pattern:"):
        plugins.source(url)


def test_bad_settings_name_the_path() -> None:
    with pytest.raises(ConfigError, match=r"fps is above 0.* - at \$\.source"):
        plugins.source({"type": "pattern", "fps": 0}, "$.source")
