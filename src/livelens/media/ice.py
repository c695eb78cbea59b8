"""ICE on ports and addresses of our choice.

This file and `dtls` are the only ones that reach below the public surface of aiortc
and aioice, whose versions are pinned for that reason. What changes here: UDP ports
come from a range, 127.0.0.1 counts as an address, addresses can be advertised that are
not bound, a silent peer is noticed within a time of our choice, the queue of
unread datagrams is bounded, and media passes it by.
"""

import asyncio
import errno
import ipaddress
import random
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import (
    StunProtocol,
    relayed_candidate,
    server_reflexive_candidate,
)
from aioice.mdns import is_mdns_hostname
from aiortc import RTCIceServer
from aiortc.rtcicetransport import connection_kwargs

from livelens.clock import nanoseconds, now_ns, seconds
from livelens.errors import CapacityError, ConfigError
from livelens.media.rtc_config import RtcConfig
from livelens.media.udp import UdpTransport

_COMPONENT: Final = 1
_MAX_UNREAD: Final = 256
_LAST_OF_STUN: Final = 3
_MAX_REMOTE_CANDIDATES: Final = 100


class _Datagrams(StunProtocol):
    """Tells STUN from the rest by the first byte (RFC 7983), as anybody may send anything."""

    receiver: "IceConnection"

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        if data and data[0] > _LAST_OF_STUN:
            self.receiver.data_received(data, self.local_candidate.component)
            return
        try:
            super().datagram_received(data, addr)
        except struct.error:
            # An attribute of the wrong length. It must not cost the loop a traceback.
            self.receiver.malformed += 1


