"""Two peers of our own that meet on this machine: do addresses, ports and encryption work?"""

import asyncio
import struct

import msgspec
from aiortc import RTCDtlsParameters

from livelens.clock import now_ns, seconds
from livelens.media.dtls import SecureTransport, certificate
from livelens.media.ice import IceConnection
from livelens.media.rtc_config import RtcConfig

_RTP_PACKET = struct.pack("!BBHII", 0x80, 96, 1, 0, 1) + b"livelens"


class Meeting(msgspec.Struct, frozen=True):
    """How the two peers met.

    Attributes:
        path: the pair of addresses they chose.
        took_s: from gathering candidates to the first decrypted RTP packet.
        addresses: every address that a browser would be offered.
    """

    path: str
    took_s: float
    addresses: list[str]


async def meet(config: RtcConfig, timeout_s: float = 5.0) -> Meeting:
    """Connect two peers with these settings (ICE, DTLS, SRTP) and send one packet.

    Raises:
        CapacityError: no UDP port is left.
        ConfigError: the configured addresses cannot be used.
        ConnectionError: they did not meet within `timeout_s`.
    """
    began_ns = now_ns()
    arrived = asyncio.Event()
    ends = [IceConnection(config, controlling=first) for first in (True, False)]
    secure = [
        SecureTransport(ice, role, lambda _rtp, _ns: arrived.set(), lambda _rtcp: None)
        for ice, role in zip(ends, ("client", "server"), strict=True)
    ]
    try:
        async with asyncio.timeout(timeout_s):
            for ice in ends:
                await ice.gather_candidates()
            addresses = [c.host for c in await ends[1].offered_candidates()]
            await _introduce(*ends)
            await asyncio.gather(*(ice.connect() for ice in ends))
            known = RTCDtlsParameters(fingerprints=certificate().getFingerprints())
            if not all(await asyncio.gather(*(end.connect(known) for end in secure))):
                raise ConnectionError("the DTLS handshake failed")
            secure[0].send_rtp(_RTP_PACKET)
            await arrived.wait()
            path = ends[0].path or ""
    except TimeoutError:
        raise ConnectionError(f"no packet came through within {timeout_s:g} s") from None
    finally:
        for end in secure:
            await end.stop()
        for ice in ends:
            await ice.close()
    return Meeting(path, seconds(now_ns() - began_ns), list(dict.fromkeys(addresses)))


async def _introduce(one: IceConnection, other: IceConnection) -> None:
    for ice, remote in ((one, other), (other, one)):
        ice.remote_username = remote.local_username
        ice.remote_password = remote.local_password
        for candidate in remote.local_candidates:
            await ice.add_remote_candidate(candidate)
