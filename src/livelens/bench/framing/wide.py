"""A real clip enlarged to 1280×720, for what is measured on whole streams."""

from collections.abc import Iterator
from pathlib import Path

import av

from livelens.bench.report import CannotMeasure
from livelens.errors import LivelensError
from livelens.media.picture import VideoPicture
from livelens.models import zoo

CLIP = "bikes"
SIZE_PX = (1280, 720)
FPS = 30


def source() -> Path:
    """The clip as its package has it.

    Raises:
        CannotMeasure: it cannot be had.
    """
    try:
        return zoo.clip(CLIP)
    except LivelensError as error:
        raise CannotMeasure(str(error)) from error


def write(file: Path, frames: int) -> None:
    """Write it as H.264, again and again, at 30 fps: enlarged to the height, sides cut off.

    Raises:
        CannotMeasure: it cannot be had or read.
    """
    width, height = SIZE_PX
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.options = {"preset": "veryfast", "g": str(2 * FPS), "bf": "0"}
        left = frames
        while left:
            for frame in decoded(source()):
                if not left:
                    break
                wide = round(frame.width * height / frame.height / 2) * 2
                pixels = frame.to_ndarray(format="rgb24", width=wide, height=height)
                start = (wide - width) // 2
                cut = pixels[:, start : start + width].copy()
                container.mux(stream.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
                left -= 1
        container.mux(stream.encode(None))


def pictures(file: Path, count: int) -> list[VideoPicture]:
    """The first pictures of a file, as a pipeline gets them.

    Raises:
        CannotMeasure: it cannot be read.
    """
    found: list[VideoPicture] = []
    for frame in decoded(file):
        found.append(VideoPicture(frame))
        if len(found) == count:
            break
    return found


def decoded(file: Path) -> Iterator[av.VideoFrame]:
    """All frames of a file.

    Raises:
        CannotMeasure: it cannot be read, or there are none.
    """
    none = True
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(container.streams.video[0]):
                none = False
                yield frame
    except (av.FFmpegError, OSError, IndexError) as error:
        raise CannotMeasure(f"{file}: {error}") from error
    if none:
        raise CannotMeasure(f"{file}: there is no picture in it")
