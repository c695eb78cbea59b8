"""Viewers that receive and put pictures together without decoding, many in one process.

`python -m livelens.bench.plain_viewers URL TOKEN COUNT` connects COUNT viewers by WHEP, prints
`{"connected": n}`, and for every line of standard input prints how many whole pictures,
bytes and lost packets each viewer has had so far.

It uses aiortc for signalling, ICE and DTLS, but takes RTP where it comes off the socket:
80 viewers of 720p are 20 000 packets a second, more than aiortc's own receiver can take.
"""

import asyncio
import json
import sys
import urllib.request
from contextlib import suppress
from typing import Any

import uvloop
from aioice import Connection
from aioice.ice import StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

_viewers: dict[Connection, "Viewer"] = {}
_others = StunProtocol.datagram_received


def _datagram_received(protocol: StunProtocol, data: bytes | str, addr: tuple[Any, ...]) -> None:
    viewer = _viewers.get(protocol.receiver)
    if viewer is not None and isinstance(data, bytes) and 127 < data[0] < 192:
        viewer.take(data)
    else:
        _others(protocol, data, addr)


class Viewer:
    """One viewer.

    Attributes:
        pictures: put together whole.
        received: bytes of RTP.
        lost: packets that never came.
    """

    def __init__(self, session: Session, payload_type: int) -> None:
        self.pictures = 0
        self.received = 0
        self.lost = 0
        self._session = session
        self._payload_type = payload_type
        self._last: int | None = None
        self._whole = False
        self._parts: list[bytes] = []

    def take(self, data: bytes) -> None:
        """One datagram of RTP or RTCP."""
        if data[1] & 0x7F != self._payload_type:
            return  # RTCP, retransmission
        try:
            packet = self._session.unprotect(data)
        except SrtpError:
            return
        self.received += len(packet)
        sequence = packet[2] << 8 | packet[3]
        if self._last is not None:
            gap = (sequence - self._last - 1) & 0xFFFF
            if gap >= 0x8000:
                return  # older than what was seen
            if gap:
                self.lost += gap
                self._whole = False
        self._last = sequence
        start = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            start += 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
        self._parts.append(packet[start:])
        if packet[1] & 0x80:
            if self._whole:
                self.pictures += len(b"".join(self._parts)) > 0
            self._parts = []
            self._whole = True


async def connect(url: str, token: str) -> RTCPeerConnection:
    """A connected viewer.

    Raises:
        OSError: the server refuses, or the connection fails.
    """
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    video = peer.addTransceiver("video", direction="recvonly")
    capable = RTCRtpReceiver.getCapabilities("video")
    codecs = capable.codecs if capable is not None else []
    video.setCodecPreferences([c for c in codecs if c.mimeType in ("video/H264", "video/rtx")])
    await peer.setLocalDescription(await peer.createOffer())
    request = urllib.request.Request(
        url,
        data=peer.localDescription.sdp.encode(),
        headers={"content-type": "application/sdp", "authorization": f"Bearer {token}"},
    )
    answer = await asyncio.to_thread(_post, request)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    async with asyncio.timeout(20):
        while peer.connectionState != "connected":
            if peer.connectionState in ("failed", "closed"):
                raise OSError(f"the connection {peer.connectionState}")
            await asyncio.sleep(0.05)
    dtls = video.receiver.transport
    payload_type = next(
        int(line.split(":")[1].split()[0])
        for line in answer.splitlines()
        if line.startswith("a=rtpmap:") and "H264" in line
    )
    _viewers[dtls.transport._connection] = Viewer(dtls._rx_srtp, payload_type)
    return peer


def _post(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=20) as response:
        body: bytes = response.read()
    return body.decode()


async def main(url: str, token: str, count: int) -> None:
    """Connect, then answer every line of standard input with the counts so far."""
    StunProtocol.datagram_received = _datagram_received  # type: ignore[method-assign,assignment]
    peers = []
    for _ in range(count):
        peers.append(await connect(url, token))
    print(json.dumps({"connected": len(peers)}), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        told = [
            {"pictures": v.pictures, "bytes": v.received, "lost": v.lost} for v in _viewers.values()
        ]
        print(json.dumps(told), flush=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.gather(*(peer.close() for peer in peers))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
