"""A stage of your own: it tells how bright the picture is, and runs between the built-in ones.

python examples/own_stage.py clip.mp4
"""

import sys
from collections.abc import Sequence

import livelens


class Brightness(livelens.StageSpec, frozen=True, kw_only=True):
    """Adds the mean brightness, 0 to 1, to what is known about each frame."""

    every_px: int = 8

    def open(self) -> "Meter":
        return Meter(self.every_px)


class Meter:
    def __init__(self, every_px: int) -> None:
        self._every_px = every_px

    def process(self, items: Sequence[livelens.Item]) -> list[livelens.Item]:
        return [item.with_(extra={**item.extra, "brightness": self._of(item)}) for item in items]

    def close(self) -> None:
        pass

    def _of(self, item: livelens.Item) -> float:
        return float(item.frame.image[:: self._every_px, :: self._every_px].mean()) / 255


for item in livelens.run(sys.argv[1], stages=[Brightness()]):
    print(item.frame.seq, round(item.extra["brightness"], 3))
