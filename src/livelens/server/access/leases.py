"""Ends what lasts, readers and WebRTC sessions, when the right that began it has ended."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from livelens.errors import LivelensError, Unavailable
from livelens.server.access.desk import Access
from livelens.server.identity import Identity

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 3.0


@dataclass(eq=False, slots=True)
class Lease:
    """Something that lasts, and whose it is.

    Attributes:
        end: ends it; on the event loop, and does not wait.
    """

    identity: Identity
    end: Callable[[], object]


class Leases:
    """What lasts on one server. Everything on its event loop."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._held: set[Lease] = set()
        self._fault = ""

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, identity: Identity, end: Callable[[], object]) -> Callable[[], None]:
        """Watch over something; returns what to call when it has ended by itself."""
        lease = Lease(identity, end)
        self._held.add(lease)
        return lambda: self._held.discard(lease)

    @contextmanager
    def during(self, identity: Identity, end: Callable[[], object]) -> Iterator[None]:
        """Watch over something while it lasts."""
        release = self.hold(identity, end)
        try:
            yield
        finally:
            release()

    async def look(self) -> None:
        """End what has no right to last any more; that ends by itself later as well."""
        by_identity: dict[Identity, list[Lease]] = {}
        for lease in self._held:
            by_identity.setdefault(lease.identity, []).append(lease)
        for identity, leases in by_identity.items():
            try:
                valid = await self._access.valid(identity)
            except Unavailable:  # they were let in, and their own time is not over
                continue
            for lease in () if valid else leases:
                self._held.discard(lease)
                lease.end()

    async def keep_looking(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self._access.refresh()
                self._fault = ""
            except LivelensError as error:
                if str(error) != self._fault:
                    log.warning("access is as it was before", reason=str(error))
                self._fault = str(error)
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)
