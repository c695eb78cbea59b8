"""Items as bytes, with pixels and other large arrays apart, so that they can be shared.

Pickle is used here because both ends are one program: the bytes go to a child that this
process has started, over a socket that nobody else has a name for, and the child runs
the same plug-ins under the same user. It keeps every type a plug-in may put into an item,
and its protocol 5 hands large buffers over apart (PEP 574). Never read a parcel that
came from anywhere else.
"""

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import cast

import numpy as np
from numpy.typing import NDArray

from livelens.errors import StageError, one_line
from livelens.picture import Picture
from livelens.types import Frame, Item

Bytes = NDArray[np.uint8]

# Smaller buffers travel with the rest: two copies of a few pages cost less than their books.
_APART_BYTES = 16 * 1024
_ALIGNMENT = 64


class _Kept(Enum):
    """Stands for what the receiver has already."""

    FRAME = "frame"
    PICTURE = "picture"


@dataclass(frozen=True)
class Parcel:
    """Something packed.

    Attributes:
        payload: all but the large buffers.
        buffers: the large buffers, where they are; read them before their owners change.
    """

    payload: bytes
    buffers: Sequence[memoryview]

    @property
    def size(self) -> int:
        """Bytes that the large buffers need in a segment."""
        places = self.places()
        return places[-1][0] + places[-1][1] if places else 0

    def places(self) -> list[tuple[int, int]]:
        """(offset, length) of each large buffer in a segment."""
        places, offset = [], 0
        for buffer in self.buffers:
            places.append((offset, buffer.nbytes))
            offset += -(-buffer.nbytes // _ALIGNMENT) * _ALIGNMENT
        return places

    def write(self, memory: Bytes) -> list[tuple[int, int]]:
        """Copy the large buffers into a segment; returns their places."""
        places = self.places()
        for (offset, length), buffer in zip(places, self.buffers, strict=True):
            np.copyto(memory[offset : offset + length], np.frombuffer(buffer, np.uint8))
        return places


def packed(items: Sequence[Item]) -> Parcel:
    """Pack items.

    Raises:
        StageError: something in them cannot be packed; says what.
    """
    buffers: list[memoryview] = []

    def small(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _APART_BYTES:
            return True
        buffers.append(raw)
        return False

    try:
        return Parcel(pickle.dumps(items, protocol=5, buffer_callback=small), buffers)
    except Exception as error:  # noqa: BLE001 - plug-ins put in what they like, it raises what it likes
        raise StageError(_culprit(items) or one_line(error)) from None


def unpacked(payload: bytes, buffers: Iterable[Bytes]) -> list[Item]:
    """What was packed; arrays in it look into the buffers.

    Raises:
        StageError: it cannot be read here.
    """
    try:
        return cast(list[Item], pickle.loads(payload, buffers=buffers))
    except Exception as error:  # noqa: BLE001 - as above
        raise StageError(one_line(error)) from None


def without_kept(given: Sequence[Item], results: Sequence[Item]) -> list[Item]:
    """The results without frames and pictures that are those of the given items."""
    return [
        result.with_(frame=_without(item.frame, result.frame))
        for item, result in zip(given, results, strict=True)
    ]


def with_kept(given: Sequence[Item], results: Sequence[Item]) -> list[Item]:
    """The results with the given items' own frames and pictures again."""
    return [
        result.with_(frame=_with(item.frame, result.frame))
        for item, result in zip(given, results, strict=True)
    ]


def _without(given: Frame, frame: Frame) -> Frame:
    if frame is given:
        return cast(Frame, _Kept.FRAME)
    if frame.picture is given.picture:
        return replace(frame, picture=cast(Picture, _Kept.PICTURE))
    return frame


def _with(given: Frame, frame: Frame) -> Frame:
    if cast(object, frame) is _Kept.FRAME:
        return given
    if cast(object, frame.picture) is _Kept.PICTURE:
        return replace(frame, picture=given.picture)
    return frame


def _culprit(items: Sequence[Item]) -> str | None:
    """Which field cannot be packed, and why."""
    for item in items:
        for field in fields(Item):
            try:
                pickle.dumps(getattr(item, field.name), protocol=5)
            except Exception as error:  # noqa: BLE001 - as above
                return f"the item's {field.name}: {one_line(error)}"
    return None
