"""Columns of figures over time, in rings of a fixed length."""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Key = tuple[str, ...]
Reduction = Literal["mean", "max"]
Column = NDArray[np.float64]

_GROWTH = 8
_PRUNE_EVERY = 150


class Room:
    """How many columns all rings of one history may have together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def take(self, wanted: int) -> int:
        """As many of the wanted as there is room for."""
        granted = max(0, min(wanted, self.most - self.used))
        self.used += granted
        return granted

    def give_back(self, count: int) -> None:
        """Columns that are no longer kept."""
        self.used -= count


class Rings:
    """Named columns of one length; what was not told at a slot is NaN there.

    A slot is the number of a period of time; slots only grow.

    Args:
        length: slots that are kept.
        room: limits the columns; those that find none are left out.
    """

    def __init__(self, length: int, room: Room) -> None:
        self._length = length
        self._room = room
        self._rows: dict[Key, int] = {}
        self._free: list[int] = []
        self._data = np.empty((0, length), np.float32)
        self._newest: int | None = None

    @property
    def newest(self) -> int | None:
        """The slot that was written last."""
        return self._newest

    @property
    def keys(self) -> Iterable[Key]:
        """The names of the columns, in the order in which they came."""
        return self._rows.keys()

    def put(self, slot: int, values: Mapping[Key, float | None]) -> None:
        """Write a slot. One that is not newer than the last is left out."""
        if self._newest is not None and slot <= self._newest:
            return
        self._add([key for key in values if key not in self._rows])
        if self._newest is not None:
            skipped = min(slot - self._newest, self._length)
            self._data[:, np.arange(slot - skipped + 1, slot + 1) % self._length] = np.nan
        self._newest = slot
        at = slot % self._length
        for key, value in values.items():
            row = self._rows.get(key)
            if row is not None and value is not None:
                self._data[row, at] = value
        if slot % _PRUNE_EVERY == 0:
            self._prune()

    def read(self, keys: Iterable[Key], first: int, count: int) -> dict[Key, Column]:
        """`count` slots from `first` on; NaN where nothing is known."""
        slots = np.arange(first, first + count)
        newest = self._newest if self._newest is not None else first - 1
        known = (slots <= newest) & (slots > newest - self._length) & (slots >= 0)
        found = {}
        for key in keys:
            column = np.full(count, np.nan)
            row = self._rows.get(key)
            if row is not None:
                column[known] = self._data[row, slots[known] % self._length]
            found[key] = column
        return found

    def close(self) -> None:
        """Give the room back."""
        self._room.give_back(len(self._rows))
        self._rows.clear()

    def _add(self, keys: list[Key]) -> None:
        for key in keys[: self._room.take(len(keys))]:
            if not self._free:
                rows = len(self._data)
                more = np.full((_GROWTH, self._length), np.nan, np.float32)
                self._data = np.concatenate([self._data, more])
                self._free = list(range(rows + _GROWTH - 1, rows - 1, -1))
            self._rows[key] = self._free.pop()

    def _prune(self) -> None:
        """Forget columns of which nothing is left: a stage that was taken out an hour ago."""
        empty: NDArray[np.bool_] = np.all(np.isnan(self._data), axis=1)
        gone = [key for key, row in self._rows.items() if empty[row]]
        for key in gone:
            self._free.append(self._rows.pop(key))
        self._room.give_back(len(gone))


def reduced(column: Column, step: int, how: Reduction) -> Column:
    """Each `step` slots as one: their mean, or the largest of them; NaN where none is known."""
    if step == 1:
        return column
    bins = column.reshape(-1, step)
    known = ~np.isnan(bins)
    counts = known.sum(axis=1)
    if how == "max":
        best = np.where(known, bins, -np.inf).max(axis=1)
        return np.where(counts > 0, best, np.nan)
    sums = np.where(known, bins, 0.0).sum(axis=1)
    means: Column = np.full(len(bins), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
