"""What a virtual camera shows, against what mathematics says it should."""

import io
import itertools
from collections.abc import Callable

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from livelens.media.picture import VideoPicture, video_frame
from livelens.media.viewport import shown
from livelens.picture import ArrayPicture, Picture
from livelens.types import Viewport

Plane = NDArray[np.float64]
Scene = Callable[[Plane, Plane], Plane]
WIDTH, HEIGHT = 320, 180


def planes(picture: Picture) -> list[Plane]:
    """Y, U and V."""
    frame = video_frame(picture)
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        found.append(rows[: plane.height, : plane.width].astype(np.float64))
    return found


def of_planes(values: list[Plane], width: int, height: int) -> VideoPicture:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, each in zip(frame.planes, values, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[: plane.height, : plane.width] = np.clip(np.rint(each), 0, 255)
    return VideoPicture(frame)


def sampled(scene: Scene, width: int, height: int, at: Viewport | None = None) -> list[Plane]:
    """A scene, a function of places in the picture, as a camera without faults takes it.

    Chroma samples lie left and between two rows. With `at`, what that shows of the scene.
    """
    x, y, wide, high = (0, 0, width, height) if at is None else (at.x, at.y, at.width, at.height)
    made = []
    for apart, left, top in ((1, 0.5, 0.5), (2, 0.5, 1.0), (2, 0.5, 1.0)):
        across = x + (left + apart * np.arange(-(-width // apart))) * wide / width
        down = y + (top + apart * np.arange(-(-height // apart))) * high / height
        made.append(scene(np.tile(across, (len(down), 1)), np.tile(down, (len(across), 1)).T))
    return made


def viewport(x: float, y: float, width: float, height: float, aspect: float = 0.0) -> Viewport:
    return Viewport(x, y, width, height, aspect or width / height, (width, height))


def waves(x: Plane, y: Plane) -> Plane:
    value: Plane = 128 + 60 * np.sin(2 * np.pi * x / 24) + 40 * np.cos(2 * np.pi * y / 20)
    return value


def noise(width: int = WIDTH, height: int = HEIGHT) -> VideoPicture:
    small = np.random.default_rng(5).integers(0, 255, (height // 6, width // 6, 3), np.uint8)
    pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    frame = av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")
    return VideoPicture(frame.reformat(format="yuv420p"))


def similarity(one: Plane, other: Plane) -> float:
    """SSIM with a Gaussian window of 1.5 pixels."""

    def mean(values: Plane) -> Plane:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    mean_1, mean_2 = mean(one), mean(other)
    spread_1, spread_2 = mean(one**2) - mean_1**2, mean(other**2) - mean_2**2
    both = mean(one * other) - mean_1 * mean_2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    of_means = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    return float((of_means * (2 * both + c2) / (spread_1 + spread_2 + c2)).mean())


@pytest.mark.parametrize("picture", [noise(), ArrayPicture(noise().bgr())])
def test_whole_pixels_of_the_same_size_are_the_same_to_the_last_bit(picture: Picture) -> None:
    y, u, v = planes(picture)
    got = planes(shown(picture, viewport(100, 20, 90, 160), 90, 160))
    assert (got[0] == y[20:180, 100:190]).all()
    assert (got[1] == u[10:90, 50:95]).all()
    assert (got[2] == v[10:90, 50:95]).all()
    whole = planes(shown(picture, viewport(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT))
    assert all((a == b).all() for a, b in zip(whole, (y, u, v), strict=True))


def test_odd_whole_pixels_are_a_plain_crop_and_chroma_stays_with_luma() -> None:
    picture = noise()
    y, u, _ = planes(picture)
    got_y, got_u, _ = planes(shown(picture, viewport(101, 17, 90, 160), 90, 160))
    assert (got_y == y[17:177, 101:191]).all()
    between = (u[:, 50:95] + u[:, 51:96]) / 2
    assert similarity(got_u, ((between[8:88] + between[9:89]) / 2)) > 0.99


def test_the_picture_itself_stays_as_it_is() -> None:
    picture = noise()
    before = planes(picture)
    shown(picture, viewport(101, 0, 34, 160), 140, 160)  # chroma of its edges is mixed
    assert all((a == b).all() for a, b in zip(planes(picture), before, strict=True))


@pytest.mark.parametrize("step", [0.4, 0.62, 0.997, 1.0, 1.003, 1.3, 1.9, 2.0, 3.4])
def test_every_scale_shows_what_is_there(step: float) -> None:
    """Against the scene itself, so that a place that is off by little is seen."""
    width, height = 1280, 720

    def slow(x: Plane, y: Plane) -> Plane:
        return waves(x / max(step, 1.0), y / max(step, 1.0))

    picture = of_planes(sampled(slow, width, height), width, height)
    at = viewport(61.37, 23.81, 180 * step, 120 * step)
    for mine, ideal in zip(
        planes(shown(picture, at, 180, 120)), sampled(slow, 180, 120, at), strict=True
    ):
        off = np.abs(mine - ideal)[3:-3, 3:-3]
        assert off.mean() < 2.5 + 3 * (step > 1), f"{off.mean():.2f} off"
        assert similarity(mine, ideal) > 0.98


def phase(values: Plane, period: float) -> float:
    """Where in its period a wave along x begins, in samples."""
    middle = values[10:-10].mean(axis=0)
    x = np.arange(len(middle))
    window = np.hanning(len(middle))
    spectrum = ((middle - middle.mean()) * window * np.exp(-2j * np.pi * x / period)).sum()
    return float(np.angle(spectrum) / (2 * np.pi) * period)


@pytest.mark.parametrize("turned", [False, True])
def test_a_slow_pan_moves_by_parts_of_a_pixel_and_chroma_with_it(turned: bool) -> None:
    def scene(x: Plane, y: Plane) -> Plane:
        along: Plane = y if turned else x
        return np.asarray(128 + 100 * np.sin(2 * np.pi * along / 12), np.float64)

    picture = of_planes(sampled(scene, WIDTH, HEIGHT), WIDTH, HEIGHT)

    def places(offset: float) -> tuple[float, float]:
        at = viewport(60, 20 + offset, 120, 120) if turned else viewport(60 + offset, 20, 120, 120)
        luma, chroma, _ = planes(shown(picture, at, 120, 120))
        if turned:
            luma, chroma = luma.T, chroma.T
        return phase(luma, 12), phase(chroma, 6) * 2

    began = places(0.0)
    for offset in np.arange(0.05, 1.0, 0.05):
        moved = places(offset)
        for before, after in zip(began, moved, strict=True):
            way = (after - before) % 12
            assert min(abs(way - offset), abs(way + offset - 12)) < 0.05, f"{way} of {offset}"


def test_a_ramp_stays_a_ramp() -> None:
    """A kernel that bends it makes a pan wobble once in every pixel."""

    def ramp(x: Plane, y: Plane) -> Plane:
        return np.asarray(20 + x * 0.6 + y * 0.1, np.float64)

    picture = of_planes(sampled(ramp, WIDTH, HEIGHT), WIDTH, HEIGHT)
    for offset in (0.25, 0.5, 0.8):
        at = viewport(90 + offset, 10 + offset, 100, 160)
        for mine, ideal in zip(
            planes(shown(picture, at, 100, 160)), sampled(ramp, 100, 160, at), strict=True
        ):
            assert np.abs(mine - ideal)[3:-3, 3:-3].max() <= 1.2  # of rounding, twice


def test_what_becomes_small_does_not_flicker() -> None:
    """Lines finer than the shot can show become grey, wherever the camera stands."""

    def lines(x: Plane, y: Plane) -> Plane:
        return np.asarray(128 + 100 * np.sin(2 * np.pi * x / 2.6 + y * 0), np.float64)

    picture = of_planes(sampled(lines, WIDTH, HEIGHT), WIDTH, HEIGHT)
    for x in (40.0, 40.7, 41.3):
        luma = planes(shown(picture, viewport(x, 5, 240, 160), 120, 80))[0]
        assert luma[:, 4:-4].std() < 12, "it was 70"
        assert abs(luma.mean() - 128) < 2


def test_colours_and_their_tags_stay() -> None:
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:] = (40, 90, 200)
    frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p")
    frame.colorspace, frame.color_range = 1, 2
    frame.color_trc, frame.color_primaries = 1, 1
    wanted = [plane[0, 0] for plane in planes(VideoPicture(frame))]
    for width, height in ((90, 160), (60, 120), (200, 40)):
        picture = shown(VideoPicture(frame), viewport(3.3, 1.7, 90, 160), width, height)
        assert [(p.min(), p.max()) for p in planes(picture)] == [(each, each) for each in wanted]
        made = video_frame(picture)
        tags = (made.colorspace, made.color_range, made.color_trc, made.color_primaries)
        assert tags == (1, 2, 1, 1)


@pytest.mark.parametrize("form", ["yuv420p", "nv12", "yuv444p", "yuvj420p", "rgb24", "gray"])
def test_pixel_formats(form: str) -> None:
    frame = video_frame(noise()).reformat(format=form)
    got = shown(VideoPicture(frame), viewport(50.5, 0, 101.25, 180), 100, 178)
    assert (got.width, got.height) == (100, 178)
    assert abs(got.bgr().mean() - VideoPicture(frame).bgr()[:, 50:151].mean()) < 3


def test_a_frame_as_a_decoder_pads_it() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 330, 186, "yuv420p"
        out.mux(stream.encode(video_frame(noise(330, 186))))
        out.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as clip:
        frame = next(clip.decode(video=0))
    assert frame.planes[0].line_size != 330
    whole = VideoPicture(frame)
    [y, u, _] = planes(whole)
    got = planes(shown(whole, viewport(226, 0, 104, 186), 104, 186))
    assert (got[0] == y[:, 226:]).all()
    assert (got[1] == u[:, 113:]).all()


def test_another_shape_is_shown_whole_over_a_blur() -> None:
    picture = noise()
    got = shown(picture, viewport(0, 0, WIDTH, HEIGHT, 9 / 16), 180, 320)
    luma = planes(got)[0]
    inner = 180 * HEIGHT / WIDTH
    top = round((320 - inner) / 2)
    plain = cv2.resize(planes(picture)[0], (180, round(inner)), interpolation=cv2.INTER_AREA)
    assert similarity(luma[top + 1 : top + 100], np.asarray(plain[1:100], np.float64)) > 0.94
    for above in (luma[: top - 1], luma[top + round(inner) + 1 :]):
        rough = np.abs(np.diff(above, axis=1)).mean()
        assert rough < np.abs(np.diff(luma[top + 1 : top + 100], axis=1)).mean() / 5, "blurred"
        assert abs(above.mean() - planes(picture)[0].mean()) < 30, "of the same picture"
    # Nearly the shape of the shot: sizes are even, and that makes no lines at the edges.
    luma = planes(shown(picture, viewport(100.2, 0, 101.25, 180), 100, 180))[0]
    assert similarity(luma, planes(picture)[0][:, 101:201]) > 0.9


def test_edges_of_what_is_shown_whole_move_smoothly() -> None:
    bright = of_planes([np.full((90 * n, 160 * n), v) for n, v in ((2, 200), (1, 128), (1, 128))],
                       WIDTH, HEIGHT)  # fmt: skip
    grey = planes(bright)[0]
    grey[:, :60] = 20
    picture = of_planes([grey, *planes(bright)[1:]], WIDTH, HEIGHT)
    # The viewport grows wider, and the bars above and below it with it.
    shots = [
        planes(shown(picture, viewport(60, 0, wide, HEIGHT, 100 / 180), 100, 180))[0]
        for wide in np.arange(120, 140, 0.25)
    ]
    changes = [np.abs(b - a).mean() for a, b in itertools.pairwise(shots)]
    assert max(changes) < 1.5


boxes = st.floats(-1e4, 1e4) | st.sampled_from([float("nan"), float("inf"), 0.0, 1e-9])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 70), boxes, boxes, boxes, boxes,
    st.floats(0.05, 20) | st.sampled_from([0.0, float("nan")]),
    st.integers(1, 90), st.integers(1, 90),
)  # fmt: skip
def test_never_an_exception(
    width: int, height: int, x: float, y: float, w: float, h: float, aspect: float, sw: int, sh: int
) -> None:
    pixels = np.full((height, width, 3), 100, np.uint8)
    got = shown(ArrayPicture(pixels), Viewport(x, y, w, h, aspect, (w, h)), sw, sh)
    assert (got.width, got.height) == (max(2, sw & ~1), max(2, sh & ~1))
    luma = planes(got)[0]
    assert luma.min() == luma.max(), "nothing but the picture is seen"
