"""Whatever comes in, no camera fails or looks outside."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.framing.average import Average
from livelens.framing.camera import Camera
from livelens.framing.geometry import Field, Rect, Target
from livelens.framing.motion import Motion
from livelens.framing.one_euro import OneEuro
from livelens.framing.operator import Operator

lengths = st.sampled_from([1.0, 2.0, 3.0, 64.0, 640.0, 4096.0]) | st.floats(1.0, 8000.0)
anything = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 1e300])


@st.composite
def fields(draw: st.DrawFn) -> Field:
    left, top = draw(st.floats(0, 100)), draw(st.floats(0, 100))
    area = Rect(left, top, left + draw(lengths), top + draw(lengths))
    return Field(area, draw(st.floats(0.1, 10.0)), draw(st.booleans()))


@st.composite
def sights(draw: st.DrawFn) -> list[tuple[Field, Target]]:
    """Frames whose picture, subject and time may jump."""
    field, pts_ns, seen = draw(fields()), draw(st.integers(0, 10**12)), []
    for _ in range(draw(st.integers(1, 25))):
        if draw(st.integers(0, 9)) == 0:
            field = draw(fields())
        pts_ns += draw(
            st.sampled_from([33_000_000, 41_000_000, 1, 0, 900_000_000, 10**11, -(10**9)])
        )
        keep = Rect(*(draw(anything) for _ in range(4)))
        cut = draw(st.integers(0, 9)) == 0
        target = Target(pts_ns, draw(anything), draw(anything), keep, draw(anything), cut)
        seen.append((field, target))
    return seen


motions = st.builds(
    Motion,
    response_s=st.sampled_from([0.1, 0.5, 10.0]),
    max_speed=st.sampled_from([0.01, 4.0, 1000.0]),
    max_acceleration=st.sampled_from([0.01, 20.0, 1000.0]),
    max_zoom_rate=st.sampled_from([0.01, 0.6, 1000.0]),
    dead_band=st.sampled_from([0.0, 0.02, 0.5]),
    cuts=st.booleans(),
)


def follow(camera: Camera, seen: list[tuple[Field, Target]], ahead: int) -> None:
    """Every view is inside the area of its frame, and has the shape of some size."""
    for i in range(len(seen) + ahead):
        if i < len(seen):
            camera.see(*seen[i])
        if i >= ahead:
            field, target = seen[i - ahead]
            view, area = camera.at(target.pts_ns).view, field.area
            if any(other.pts_ns == target.pts_ns for _, other in seen[i - ahead + 1 :]):
                continue  # Of frames of one time the last one counts.
            assert area.left <= view.left <= view.right <= area.right
            assert area.top <= view.top <= view.bottom <= area.bottom
            size = max(view.width / field.widest, view.height / field.highest)
            assert (view.width, view.height) == pytest.approx(field.size_px(size), rel=1e-6)


@given(motions, sights(), st.integers(0, 5), fields().map(lambda field: field.area) | st.none())
@settings(deadline=None, max_examples=80)
def test_the_operator(
    motion: Motion, seen: list[tuple[Field, Target]], ahead: int, start: Rect | None
) -> None:
    follow(Operator(motion, start), seen, ahead)


@pytest.mark.parametrize("camera", [Average, OneEuro])
def test_the_filters(camera: Callable[[], Camera]) -> None:
    @given(sights(), st.integers(0, 5))
    @settings(deadline=None, max_examples=80)
    def check(seen: list[tuple[Field, Target]], ahead: int) -> None:
        follow(camera(), seen, ahead)

    check()
