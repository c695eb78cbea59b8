"""One WebRTC peer: a browser that publishes, watches, or both.

The peer offers, this side answers (WHIP, WHEP). The rest of Livelens knows WebRTC by
this class alone.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, Literal

import structlog
from aiortc import RTCDataChannel, RTCDtlsParameters, RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint
from aiortc.rtcsctptransport import RTCSctpCapabilities
from aiortc.rtp import RtcpPacket

from livelens.clock import now_ns, seconds
from livelens.errors import BadSdp
from livelens.media.audio_end import AudioEnd
from livelens.media.audio_receiver import AudioPacket
from livelens.media.dtls import SecureTransport, certificate
from livelens.media.encode import EncodedPicture
from livelens.media.ice import IceConnection
from livelens.media.payload import VideoCodec
from livelens.media.peer_stats import PeerState, PeerStats, peer_stats
from livelens.media.rtc_config import RtcConfig
from livelens.media.rtp import (
    ABS_SEND_TIME_URI,
    MID_URI,
    PLAYOUT_DELAY_URI,
    TRANSPORT_CC_URI,
    RtpPacket,
    playout_delay,
)
from livelens.media.rtp_receiver import VideoReceiver
from livelens.media.rtp_sender import VideoSender
from livelens.media.sdp import parse_fragment, parse_offer
from livelens.media.sdp_answer import Choice, LocalEnd, VideoChoice, choose, write_answer
from livelens.types import Captured

log = structlog.get_logger(__name__)

__all__ = ["RESULTS_CHANNEL", "Peer", "PeerState", "PeerStats"]

RESULTS_CHANNEL: Final = "results"
_MAX_CHANNELS: Final = 8
_JOIN_S: Final = 1.0


class Peer:
    """A peer, from its offer to its end. Everything on the loop thread.

    Attributes:
        id: unguessable; serves as the session id of WHIP and WHEP.
        answer_sdp: the answer to the offer.
        codec: video codec agreed on; None without video.
        state: "new", "connecting", "connected" or "closed".
        closed: set once everything has been given back.
    """

    def __init__(self, config: RtcConfig, choice: Choice) -> None:
        self.id = secrets.token_urlsafe(18)
        self.answer_sdp = ""
        self.codec: VideoCodec | None = choice.video.codec if choice.video else None
        self.state: PeerState = "new"
        self.closed = asyncio.Event()
        self.reason: str | None = None
        self._config = config
        self._choice = choice
        self._ice = IceConnection(config, controlling=choice.offer.ice_lite)
        self._ice.on_lost = lambda: self._end("the peer no longer answers")
        role = "client" if choice.transport.setup == "passive" else "server"
        self._dtls = SecureTransport(self._ice, role, self._on_rtp, self._on_rtcp)
        self._setup = "active" if role == "client" else "passive"
        self._ssrc = secrets.randbits(31) | 1
        self._rtx_ssrc = self._ssrc ^ 0x40000000
        self._audio_ssrc = self._ssrc ^ 0x20000000
        self._sender: VideoSender | None = None
        self._receiver: VideoReceiver | None = None
        self._audio: AudioEnd | None = None
        self._sctp: RTCSctpTransport | None = None
        self._results: RTCDataChannel | None = None
        self._channels = 0
        self._on_message: Callable[[str], None] | None = None
        self._messages = 0
        self._messages_dropped = 0
        self._malformed = 0
        self._ending = asyncio.Event()
        self._connected_ns: int | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def answer(
        cls,
        offer: str,
        config: RtcConfig,
        *,
        publish: Callable[[Captured], None] | None = None,
        on_audio: Callable[[AudioPacket], None] | None = None,
        watch: bool = False,
        on_keyframe_request: Callable[[], None] | None = None,
        on_message: Callable[[str], None] | None = None,
    ) -> "Peer":
        """Answer an offer. Returns with the answer; the connection comes about by itself.

        Args:
            publish: takes the peer's pictures, on a decoding thread.
            on_audio: takes the sound that comes with them.
            watch: send video to the peer, by `send_video`, and sound, by `send_audio`.
            on_keyframe_request: the viewer needs a keyframe; called once when he is
                connected, too.
            on_message: takes text from any data channel of the peer.

        Raises:
            BadSdp: the offer cannot be used.
            CapacityError: no UDP port is left.
            ConfigError: the configured addresses cannot be used.
        """
        audio = config.audio and (watch or on_audio is not None)
        choice = choose(parse_offer(offer), publish=publish is not None, watch=watch, audio=audio)
        peer = cls(config, choice)
        peer._on_message = on_message
        try:
            await peer._ice.gather_candidates()
            peer.answer_sdp = await peer._write_answer()
        except BaseException:
            await peer._ice.close()
            raise
        if choice.audio is not None:
            send_rtp, send_rtcp, ssrc = peer._dtls.send_rtp, peer._dtls.send_rtcp, peer._audio_ssrc
            peer._audio = AudioEnd(choice.audio, send_rtp, send_rtcp, ssrc=ssrc, on_packet=on_audio)
        if choice.video is not None:
            peer._open_video(choice.video, publish, on_keyframe_request)
        if choice.data is not None:
            peer._sctp = RTCSctpTransport(peer._dtls)
            peer._sctp.on("datachannel", peer._on_channel)
        peer._task = asyncio.create_task(peer._run(), name=f"peer-{peer.id}")
        return peer

    def send_video(self, encoded: EncodedPicture) -> None:
        """Send a picture to the viewer; left out, and counted, while he cannot take it."""
        if self._sender is not None and self._dtls.ready and encoded.codec == self.codec:
            self._sender.send(encoded)

    def change_video(self) -> int | None:
        """Let pictures of another encoder follow, over the same connection.

        They begin with a keyframe that is later than all that was sent before.

        Returns:
            The pts_ns of the last picture that was sent; None before the first.
        """
        return self._sender.change() if self._sender is not None else None

    def send_audio(self, packet: AudioPacket) -> bool:
        """Send a packet of sound to the viewer; False while he cannot take it."""
        return self._audio is not None and self._dtls.ready and self._audio.send(packet)

    @property
    def takes_audio(self) -> bool:
        """Whether the peer is sent sound."""
        return self._audio is not None and self._audio.sends

    @property
    def takes_messages(self) -> bool:
        """Whether the peer offered a data channel section."""
        return self._choice.data is not None

    def send_message(self, text: str) -> bool:
        """Send a result on the data channel `results`.

        Returns:
            False, and counted, when the channel is not open or the reader is too slow.
        """
        channel = self._results
        size = len(text)
        if (
            channel is None
            or channel.readyState != "open"
            or channel.bufferedAmount + size > self._config.message_buffer_bytes
        ):
            self._messages_dropped += 1
            return False
        try:
            channel.send(text)
        except ValueError:  # larger than the peer takes
            self._messages_dropped += 1
            return False
        self._messages += 1
        return True

    async def add_candidates(self, fragment: str) -> None:
        """Take candidates that the peer found after its offer (trickle ICE).

        Raises:
            BadSdp: not a trickle fragment, or one that asks for an ICE restart.
        """
        found = parse_fragment(fragment)
        if found.ufrag is not None and found.ufrag != self._choice.transport.ufrag:
            raise BadSdp("trickle fragment: another a=ice-ufrag; ICE restart is not supported")
        for candidate in found.candidates:
            await self._ice.add_remote_candidate(candidate)

    def stats(self) -> PeerStats:
        """A snapshot of the counters."""
        return peer_stats(
            state=self.state,
            path=self._ice.path,
            codec=self.codec,
            connected_s=seconds(now_ns() - self._connected_ns) if self._connected_ns else 0.0,
            rtt_s=self._ice.rtt_s,
            receiver=self._receiver,
            sender=self._sender,
            packets_refused={
                "malformed_packet": self._malformed,
                "unauthentic_packet": self._dtls.unauthentic,
            },
            messages=(self._messages, self._messages_dropped),
            audio=self._audio.stats() if self._audio is not None else None,
        )

    async def close(self) -> None:
        """End the session and wait until everything is given back."""
        self._end("closed")
        await self.closed.wait()

    # Setting up.

    async def _write_answer(self) -> str:
        fingerprints = {f.algorithm: f.value for f in certificate().getFingerprints()}
        local = LocalEnd(
            ufrag=self._ice.local_username,
            password=self._ice.local_password,
            fingerprint=("sha-256", fingerprints["sha-256"]),
            setup=self._setup,
            candidates=await self._ice.offered_candidates(),
            ssrc=self._ssrc,
            rtx_ssrc=self._rtx_ssrc,
            audio_ssrc=self._audio_ssrc,
            session_id=secrets.randbits(62),
        )
        return write_answer(self._choice, local, self._config)

    def _open_video(
        self,
        video: VideoChoice,
        publish: Callable[[Captured], None] | None,
        on_keyframe_request: Callable[[], None] | None,
    ) -> None:
        if video.receives and publish is not None:
            self._receiver = VideoReceiver(
                codec=video.codec,
                payload_type=video.fmt.payload_type,
                rtx_payload_type=video.rtx.payload_type if video.rtx else None,
                feedback=video.feedback,
                transport_cc_id=video.extensions.get(TRANSPORT_CC_URI),
                abs_send_time_id=video.extensions.get(ABS_SEND_TIME_URI),
                send_rtcp=self._dtls.send_rtcp,
                rtt_s=lambda: self._ice.rtt_s,
                on_picture=publish,
                config=self._config,
                ssrc=self._ssrc,
                clock=self._audio.clock if self._audio is not None else None,
            )
        if video.sends:
            extensions: list[tuple[int, bytes]] = []
            delay = self._config.playout_delay_ms
            if delay is not None and PLAYOUT_DELAY_URI in video.extensions:
                extensions.append((video.extensions[PLAYOUT_DELAY_URI], playout_delay(*delay)))
            if MID_URI in video.extensions and video.section.mid is not None:
                extensions.append((video.extensions[MID_URI], video.section.mid.encode()))
            self._sender = VideoSender(
                self._dtls.send_rtp,
                self._dtls.send_rtcp,
                ssrc=self._ssrc,
                payload_type=video.fmt.payload_type,
                rtx=(self._rtx_ssrc, video.rtx.payload_type) if video.rtx else None,
                extensions=extensions,
                on_keyframe_request=on_keyframe_request,
                history_packets=self._config.max_history_packets,
            )

    # Living.

    async def _run(self) -> None:
        """The life of the connection, from checking to teardown."""
        connecting = asyncio.create_task(self._connect())
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait(
                (connecting, ending),
                timeout=self._config.connect_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not connecting.done():
                self._end(f"not connected within {self._config.connect_timeout_s:g} s")
            elif (failure := connecting.exception()) is not None:
                self._end(f"no connection: {type(failure).__name__}: {failure}")
            elif not connecting.result():
                self._end("no connection came about")
            else:
                await self._serve(ending)
        finally:
            for task in (connecting, ending):
                task.cancel()
            await asyncio.wait((connecting, ending))
            await self._tear_down()

    async def _serve(self, ending: "asyncio.Task[Literal[True]]") -> None:
        """From connected to the end."""
        self.state = "connected"
        self._connected_ns = now_ns()
        if self._sender is not None:
            self._sender.request_keyframe()
        watching = asyncio.create_task(self._dtls.wait_closed())
        await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        await asyncio.wait([watching])
        self._end(self._dtls.failure or "the peer ended the session")

    async def _connect(self) -> bool:
        self.state = "connecting"
        remote = self._choice.transport
        self._ice.remote_is_lite = self._choice.offer.ice_lite
        self._ice.remote_username = remote.ufrag
        self._ice.remote_password = remote.password
        for candidate in remote.candidates:
            await self._ice.add_remote_candidate(candidate)
        fingerprints = [
            RTCDtlsFingerprint(algorithm=algorithm, value=value)
            for algorithm, value in remote.fingerprints
        ]
        try:
            await self._ice.connect()
            if not await self._dtls.connect(RTCDtlsParameters(fingerprints=fingerprints)):
                return False
            if self._sctp is not None and self._choice.data is not None:
                capabilities = RTCSctpCapabilities(self._choice.data.max_message_bytes)
                await self._sctp.start(capabilities, self._choice.data.sctp_port or 5000)
        except ConnectionError:
            return False
        return True

    def _end(self, reason: str) -> None:
        if not self._ending.is_set():
            self.reason = reason
            self._ending.set()

    async def _tear_down(self) -> None:
        was, self.state = self.state, "closed"
        try:
            if self._sender is not None:
                self._sender.close()
            if self._audio is not None:
                self._audio.close()
            if self._receiver is not None:
                self._receiver.close()
            if self._sctp is not None:
                await self._sctp.stop()
            await self._dtls.stop()
            await self._ice.close()
            self._ice.on_media = None
            if self._receiver is not None:
                await asyncio.to_thread(self._receiver.decoding.join, _JOIN_S)
        finally:
            log.info("peer closed", peer=self.id[:6], was=was, reason=self.reason)
            self.closed.set()

    # What arrives.

    def _on_rtp(self, data: bytes, arrival_ns: int) -> None:
        if self._receiver is None:
            return
        try:
            packet = RtpPacket.parse(data)
        except ValueError:
            self._malformed += 1
            return
        if self._audio is None or not self._audio.receive(packet, arrival_ns):
            self._receiver.receive(packet, arrival_ns, len(data))

    def _on_rtcp(self, data: bytes) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, IndexError, ArithmeticError):
            self._malformed += 1
            return
        for packet in packets:
            if self._sender is not None:
                self._sender.handle_rtcp(packet)
            if self._receiver is not None:
                self._receiver.receive_rtcp(packet)
            if self._audio is not None:
                self._audio.receive_rtcp(packet)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._channels += 1
        if self._channels > _MAX_CHANNELS:
            channel.close()
            return
        if channel.label == RESULTS_CHANNEL:
            self._results = channel
        channel.on("message", self._on_channel_message)

    def _on_channel_message(self, message: str | bytes) -> None:
        if self._on_message is not None and isinstance(message, str):
            self._on_message(message)
