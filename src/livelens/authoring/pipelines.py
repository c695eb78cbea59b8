"""A plug-in in a real pipeline, on frames whose objects are known."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from livelens.authoring.calls import Worker
from livelens.authoring.material import Material
from livelens.authoring.report import Broken
from livelens.clock import now_ns
from livelens.descriptor import DescriptorSpec
from livelens.flow.run import run
from livelens.spec import SourceSpec, StageSpec
from livelens.types import Captured, Item

_STEP_NS = 40_000_000


class Shown(SourceSpec, frozen=True, kw_only=True):
    """Shows the frames of the material, as a file does."""

    items: ClassVar[tuple[Item, ...]] = ()

    @property
    def live(self) -> bool:
        return False

    @property
    def label(self) -> str:
        return "material"

    def open(self) -> "_Showing":
        return _Showing(self.items)


class _Showing:
    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items

    def frames(self) -> Iterator[Captured]:
        for n, item in enumerate(self._items):
            yield Captured(item.frame.picture, n * _STEP_NS, now_ns())

    def close(self) -> None:
        """Nothing to release."""


class Known(StageSpec, frozen=True, kw_only=True):
    """Gives every frame of the material its objects, in the place of detector and tracker."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections", "tracks", "attributes", "landmarks"})
    items: ClassVar[tuple[Item, ...]] = ()

    def open(self) -> "_Knowing":
        return _Knowing(self.items)


class _Knowing:
    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items

    def process(self, items: Sequence[Item]) -> list[Item]:
        known = [self._items[item.frame.seq] for item in items]
        return [
            item.with_(detections=each.detections) for item, each in zip(items, known, strict=True)
        ]

    def close(self) -> None:
        """Nothing to release."""


def passed_through(
    spec: StageSpec, material: Material, home: Path | None, limit_s: float
) -> list[Item]:
    """The frames of the material after a pipeline with this stage.

    A descriptor is asked for every object of every frame: which ones it can tell anything of
    is not known before.

    Raises:
        Broken: a frame is lost.
        Fault: the pipeline failed.
    """
    if isinstance(spec, DescriptorSpec):
        spec = msgspec.structs.replace(spec, refresh_s=0)
    source = type("Shown", (Shown,), {"items": material.items})()
    known = type("Known", (Known,), {"items": material.items})()

    def through() -> list[Item]:
        running = run(source, stages=[known, spec])
        try:
            return list(running)
        finally:
            running.close()

    # Each call has its limit in the pipeline itself.
    worker = Worker(home, (limit_s + spec.timeout_s) * len(material.items))
    try:
        items = worker.call(through)
    finally:
        worker.end()
    if len(items) != len(material.items):
        raise Broken(f"{len(material.items)} frames in, {len(items)} out")
    return items
