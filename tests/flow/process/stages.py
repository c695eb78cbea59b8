"""Stages that tests run in a process of their own, where they must be importable."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.errors import CapacityError, ConfigError, ModelError
from livelens.picture import ArrayPicture
from livelens.spec import StageSpec
from livelens.types import Item


class OwnError(ModelError):
    """A plug-in's own kind of ModelError."""


class Puppet(StageSpec, frozen=True, kw_only=True):
    """Does what the item's `extra["deed"]` says; see `_DEEDS`.

    Attributes:
        opening: how `open` ends.
        openings: a file to count openings in; the second and the third one die.
    """

    opening: Literal["well", "error", "own error", "foreign", "dies", "hangs"] = "well"
    openings: str | None = None
    threads: int = 0

    def open(self) -> "PuppetStage":
        if self.openings is not None:
            with Path(self.openings).open("a+") as file:
                file.write("x")
                file.seek(0)
                if len(file.read()) in (2, 3):
                    os._exit(7)
        if self.opening == "error":
            raise ConfigError("no such class")
        if self.opening == "own error":
            raise OwnError("no such model")
        if self.opening == "foreign":
            raise KeyError("weights")
        if self.opening == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.opening == "hangs":
            threading.Event().wait()
        return PuppetStage(self.threads)


class PuppetStage:
    """What `Puppet` opens into."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.kept: list[Item] = []

    def process(self, items: Sequence[Item]) -> list[Item]:
        if isinstance(items[0].extra.get("deed"), str) and items[0].extra["deed"] in _WHOLE:
            return _WHOLE[items[0].extra["deed"]]()  # type: ignore[return-value]
        return [_DEEDS[str(item.extra.get("deed", "nothing"))](self, item) for item in items]

    def close(self) -> None:
        print("puppet closed", file=sys.stderr)


def _paint(_: PuppetStage, item: Item) -> Item:
    pixels = item.frame.image.copy()
    pixels[..., 2] = 255
    return item.with_(frame=replace(item.frame, picture=ArrayPicture(pixels)))


def _enlarge(_: PuppetStage, item: Item) -> Item:
    pixels = np.repeat(np.repeat(item.frame.image, 2, axis=0), 2, axis=1)
    return item.with_(frame=replace(item.frame, picture=ArrayPicture(pixels)))


def _same_picture(_: PuppetStage, item: Item) -> Item:
    return item.with_(frame=replace(item.frame, ntp_ns=7))


def _keep(stage: PuppetStage, item: Item) -> Item:
    """Remembers the item, and tells a pixel of all that it remembers."""
    stage.kept.append(item)
    first = [int(kept.frame.image[0, 0, 0]) for kept in stage.kept]
    return item.with_(extra={"kept": first})


def _raise(error: BaseException) -> Callable[[PuppetStage, Item], Item]:
    def deed(_: PuppetStage, __: Item) -> Item:
        raise error

    return deed


def _tell(stage: PuppetStage, item: Item) -> Item:
    import cv2

    return item.with_(
        extra={
            "pid": os.getpid(),
            "threads": stage.threads,
            "cv2": cv2.getNumThreads(),
            "omp": os.environ.get("OMP_NUM_THREADS"),
            "path": os.environ.get("PYTHONPATH"),
        }
    )


_DEEDS: dict[str, Callable[[PuppetStage, Item], Item]] = {
    "nothing": lambda _, item: item,
    "paint": _paint,
    "enlarge": _enlarge,
    "same picture": _same_picture,
    "keep": _keep,
    "tell": _tell,
    "raise": _raise(ZeroDivisionError("one by\nzero")),
    "raise ours": _raise(CapacityError("all seats taken")),
    "missing file": _raise(FileNotFoundError(2, "No such file", "weights.bin")),
    "exit": _raise(SystemExit(3)),
    "generator": lambda _, item: item.with_(extra={"deed": (n for n in range(3))}),
    "crash": lambda _, __: os.kill(os.getpid(), signal.SIGSEGV),  # type: ignore[dict-item, return-value]
    "leave": lambda _, __: os._exit(3),
    "hang": lambda _, item: threading.Event().wait() and item,  # type: ignore[dict-item, return-value]
}
_WHOLE: dict[str, Callable[[], object]] = {
    "no list": lambda: (n for n in range(3)),
    "too few": list,
    "no items": lambda: [3],
}


class Slow(StageSpec, frozen=True, kw_only=True):
    """Takes longer for odd frames, so that two workers would overtake each other."""

    def open(self) -> "SlowStage":
        return SlowStage()


class SlowStage:
    """What `Slow` opens into."""

    def process(self, items: Sequence[Item]) -> list[Item]:
        for item in items:
            if item.frame.seq % 2:
                threading.Event().wait(0.02)
        return [item.with_(extra={"pid": os.getpid()}) for item in items]

    def close(self) -> None:
        pass


class Bright(DescriptorSpec, frozen=True, kw_only=True):
    """How bright an object is."""

    measures: ClassVar[tuple[str, ...]] = ("brightness", "pid")
    describes: ClassVar[tuple[str, ...]] = ("object",)

    def open(self) -> "BrightDescriptor":
        return BrightDescriptor()


class BrightDescriptor:
    """What `Bright` opens into."""

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        return [
            {"brightness": Reading(float(crop.image().mean())), "pid": Reading(os.getpid())}
            for crop in crops
        ]

    def close(self) -> None:
        pass
