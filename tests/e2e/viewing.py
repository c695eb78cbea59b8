"""What the tests of the viewer share: a stream whose results tell the number in its picture."""

import re
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from livelens.sources.counter import read_counter
from livelens.spec import StageSpec
from livelens.types import Item, Landmarks
from tests.e2e.browsers import PATIENCE_MS

SIZE = (640, 360)
BOX_PX = 60
BOX_TOP_PX = 150
MASK_ROWS_PX = (240, 300)
BODY_ROW_PX = 330
MASK_STEP_PX = 10

# Rows that cut through the box, the mask and the line between the shoulders.
ROWS_PX = {"box": BOX_TOP_PX + BOX_PX // 2, "mask": sum(MASK_ROWS_PX) // 2, "body": BODY_ROW_PX}

# Resolves when the page has drawn a picture newer than `after`.
NEXT_DRAWN = """
(after) => new Promise((resolve) => {
  const look = () => {
    const drawn = globalThis.livelens?.drawn() ?? null;
    if (drawn !== null && drawn.rtpTimestamp !== after) resolve(drawn.rtpTimestamp);
    else requestAnimationFrame(look);
  };
  look();
})
"""

# `count` times, at moments when a picture with its own results is shown: the picture (grey,
# 144x144), where the page painted in each of the `rows`, and what it says about them.
SIGHTINGS = """
([count, rows, width, height]) => new Promise((resolve) => {
  const side = 144;
  const small = document.createElement("canvas");
  small.width = small.height = side;
  const grey = small.getContext("2d", { willReadFrequently: true });
  const sightings = [];
  let last = null;
  const look = () => {
    const drawn = globalThis.livelens?.drawn() ?? null;
    if (drawn?.drawing.kind === "exact" && drawn.rtpTimestamp !== last) {
      last = drawn.rtpTimestamp;
      const picture = document.querySelector(".live-player canvas.picture");
      const boxes = document.querySelector(".live-player canvas.boxes");
      grey.drawImage(picture, 0, 0, side, side);
      const pixels = grey.getImageData(0, 0, side, side).data;
      const levels = [];
      for (let i = 0; i < pixels.length; i += 4) levels.push(pixels[i + 1]);
      const painted = rows.map((y) => {
        const row = boxes.getContext("2d").getImageData(
          0, Math.round((y / height) * boxes.height), boxes.width, 1).data;
        const places = [];
        for (let x = 0; x < boxes.width; x++) {
          if (row[4 * x + 3] > 40) places.push((x / boxes.width) * width);
        }
        return places;
      });
      sightings.push({ levels, painted, seq: drawn.drawing.result.seq });
    }
    if (sightings.length >= count) resolve(sightings);
    else requestAnimationFrame(look);
  };
  look();
})
"""

# How many pixels the page has painted over the picture.
PAINTED = """
() => {
  const boxes = document.querySelector(".live-player canvas.boxes");
  const pixels = boxes.getContext("2d").getImageData(0, 0, boxes.width, boxes.height).data;
  let count = 0;
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) count++;
  return count;
}
"""


class Follow(StageSpec, frozen=True, kw_only=True):
    """Finds a box, a mask and a body whose place is told by the picture's own number."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections", "tracks", "landmarks", "mask"})

    everything: bool = False

    def open(self) -> "FollowStage":
        return FollowStage(self.everything)


class FollowStage:
    def __init__(self, everything: bool) -> None:
        self._everything = everything

    def process(self, items: Sequence[Item]) -> list[Item]:
        # Slow now and then: the page holds all pictures for so long, and by then newer results
        # than a picture's own are there, which must not be drawn on it.
        if items[0].frame.seq % 12 == 0:
            threading.Event().wait(0.09)
        return [self._followed(item) for item in items]

    def _followed(self, item: Item) -> Item:
        number = read_counter(item.frame.image)
        assert number is not None
        left = box_left(number)
        found = item.with_(detections=_found(left))
        if not self._everything:
            return found
        return found.with_(landmarks=(_body(left),), mask=_mask(left))

    def close(self) -> None:
        pass


def _found(left: int) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array([[left, BOX_TOP_PX, left + BOX_PX, BOX_TOP_PX + BOX_PX]], np.float32),
        class_id=np.array([0]),
        confidence=np.array([0.9], np.float32),
        tracker_id=np.array([1]),
        data={"class_name": np.array(["thing"])},
    )


def _body(left: int) -> Landmarks:
    """Two shoulders at the edges of the box's columns; the rest is hidden."""
    points = np.zeros((33, 3), np.float32)
    points[11] = (left, BODY_ROW_PX, 0)
    points[12] = (left + BOX_PX, BODY_ROW_PX, 0)
    visibility = np.zeros(33, np.float32)
    visibility[11:13] = 1
    return Landmarks("body", points, 1.0, visibility=visibility)


def _mask(left: int) -> NDArray[np.uint8]:
    """In steps of some pixels, as coarse as a network's."""
    width, height = (each // MASK_STEP_PX for each in SIZE)
    mask = np.zeros((height, width), np.uint8)
    top, bottom = (each // MASK_STEP_PX for each in MASK_ROWS_PX)
    mask[top:bottom, left // MASK_STEP_PX : (left + BOX_PX) // MASK_STEP_PX] = 255
    return mask


def box_left(number: int) -> int:
    """No two numbers near each other share a place, and none lies between its neighbours."""
    return 20 + number * 193 % 521


def pattern(fps: float = 15, **fields: Any) -> dict[str, Any]:
    source = {"type": "pattern", "width_px": SIZE[0], "height_px": SIZE[1], "fps": fps}
    return {"source": source, "stages": [{"type": "simulate"}], **fields}


def wait_for_picture(page: Page) -> None:
    """Two pictures in a row: it plays."""
    first = page.evaluate(NEXT_DRAWN, None)
    page.evaluate(NEXT_DRAWN, first)


def watch(page: Page, url: str, stream: str) -> None:
    """Open the viewer and wait until it plays."""
    page.goto(f"{url}/#/watch/{stream}")
    expect(page.get_by_role("heading", name=stream)).to_be_visible(timeout=PATIENCE_MS)
    wait_for_picture(page)


def sessions(page: Page) -> list[str]:
    """Grows by one with each WHEP session that the page begins."""
    begun: list[str] = []
    page.on(
        "request",
        lambda request: (
            begun.append(request.url)
            if request.method == "POST" and re.search(r"/whep/[^/]+(\?|$)", request.url)
            else None
        ),
    )
    return begun


def set_layers(page: Page, **layers: bool) -> None:
    """These layers, before the page is opened; the others are off."""
    names = (
        *("boxes", "labels", "confidence", "attributes", "trails", "keypoints"),
        *("body", "hands", "face", "mask", "zones", "grid", "viewport"),
    )
    kept = ", ".join(f"{name}: {str(layers.get(name, False)).lower()}" for name in names)
    page.add_init_script(
        "if (location.protocol === 'http:' && localStorage.getItem('livelens.layers') === null) "
        f"localStorage.setItem('livelens.layers', JSON.stringify({{{kept}}}))"
    )


def check_sightings(sightings: list[dict[str, Any]], rows: Sequence[str]) -> None:
    """Whatever is painted lies where the number in the very same picture says."""
    for sighting in sightings:
        number = read_counter(np.array(sighting["levels"], np.uint8).reshape(144, 144))
        assert number is not None
        assert number == sighting["seq"]
        left = box_left(number)
        for name, places in zip(rows, sighting["painted"], strict=True):
            near = 4 if name == "box" else MASK_STEP_PX if name == "mask" else 5
            assert places, f"no {name} on picture {number}"
            assert min(places) == pytest.approx(left, abs=near), name
            assert max(places) == pytest.approx(left + BOX_PX, abs=near), name
