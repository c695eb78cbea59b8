"""DTLS-SRTP over our ICE: datagrams in and out without a queue or a task in between.

With `ice`, the only file below the public surface of aiortc.
"""

import asyncio
import datetime
import logging
from collections.abc import Callable
from typing import Final

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtp import is_rtcp

from livelens.clock import now_ns
from livelens.media.ice import IceConnection

# It logs a traceback when a peer breaks the data channel protocol; `failure` tells that in a line.
logging.getLogger("aiortc.rtcdtlstransport").setLevel(logging.ERROR)

_RENEW_BEFORE: Final = datetime.timedelta(days=1)
_certificates: list[RTCCertificate] = []


def certificate() -> RTCCertificate:
    """The certificate of this process; a new one before the old one ends."""
    now = datetime.datetime.now(tz=datetime.UTC)
    if not _certificates or _certificates[0].expires - now < _RENEW_BEFORE:
        _certificates[:] = [RTCCertificate.generateCertificate()]
    return _certificates[0]


class _IceEnd:
    """What RTCDtlsTransport asks of an ICE transport."""

    def __init__(self, ice: IceConnection) -> None:
        self._recv = ice.recv
        self._send = ice.send
        self._ice = ice

    @property
    def role(self) -> str:
        return "controlling" if self._ice.ice_controlling else "controlled"


class SecureTransport(RTCDtlsTransport):
    """The encrypted transport of one peer.

    Args:
        ice: the connection below.
        role: "client" begins the handshake, "server" waits for it.
        on_rtp: gets every RTP packet in the clear, with its arrival in nanoseconds.
        on_rtcp: gets every compound RTCP packet in the clear.
    """

    def __init__(
        self,
        ice: IceConnection,
        role: str,
        on_rtp: Callable[[bytes, int], None],
        on_rtcp: Callable[[bytes], None],
    ) -> None:
        super().__init__(_IceEnd(ice), [certificate()])  # type: ignore[arg-type]
        self._set_role(role)
        self._ice = ice
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self.unauthentic = 0
        self.failure: str | None = None

    async def connect(self, remote: RTCDtlsParameters) -> bool:
        """Shake hands. False when it fails, as with a false certificate."""
        await self.start(remote)
        if self.state != "connected":
            return False
        self._ice.on_media = self._take
        return True

    async def wait_closed(self) -> None:
        """Wait until the peer, or this side, ends the session."""
        if self._task is not None:
            # What the data channel protocol raises on malformed input ends this peer alone.
            await asyncio.wait([self._task])
            if not self._task.cancelled() and (error := self._task.exception()) is not None:
                self.failure = f"{type(error).__name__}: {error}"

    def send_rtp(self, packet: bytes) -> bool:
        """Encrypt and send an RTP packet; False when there is no path."""
        return self._tx_srtp is not None and self._ice.send_now(self._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> bool:
        """Encrypt and send a compound RTCP packet; False when there is no path."""
        return self._tx_srtp is not None and self._ice.send_now(self._tx_srtp.protect_rtcp(packet))

    @property
    def ready(self) -> bool:
        """Whether packets can be sent."""
        return self._tx_srtp is not None and self.state == "connected"

    def _take(self, data: bytes, arrival_ns: int) -> None:
        srtp = self._rx_srtp
        if srtp is None or len(data) > 1500:
            return
        try:
            if is_rtcp(data):
                self._on_rtcp(srtp.unprotect_rtcp(data))
            else:
                self._on_rtp(srtp.unprotect(data), arrival_ns)
        except pylibsrtp.Error:
            # Noise, or a packet that the network doubled.
            self.unauthentic += 1

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._on_rtp(data, now_ns())

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._on_rtcp(data)
