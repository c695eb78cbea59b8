"""A WebRTC client in Python, which publishes to or watches a server over real HTTP and UDP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioice.ice
import httpx
import pytest
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack

from tests.media.remote import Counting


class Client:
    """A peer connection and its WHIP or WHEP session.

    Attributes:
        session: the URL of the session.
        response: to the offer.
        messages: received on the data channel.
    """

    def __init__(self, pc: RTCPeerConnection, base_url: str) -> None:
        self.pc = pc
        self.base_url = base_url
        self.session = ""
        self.response: httpx.Response | None = None
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self._connected = asyncio.Event()
        self._closed = asyncio.Event()
        pc.on("connectionstatechange", self._changed)
        pc.on("track", self.track.set_result)

    def _changed(self) -> None:
        if self.pc.connectionState == "connected":
            self._connected.set()
        if self.pc.connectionState in ("closed", "failed"):
            self._closed.set()

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def exchange(self, path: str) -> httpx.Response:
        """Post an offer and take the answer, if there is one."""
        async with httpx.AsyncClient(base_url=self.base_url, timeout=20) as http:
            response = await http.post(
                path, content=await self.offer(), headers={"Content-Type": "application/sdp"}
            )
        self.response = response
        if response.status_code == 201:
            self.session = response.headers["location"]
            await self.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        return response

    async def publish(self, path: str) -> httpx.Response:
        self.pc.addTransceiver(Counting(), "sendonly")
        return await self.exchange(path)

    async def watch(self, path: str, *, results: bool = False) -> httpx.Response:
        self.pc.addTransceiver("video", "recvonly")
        if results:
            channel: RTCDataChannel = self.pc.createDataChannel("results", ordered=False)
            channel.on("message", self.messages.put_nowait)
        return await self.exchange(path)

    async def connected(self) -> None:
        await asyncio.wait_for(self._connected.wait(), 15)

    async def closed(self) -> None:
        await asyncio.wait_for(self._closed.wait(), 15)

    async def picture(self) -> object:
        """The next picture."""
        track = await asyncio.wait_for(asyncio.shield(self.track), 15)
        return await asyncio.wait_for(track.recv(), 15)

    async def patch(self, fragment: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.base_url, timeout=20) as http:
            kind = {"Content-Type": "application/trickle-ice-sdpfrag"}
            return await http.patch(self.session, content=fragment, headers={**kind, **headers})

    async def show(self, rendition: object, **headers: str) -> httpx.Response:
        """Ask for another rendition over the same connection."""
        async with httpx.AsyncClient(base_url=self.base_url, timeout=20) as http:
            body = {"rendition": rendition}
            return await http.post(f"{self.session}/rendition", json=body, headers=headers)

    async def delete(self) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.base_url, timeout=20) as http:
            return await http.delete(self.session)


@asynccontextmanager
async def client(base_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client on 127.0.0.1, which aioice leaves out by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    one = Client(pc, base_url)
    try:
        yield one
    finally:
        await pc.close()
