"""The last states and problems of all streams."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import msgspec

from livelens.events import Message, Problem, State
from livelens.flow.bus import Bus

MOST_ENTRIES = 1000
_KNOWN_OF_STREAM = 100


class LogEntry(msgspec.Struct):
    """Something that happened; that it happened again is counted, not told anew.

    Attributes:
        number: of the entry, growing.
        revision: grows whenever an entry is added or counts once more.
        first_unix_ns, last_unix_ns: when it happened first and last.
        count: how often it happened.
        kind: "state" or "problem".
        what: the new state, or where the problem arose.
        message: why, in one line, as it was told last.
    """

    number: int
    revision: int
    first_unix_ns: int
    last_unix_ns: int
    count: int
    stream: str
    kind: Literal["state", "problem"]
    what: str
    message: str


class Log(msgspec.Struct, frozen=True):
    """The newest entries, the newest first.

    Attributes:
        revision: of the log; ask with `after` for what has changed since.
    """

    revision: int
    entries: list[LogEntry]


class EventLog:
    """Keeps what happened lately. Any thread.

    Args:
        most: entries that are kept.
    """

    def __init__(self, most: int = MOST_ENTRIES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._entries: OrderedDict[int, LogEntry] = OrderedDict()
        self._revision = 0
        self._numbers = 0
        # What a stream has said since it ran last; a state only as long as it is the present one.
        self._known: dict[str, dict[tuple[str, ...], int]] = {}

    async def keep(self, bus: Bus) -> None:
        """Take in what the bus tells, until it closes."""
        with bus.subscribe(capacity=1024, results=False) as messages:
            async for message in messages:
                self.add(message)

    def add(self, message: Message) -> None:
        """Take in a state or a problem."""
        if isinstance(message, Problem):
            reason = message.message.partition("; trying again in ")[0]
            key: tuple[str, ...] = ("problem", message.where, reason)
            self._note(message.stream, key, message.where, message.message, message.unix_ns)
        elif isinstance(message, State):
            key = ("state", message.state)
            self._note(message.stream, key, message.state, message.detail, message.unix_ns)

    def read(
        self,
        *,
        limit: int = MOST_ENTRIES,
        stream: str | None = None,
        after: int = 0,
        may_see: Callable[[str], bool] = lambda _: True,
    ) -> Log:
        """The newest entries; with `after` those that are new or have changed since then."""
        found: list[LogEntry] = []
        with self._lock:
            for entry in reversed(self._entries.values()):
                if entry.revision <= after or (stream is not None and entry.stream != stream):
                    continue
                if may_see(entry.stream):
                    found.append(msgspec.structs.replace(entry))
                if len(found) >= limit:
                    break
            return Log(self._revision, found)

    def _note(
        self, stream: str, key: tuple[str, ...], what: str, message: str, unix_ns: int
    ) -> None:
        with self._lock:
            self._revision += 1
            known = self._known.setdefault(stream, {})
            entry = self._entries.get(known.get(key, -1))
            if key[0] == "state" and entry is None:
                if what in ("running", "stopped"):
                    known.clear()
                for other in [each for each in known if each[0] == "state"]:
                    del known[other]
            if entry is not None:
                entry.count += 1
                entry.last_unix_ns, entry.message = unix_ns, message
                entry.revision = self._revision
                self._entries.move_to_end(entry.number)
                return
            self._add(stream, key, what, message, unix_ns)

    def _add(self, stream: str, key: tuple[str, ...], what: str, message: str, at_ns: int) -> None:
        self._numbers += 1
        kind: Literal["state", "problem"] = "state" if key[0] == "state" else "problem"
        self._entries[self._numbers] = LogEntry(
            self._numbers, self._revision, at_ns, at_ns, 1, stream, kind, what, message
        )
        known = self._known[stream]
        if len(known) < _KNOWN_OF_STREAM:
            known[key] = self._numbers
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
