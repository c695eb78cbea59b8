"""How often a password may be tried."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from livelens.clock import NS_PER_S, nanoseconds, now_ns
from livelens.server.limits import TokenBucket

_MOST_CLIENTS = 4096
_MOST_LOCKOUT_NS = 900 * NS_PER_S
_FORGET_NS = 3600 * NS_PER_S
# Of all addresses together: many, and then one in two seconds.
_ALL_PER_S, _ALL_BURST = 0.5, 60.0


@dataclass(slots=True)
class _Client:
    failures: int = 0
    last_ns: int = 0
    locked_until_ns: int = 0


class Attempts:
    """Counts attempts of each address, and of all together. On the event loop.

    An attempt counts as failed from its beginning until it succeeds: so many at once are no
    more than one after the other.

    Args:
        most: failures of one address before it has to wait.
        lockout_s: how long then; twice as long after each further one.
    """

    def __init__(self, most: int, lockout_s: float, clock: Callable[[], int] = now_ns) -> None:
        self._most = most
        self._lockout_ns = nanoseconds(lockout_s)
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._all = TokenBucket(_ALL_PER_S, clock(), burst=_ALL_BURST)

    def begin(self, address: str) -> float:
        """Begin an attempt; returns seconds to wait, 0 when it may go on."""
        now = self._clock()
        client = self._client(_network(address), now)
        if now < client.locked_until_ns:
            return (client.locked_until_ns - now) / NS_PER_S
        wait_s = self._all.take(now)
        if wait_s > 0:
            return wait_s
        client.failures += 1
        client.last_ns = now
        further = client.failures - self._most
        if further >= 0:
            lockout_ns = self._lockout_ns << min(further, 20)
            client.locked_until_ns = now + min(lockout_ns, max(_MOST_LOCKOUT_NS, self._lockout_ns))
        return 0.0

    def succeeded(self, address: str) -> None:
        """The attempt was right: the address begins anew."""
        self._clients.pop(_network(address), None)
        self._all.give_back()

    def withdrawn(self, address: str) -> None:
        """The attempt was not made after all."""
        client = self._clients.get(_network(address))
        if client is not None and client.failures > 0:
            client.failures -= 1
            if client.failures < self._most:
                client.locked_until_ns = 0
        self._all.give_back()

    def _client(self, network: str, now: int) -> _Client:
        client = self._clients.get(network)
        if client is None or now - client.last_ns > _FORGET_NS:
            client = self._clients[network] = _Client(last_ns=now)
            if len(self._clients) > _MOST_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(network)
        return client


def _network(address: str) -> str:
    """One client's addresses: of IPv6 whoever has one has the whole /64."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((int(known) >> 64 << 64, 64)).network_address)
