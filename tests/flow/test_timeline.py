"""Media time that only grows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livelens.flow.timeline import Timeline

FRAME_NS = 33_333_333
SECOND_NS = 1_000_000_000


def test_a_steady_source_keeps_its_distances() -> None:
    timeline = Timeline()
    mapped = [timeline.map(5_000 + n * FRAME_NS, n * FRAME_NS) for n in range(5)]
    assert mapped == [n * FRAME_NS for n in range(5)]


def test_a_loop_or_jump_goes_on_after_the_time_that_passed() -> None:
    timeline = Timeline()
    timeline.map(0, 0)
    timeline.map(FRAME_NS, FRAME_NS)
    assert timeline.map(0, FRAME_NS + 50_000_000) == FRAME_NS + 50_000_000
    assert timeline.map(FRAME_NS, 0) == 2 * FRAME_NS + 50_000_000


def test_a_reopened_source_starts_a_new_stretch_even_if_its_pts_fits() -> None:
    timeline = Timeline()
    timeline.map(0, 0)
    timeline.restart()
    assert timeline.map(2 * SECOND_NS, SECOND_NS) == SECOND_NS


@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(0, 10**15), st.booleans())))
def test_time_grows_strictly_whatever_comes(steps: list[tuple[int, int, bool]]) -> None:
    timeline = Timeline()
    mapped = []
    for pts, captured, reopened in steps:
        if reopened:
            timeline.restart()
        mapped.append(timeline.map(pts, captured))
    assert all(a < b for a, b in pairwise(mapped))
