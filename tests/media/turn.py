"""A TURN server (RFC 8656) as small as tests need it: UDP and TCP, one user, IPv4."""

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aioice import stun

USER, PASSWORD, REALM = "camera", "let me through", "livelens.test"
_KEY = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode(), usedforsecurity=False).digest()

Address = tuple[str, int]
Reply = Callable[[bytes], None]


class _Relay(asyncio.DatagramProtocol):
    """The relayed address of one client."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.channels: dict[int, Address] = {}
        self.permitted: set[str] = set()
        self.relayed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def send(self, data: bytes, peer: Address) -> None:
        if peer[0] in self.permitted:
            self.relayed += 1
            self.transport.sendto(data, peer)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr[0] not in self.permitted:
            return
        self.relayed += 1
        for number, peer in self.channels.items():
            if peer == addr:
                padding = bytes(-len(data) % 4)
                self.reply(struct.pack("!HH", number, len(data)) + data + padding)
                return
        told = stun.Message(stun.Method.DATA, stun.Class.INDICATION)
        told.attributes["XOR-PEER-ADDRESS"] = addr
        told.attributes["DATA"] = data
        self.reply(bytes(told))


@dataclass
class TurnServer:
    """Relays; `relays` by client tell how much."""

    relays: dict[object, _Relay] = field(default_factory=dict)
    refused: int = 0

    @property
    def relayed(self) -> int:
        return sum(relay.relayed for relay in self.relays.values())

    async def take(self, client: object, data: bytes, addr: Address, reply: Reply) -> None:
        relay = self.relays.get(client)
        if data[0] & 0xC0 == 0x40:
            number, size = struct.unpack_from("!HH", data)
            if relay is not None and number in relay.channels:
                relay.send(data[4 : 4 + size], relay.channels[number])
            return
        asked = stun.parse_message(data)
        if asked.message_class == stun.Class.INDICATION:
            if relay is not None and asked.message_method == stun.Method.SEND:
                relay.send(asked.attributes["DATA"], asked.attributes["XOR-PEER-ADDRESS"])
            return
        answer = stun.Message(asked.message_method, stun.Class.RESPONSE, asked.transaction_id)
        if asked.message_method == stun.Method.BINDING:
            answer.attributes["XOR-MAPPED-ADDRESS"] = addr
            answer.add_fingerprint()
        elif not asked.check_message_integrity(_KEY):
            self.refused += 1
            answer.message_class = stun.Class.ERROR
            answer.attributes.update(
                {"ERROR-CODE": (401, "Unauthorized"), "REALM": REALM, "NONCE": b"nonce"}
            )
        else:
            await self._obey(asked, answer, client, addr, reply)
            answer.add_message_integrity(_KEY)
        reply(bytes(answer))

    async def _obey(
        self, asked: stun.Message, answer: stun.Message, client: object, addr: Address, reply: Reply
    ) -> None:
        relay = self.relays.get(client)
        if relay is None:
            loop = asyncio.get_running_loop()
            _, relay = await loop.create_datagram_endpoint(
                lambda: _Relay(reply), local_addr=("127.0.0.1", 0)
            )
            self.relays[client] = relay
        if asked.message_method == stun.Method.ALLOCATE:
            answer.attributes["XOR-RELAYED-ADDRESS"] = relay.transport.get_extra_info("sockname")
            answer.attributes["XOR-MAPPED-ADDRESS"] = addr
            answer.attributes["LIFETIME"] = 600
        elif asked.message_method == stun.Method.REFRESH:
            answer.attributes["LIFETIME"] = asked.attributes.get("LIFETIME", 600)
        else:
            peer = asked.attributes["XOR-PEER-ADDRESS"]
            relay.permitted.add(peer[0])
            if asked.message_method == stun.Method.CHANNEL_BIND:
                relay.channels[asked.attributes["CHANNEL-NUMBER"]] = peer

    async def serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One client over TCP."""

        def reply(data: bytes) -> None:
            if not writer.is_closing():
                writer.write(data)

        try:
            while True:
                head = await reader.readexactly(4)
                kind, size = struct.unpack("!HH", head)
                rest = -(-size // 4) * 4 if kind & 0xC000 else size + 16
                data = head + await reader.readexactly(rest)
                await self.take(writer, data, writer.get_extra_info("peername"), reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: TurnServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        take = self._server.take(
            addr, data, addr, lambda answer: self._transport.sendto(answer, addr)
        )
        task = asyncio.ensure_future(take)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def turn_server(transport: str = "udp") -> AsyncIterator[tuple[TurnServer, str]]:
    """A server on 127.0.0.1, and its URL."""
    server = TurnServer()
    if transport == "udp":
        loop = asyncio.get_running_loop()
        endpoint, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(server), local_addr=("127.0.0.1", 0)
        )
        port, close = endpoint.get_extra_info("sockname")[1], endpoint.close
    else:
        listening = await asyncio.start_server(server.serve_stream, "127.0.0.1", 0)
        port, close = listening.sockets[0].getsockname()[1], listening.close
    try:
        yield server, f"turn:127.0.0.1:{port}?transport={transport}"
    finally:
        close()
        for client, relay in server.relays.items():
            relay.transport.close()
            if isinstance(client, asyncio.StreamWriter):
                client.close()
