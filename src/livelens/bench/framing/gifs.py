"""Before and after as small moving pictures: the wide shot with the viewport, and what it shows.

Only clips of published packages whose licence lets their pictures be shown are used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np

from livelens.bench.report import CannotMeasure, note
from livelens.errors import LivelensError
from livelens.flow.run import run
from livelens.media.viewport import shown
from livelens.models import zoo
from livelens.picture import Pixels
from livelens.plugins import pipeline
from livelens.types import Item, Viewport

_HEIGHT_PX = 144
_FPS = 10.0
_GAP_PX = 8
_VIEWPORT_BGR = (60, 200, 255)
_BACKGROUND = 255
# Fewer make a smaller file; more, a finer picture.
_COLOURS = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of a clip, and how it is framed.

    Attributes:
        name: of the file, without its ending.
        clip: of the zoo.
        begin_s, length_s: the part.
        detector, reframe: settings of the stages.
    """

    name: str
    clip: str
    begin_s: float
    length_s: float
    detector: dict[str, Any]
    reframe: dict[str, Any] = field(default_factory=dict)


# As a file is framed: what comes next is known.
_AHEAD = {"lookahead_s": 1.0}
_PERSONS = {"model": "centernet", "classes": ["person"]}
SCENES = (
    Scene("framing-street", "bikes", 1.2, 5.0, _PERSONS, {"aspect": "1:1", **_AHEAD}),
    Scene("framing-face", "faces", 13.5, 5.0, {"model": "face"}, {"aspect": "9:16", **_AHEAD}),
)


def write(folder: Path) -> None:
    """Write a GIF for each scene; one that cannot be made is said in a line."""
    for scene in SCENES:
        try:
            pictures = list(_side_by_side(scene))
            encode(folder / f"{scene.name}.gif", pictures, _FPS)
        except LivelensError as error:
            note(f"framing: no {scene.name}.gif: {error}")


def _side_by_side(scene: Scene) -> Iterator[Pixels]:
    data = {
        "source": {"type": "file", "path": str(zoo.clip(scene.clip))},
        "stages": [
            {"type": "detect", **scene.detector},
            {"type": "track"},
            {"type": "reframe", **scene.reframe},
        ],
    }
    spec = pipeline(data)
    next_s = scene.begin_s
    running = run(spec.source, stages=spec.stages)
    for item in running:
        at_s = item.frame.pts_ns / 1e9
        if at_s >= scene.begin_s + scene.length_s:
            running.close()
            return
        # Half a step early is nearer than half a step late.
        if at_s >= next_s - 0.5 / _FPS / 2:
            next_s += 1 / _FPS
            yield beside(item, "reframe", _HEIGHT_PX)


def beside(item: Item, stage: str, height: int) -> Pixels:
    """The wide shot with the viewport drawn, and what it shows, side by side.

    Args:
        height: of both, in pixels.
    """
    viewport = item.viewports[stage]
    picture = item.frame.picture
    width = round(picture.width * height / picture.height)
    wide = cv2.resize(picture.bgr(), (width, height), interpolation=cv2.INTER_AREA)
    framed = shown(picture, viewport, round(height * viewport.aspect), height).bgr()
    gap = np.full((height, _GAP_PX, 3), _BACKGROUND, np.uint8)
    return np.asarray(np.hstack([_drawn(wide, viewport, width / picture.width), gap, framed]))


def _drawn(wide: Any, viewport: Viewport, scale: float) -> Pixels:
    """What is outside the viewport goes dim."""
    corners = np.array(
        [
            viewport.x,
            viewport.y,
            viewport.x + viewport.width,
            viewport.y + viewport.height,
        ]
    )
    left, top, right, bottom = np.rint(corners * scale).astype(int).tolist()
    out = (wide * 0.45).astype(np.uint8)
    out[top:bottom, left:right] = wide[top:bottom, left:right]
    end = max(left + 1, right - 1), max(top + 1, bottom - 1)
    cv2.rectangle(out, (left, top), end, _VIEWPORT_BGR, 1)
    return np.asarray(out, dtype=np.uint8)


def encode(file: Path, pictures: list[Pixels], fps: float) -> None:
    """Write a GIF with one palette for all its pictures, which runs for ever.

    Raises:
        CannotMeasure: there are no pictures.
    """
    if not pictures:
        raise CannotMeasure("the clip has no pictures there")
    height, width = pictures[0].shape[:2]
    # Hundredths of a second are all that GIF knows.
    step = round(100 / fps)
    graph = _palette(width, height)
    with av.open(str(file), "w", format="gif") as container:
        stream = container.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        for number, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24")
            frame.pts = number * step
            graph.push(frame)
        graph.push(None)
        for done in _pulled(graph):
            container.mux(stream.encode(done))
        container.mux(stream.encode(None))


def _palette(width: int, height: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    way_in = graph.add(
        "buffer", f"video_size={width}x{height}:pix_fmt=bgr24:time_base=1/100:pixel_aspect=1/1"
    )
    split = graph.add("split")
    made = graph.add("palettegen", f"max_colors={_COLOURS}:stats_mode=diff")
    used = graph.add("paletteuse", "dither=bayer:bayer_scale=5:diff_mode=rectangle")
    out = graph.add("buffersink")
    way_in.link_to(split)
    split.link_to(used, 0, 0)
    split.link_to(made, 1, 0)
    made.link_to(used, 0, 1)
    used.link_to(out)
    graph.configure()
    return graph


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(frame, av.VideoFrame)
        yield frame