class IceConnection(Connection):
    """One ICE connection, which is one peer: everything is bundled.

    Args:
        config: addresses, ports and time limits.
        controlling: whether this side nominates; true only when the other is ICE-lite.
    """

    def __init__(self, config: RtcConfig, *, controlling: bool = False) -> None:
        servers = [
            RTCIceServer(urls=list(s.urls), username=s.username, credential=s.credential)
            for s in config.ice_servers
        ]
        super().__init__(ice_controlling=controlling, **connection_kwargs(servers))
        self.on_media: Callable[[bytes, int], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.datagrams_dropped = 0
        self.malformed = 0
        self.rtt_s: float | None = None
        self.arrival_ns = 0
        self._config = config

    def _arrived(self, arrival_ns: int) -> None:
        self.arrival_ns = arrival_ns

    def data_received(self, data: bytes, component: int) -> None:
        """A datagram that is not STUN: media go straight on, the handshake is queued."""
        if not data:
            return
        if self.on_media is not None and 127 < data[0] < 192:
            self.on_media(data, self.arrival_ns)
        elif self._queue.qsize() < _MAX_UNREAD:
            super().data_received(data, component)
        else:
            self.datagrams_dropped += 1

    def check_incoming(
        self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        """A peer's check; one without a priority, or from the hundredth address, is ignored."""
        known = any((c.host, c.port) == addr for c in self.remote_candidates)
        room = len(self.remote_candidates) < _MAX_REMOTE_CANDIDATES
        if "PRIORITY" in message.attributes and (known or room):
            super().check_incoming(message, addr, protocol)
        else:
            self.malformed += 1

    def send_now(self, data: bytes) -> bool:
        """Send a datagram at once. False when there is no path."""
        pair = self._nominated.get(_COMPONENT)
        if pair is None:
            return False
        transport = pair.protocol.transport
        if transport.is_closing():
            return False
        transport.sendto(data, pair.remote_addr)
        return True

    @property
    def path(self) -> str | None:
        """The pair of addresses in use, `local -> remote`."""
        pair = self._nominated.get(_COMPONENT)
        if pair is None:
            return None
        (here, port), (there, remote_port) = pair.local_addr, pair.remote_addr
        return f"{here}:{port} -> {there}:{remote_port}"

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        """Add a candidate of the peer.

        Names ending in .local are left out: the peer checks our addresses anyway, and is
        then known by the address it really has. The end of candidates is not passed on
        either, so that such a peer is waited for until `connect_timeout_s`.
        """
        if remote_candidate is None or is_mdns_hostname(remote_candidate.host):
            return
        if len(self.remote_candidates) >= _MAX_REMOTE_CANDIDATES:
            return  # each of them is an address that we would send checks to
        if remote_candidate.component == _COMPONENT and remote_candidate.transport == "udp":
            await super().add_remote_candidate(remote_candidate)

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        """Bind, and ask the configured servers.

        Raises:
            CapacityError: every port of the range is in use.
            ConfigError: no address could be bound.
        """
        config = self._config
        if config.bind_hosts is not None:
            hosts = config.bind_hosts
        else:
            hosts = list(dict.fromkeys(addresses))
            if config.include_loopback:
                hosts.append("127.0.0.1")
        bound = []
        for host in hosts:
            protocol = self._bind(host)
            if protocol is None:
                continue
            address = protocol.transport.get_extra_info("sockname")
            protocol.local_candidate = _host_candidate(component, address[0], address[1])
            self._protocols.append(protocol)
            bound.append(protocol)
        if not bound and not self.turn_server:
            raise ConfigError(f"WebRTC: none of these addresses can be bound: {', '.join(hosts)}")
        candidates = [protocol.local_candidate for protocol in bound]
        return candidates + await self._ask_servers(component, bound, timeout)

    def _bind(self, host: str) -> StunProtocol | None:
        """A socket on this address; None when the address cannot be bound at all."""
        if self._config.udp_ports is None:
            ports = [0]
        else:
            first, last = self._config.udp_ports
            # Begin anywhere, so that peers do not race for the same port.
            turn = random.randrange(last + 1 - first)
            ports = [*range(first + turn, last + 1), *range(first, first + turn)]
        for port in ports:
            protocol = _Datagrams(self)
            try:
                UdpTransport(protocol, host, port, self._arrived)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                return None
            return protocol
        named = "-".join(str(port) for port in self._config.udp_ports or ())
        raise CapacityError(f"WebRTC: all UDP ports {named} are in use on {host}")

    async def _ask_servers(
        self, component: int, bound: list[StunProtocol], timeout: float
    ) -> list[Candidate]:
        """Candidates from the STUN and TURN servers that answer in time."""
        tasks: list[asyncio.Task[tuple[Candidate, StunProtocol | None]]] = []
        if self.stun_server:
            for protocol in bound:
                address = ipaddress.ip_address(protocol.local_candidate.host)
                if address.version == 4 and not address.is_loopback:
                    query = server_reflexive_candidate(protocol, self.stun_server)
                    tasks.append(asyncio.create_task(query))
        if self.turn_server:
            allocation = relayed_candidate(
                component=component,
                hide_related_address=False,
                protocol_factory=lambda: _Datagrams(self),
                turn_server=self.turn_server,
                turn_username=self.turn_username,
                turn_password=self.turn_password,
                turn_ssl=self.turn_ssl,
                turn_transport=self.turn_transport,
            )
            tasks.append(asyncio.create_task(allocation))
        if not tasks:
            return []
        candidates = []
        done, pending = await asyncio.wait(tasks, timeout=timeout)
        for task in pending:
            task.cancel()
        for task in done:
            if task.exception() is None:
                candidate, relay = task.result()
                candidates.append(candidate)
                if relay is not None:
                    self._protocols.append(relay)
        return candidates

    async def offered_candidates(self) -> list[Candidate]:
        """Local candidates as the peer shall see them, advertised hosts first.

        Raises:
            ConfigError: an advertised name cannot be resolved.
        """
        hosts = [c for c in self.local_candidates if c.type == "host"]
        outward = [c for c in hosts if not ipaddress.ip_address(c.host).is_loopback] or hosts
        advertised: dict[tuple[str, int], Candidate] = {}
        for name in self._config.advertised_hosts:
            address = await _resolve(name)
            for c in outward:
                same_family = (":" in c.host) == (":" in address)
                if same_family and (address, c.port) not in advertised:
                    advertised[address, c.port] = _host_candidate(_COMPONENT, address, c.port)
        return [*advertised.values(), *self.local_candidates]

    async def query_consent(self) -> None:
        """Ask the peer from time to time whether it is still there (RFC 7675).

        Tells the round-trip time, too.
        """
        assert self.remote_password is not None
        key = self.remote_password.encode()
        idle_ns = nanoseconds(self._config.idle_timeout_s)
        heard_ns = now_ns()
        while now_ns() - heard_ns < idle_ns:
            for pair in list(self._nominated.values()):
                request = self.build_request(pair, nominate=False)
                asked_ns = now_ns()
                try:
                    async with asyncio.timeout(self._config.idle_timeout_s / 4):
                        await pair.protocol.request(
                            request, pair.remote_addr, integrity_key=key, retransmissions=1
                        )
                    heard_ns = now_ns()
                    self.rtt_s = seconds(heard_ns - asked_ns)
                except (stun.TransactionError, TimeoutError):
                    pass
            await asyncio.sleep(min(5.0, self._config.idle_timeout_s / 4) * random.uniform(0.8, 1))
        if self.on_lost is not None:
            self.on_lost()


def _host_candidate(component: int, host: str, port: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=host,
        port=port,
        type="host",
    )


async def _resolve(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise ConfigError(f"WebRTC: advertised host {name!r} cannot be resolved") from error
    return str(found[0][4][0])
