"""Clips of one and of five faces, 1280×720 H.264, made when they are needed."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.bench.report import CannotMeasure
from livelens.errors import LivelensError
from livelens.faces import gallery, picture
from livelens.faces.embedding import KIND
from livelens.faces.enroll import Enroller
from livelens.models import zoo

Bgr = NDArray[np.uint8]

SIZE_PX = (1280, 720)
FPS = 60
# A clip of the zoo whose package holds a photograph of five faces too.
_CLIP = "faces"
_FIVE = "multi_face.jpg"
_STRANGER = "single_face.jpg"
_SWAY_PX = (40, 15)
_FRAMES = 480
_BEGINNING = 120


def write(folder: Path, *, whole: bool = True) -> dict[str, Path]:
    """Write both clips, or only the first seconds of one face.

    Returns:
        Files by name of the case: "one face", "five faces".

    Raises:
        CannotMeasure: the zoo's clip cannot be had or read.
    """
    try:
        source = zoo.clip(_CLIP)
    except LivelensError as error:
        raise CannotMeasure(str(error)) from error
    files = {"one face": folder / "one.mp4"}
    _encode(files["one face"], islice(one_face(source), None if whole else _BEGINNING))
    if whole:
        files["five faces"] = folder / "five.mp4"
        _encode(files["five faces"], five_faces(source.parent / _FIVE))
    return files


def write_gallery(file: Path) -> None:
    """Enrol somebody whom no clip shows: with nobody to compare to, nothing would be computed.

    Raises:
        CannotMeasure: the networks or the photograph cannot be had.
    """
    try:
        enroller = Enroller()
        try:
            photograph = zoo.clip(_CLIP).parent / _STRANGER
            embedding = enroller.embedding(picture.load(photograph), _STRANGER)
        finally:
            enroller.close()
        gallery.add(file, "Somebody", [embedding], KIND)
    except LivelensError as error:
        raise CannotMeasure(f"nobody can be enrolled: {error}") from error


def one_face(clip: Path) -> Iterator[Bgr]:
    """The clip's pictures, enlarged, each once: at 60 a second, faster than life.

    Raises:
        CannotMeasure: it cannot be read.
    """
    try:
        with av.open(str(clip)) as container:
            for frame in container.decode(container.streams.video[0]):
                yield np.asarray(
                    frame.to_ndarray(format="bgr24", width=SIZE_PX[0], height=SIZE_PX[1]),
                    dtype=np.uint8,
                )
    except (av.FFmpegError, OSError, IndexError) as error:
        raise CannotMeasure(f"{clip}: {error}") from error


def five_faces(photograph: Path) -> Iterator[Bgr]:
    """A photograph of five persons, seen by a camera that sways.

    Raises:
        CannotMeasure: it cannot be read.
    """
    image = cv2.imread(str(photograph))
    if image is None:
        raise CannotMeasure(f"{photograph} cannot be read")
    width, height = SIZE_PX
    scale = (width + 2 * _SWAY_PX[0]) / image.shape[1]
    for number in range(_FRAMES):
        turn = 2 * np.pi * number / _FRAMES
        x = _SWAY_PX[0] * (1 + np.sin(turn))
        y = _SWAY_PX[1] * (1 + np.cos(2 * turn))
        matrix = np.array([[scale, 0, -x], [0, scale, -y]])
        moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(moved, dtype=np.uint8)


def _encode(path: Path, pictures: Iterator[Bgr]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.options = {"preset": "veryfast", "g": str(FPS), "bf": "0"}
        for pixels in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))
