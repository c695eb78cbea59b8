"""Pictures on their way to another process."""

import io
import pickle

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from livelens.media.picture import VideoPicture
from livelens.picture import ArrayPicture, Picture, luma, part, thinned


def through(picture: Picture) -> tuple[Picture, int]:
    """The picture as another process would get it, and how many buffers went apart."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(picture, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=buffers), len(buffers)


def scene(width: int, height: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return np.ascontiguousarray(np.repeat(np.repeat(noise, 8, axis=0), 8, axis=1))


def decoded(width: int, height: int) -> av.VideoFrame:
    """The second frame of an H.264 clip, whose rows the decoder has padded."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(2):
            frame = av.VideoFrame.from_ndarray(scene(width, height), format="bgr24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as clip:
        return list(clip.decode(video=0))[1]


def test_a_decoded_picture_is_the_same_to_the_last_bit() -> None:
    frame = decoded(968, 536)
    assert frame.planes[0].line_size != 968, "the test is to see padded rows"
    here = VideoPicture(frame)
    there, apart = through(here)
    assert apart == 3, "planes go apart, and are not converted before"
    assert (there.width, there.height) == (968, 536)
    assert (there.bgr() == here.bgr()).all()
    for size in ((300, 300), (640, 360), (1280, 720)):
        assert (there.rgb_resized(*size) == here.rgb_resized(*size)).all(), size


FORMS = ("yuv420p", "nv12", "yuv444p", "yuvj420p", "rgb24", "gray", "pal8")


@pytest.mark.parametrize("form", FORMS)
def test_every_format_arrives(form: str) -> None:
    if form == "pal8":
        indices = scene(96, 64)[:, :, 0]
        palette = np.random.default_rng(4).integers(0, 255, (256, 4), np.uint8)
        frame = av.VideoFrame.from_ndarray((indices, palette), format="pal8")  # type: ignore[arg-type]
    else:
        frame = av.VideoFrame.from_ndarray(scene(96, 64), format="bgr24").reformat(format=form)
    here = VideoPicture(frame)
    there, _ = through(here)
    assert (there.bgr() == here.bgr()).all()


def test_an_array_goes_apart_as_it_is() -> None:
    here = ArrayPicture(scene(96, 64))
    there, apart = through(here)
    assert apart == 1
    assert isinstance(there, ArrayPicture)
    assert (there.bgr() == here.bgr()).all()
    assert not there.bgr().flags.writeable


@pytest.mark.parametrize("form", FORMS[:-1])
def test_a_glance_shows_about_what_the_picture_shows(form: str) -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, 48:], pixels[32:, :48], pixels[32:, 48:] = 255, (200, 60, 30), (30, 60, 200)
    frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format=form)
    picture = VideoPicture(frame)
    bright = luma(picture)
    assert bright.shape == (64, 96)
    assert not bright.flags.writeable
    assert bright[:28, :44].max() < 20
    assert bright[:28, 52:].min() > 230
    assert 40 < bright[36:].min() <= bright[36:].max() < 130


def test_a_glance_at_padded_rows_of_an_odd_size_does_not_see_the_padding() -> None:
    frame = av.VideoFrame.from_ndarray(np.full((67, 99, 3), 255, np.uint8), format="bgr24")
    picture = VideoPicture(frame.reformat(format="yuv420p"))
    assert luma(picture).shape == (67, 99)
    assert luma(picture).min() > 230
    assert thinned(luma(picture), 8, 8).min() > 230


def test_a_glance_at_any_other_picture_is_made_of_what_it_can_do() -> None:
    class Bare:
        width, height = 96, 64

        def bgr(self) -> NDArray[np.uint8]:
            return scene(96, 64)

        def rgb_resized(self, width: int, height: int) -> NDArray[np.uint8]:
            raise NotImplementedError

    assert luma(Bare()).shape == (64, 96)
    assert (luma(Bare()) == luma(ArrayPicture(scene(96, 64)))).all()


@pytest.mark.parametrize("form", ["yuv420p", "yuv444p", "nv12"])
@pytest.mark.parametrize(
    "box", [(8, 16, 40, 48), (7, 15, 41, 47), (0, 0, 99, 67), (90, 60, 99, 67)]
)
def test_a_part_is_that_part_of_the_whole(form: str, box: tuple[int, int, int, int]) -> None:
    pixels = np.zeros((67, 99, 3), np.uint8)
    pixels[:32, :48], pixels[:32, 48:], pixels[32:, :48] = (200, 60, 30), (30, 60, 200), 128
    frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format=form)
    left, top, right, bottom = box
    alone = part(VideoPicture(frame), *box)
    whole = VideoPicture(frame).bgr()[top:bottom, left:right]
    assert alone.shape == whole.shape
    # Edges of colour lie somewhat elsewhere after another scaling of it.
    assert np.median(np.abs(alone.astype(int) - whole)) <= 2
    assert np.abs(alone.astype(int) - whole).mean() < 6


def test_a_part_of_what_has_been_converted_is_a_view_and_outside_is_nothing() -> None:
    picture = VideoPicture(av.VideoFrame.from_ndarray(scene(96, 64), format="bgr24"))
    assert np.shares_memory(part(picture, 0, 0, 9, 9), picture.bgr())
    assert part(picture, -5, -5, 10, 1000).shape == (64, 10, 3)
    assert part(picture, 50, 10, 20, 40).size == 0
