import asyncio

import pytest

from livelens.clock import now_ns
from livelens.errors import ConfigError
from livelens.media.udp import UdpTransport


class Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.lost = asyncio.Event()
        self.arrivals: list[int] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.got.put_nowait(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def test_arrival_is_when_the_kernel_got_it_not_when_we_read_it() -> None:
    inbox, other = Inbox(), Inbox()
    here = UdpTransport(inbox, "127.0.0.1", 0, inbox.arrivals.append)
    there = UdpTransport(other, "127.0.0.1", 0, other.arrivals.append)
    there.sendto(b"hello", here.get_extra_info("sockname"))
    sent_ns = now_ns()
    # The loop is busy.
    while now_ns() - sent_ns < 50_000_000:
        pass
    assert await asyncio.wait_for(inbox.got.get(), 5) == b"hello"
    assert inbox.arrivals[0] - sent_ns < 25_000_000
    for one in (here, there):
        one.close()
    await asyncio.wait_for(inbox.lost.wait(), 5)
    assert here.is_closing()
    here.sendto(b"late", ("127.0.0.1", 9))


async def test_an_address_in_use_and_a_name_are_refused() -> None:
    inbox = Inbox()
    here = UdpTransport(inbox, "127.0.0.1", 0, inbox.arrivals.append)
    with pytest.raises(OSError, match="in use"):
        UdpTransport(
            Inbox(), "127.0.0.1", here.get_extra_info("sockname")[1], inbox.arrivals.append
        )
    with pytest.raises(ConfigError, match="'localhost' is not an IP address"):
        UdpTransport(Inbox(), "localhost", 0, inbox.arrivals.append)
    here.close()


async def test_what_the_system_refuses_is_counted() -> None:
    inbox = Inbox()
    here = UdpTransport(inbox, "127.0.0.1", 0, inbox.arrivals.append)
    here.sendto(bytes(70_000), ("127.0.0.1", 9))
    assert here.unsent == 1
    here.close()
