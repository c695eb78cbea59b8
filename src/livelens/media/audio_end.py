"""The sound of one peer: what he publishes, and what he is sent."""

from collections.abc import Callable

from aiortc.rtp import AnyRtcpPacket

from livelens.media.audio_clock import PublisherClock
from livelens.media.audio_receiver import AudioPacket, AudioReceiver
from livelens.media.audio_sender import AudioSender
from livelens.media.peer_stats import AudioStats
from livelens.media.rtp import MID_URI, RtpPacket
from livelens.media.sdp_answer import AudioChoice


class AudioEnd:
    """What was agreed for sound, at work. On the loop thread.

    Args:
        choice: what was agreed.
        send_rtp, send_rtcp: encrypt and send; false when there is no path.
        ssrc: our own, of what is sent and of reports.
        on_packet: takes the publisher's sound.

    Attributes:
        clock: of the publisher, to be told of his pictures.
    """

    def __init__(
        self,
        choice: AudioChoice,
        send_rtp: Callable[[bytes], bool],
        send_rtcp: Callable[[bytes], bool],
        *,
        ssrc: int,
        on_packet: Callable[[AudioPacket], None] | None,
    ) -> None:
        self.clock = PublisherClock()
        self._receiver: AudioReceiver | None = None
        self._sender: AudioSender | None = None
        self._payload_type = choice.fmt.payload_type
        if choice.receives and on_packet is not None:
            self._receiver = AudioReceiver(
                send_rtcp=send_rtcp, on_packet=on_packet, clock=self.clock, ssrc=ssrc
            )
        if choice.sends:
            extensions: list[tuple[int, bytes]] = []
            if MID_URI in choice.extensions and choice.section.mid is not None:
                extensions.append((choice.extensions[MID_URI], choice.section.mid.encode()))
            self._sender = AudioSender(
                send_rtp,
                send_rtcp,
                ssrc=ssrc,
                payload_type=self._payload_type,
                extensions=extensions,
            )

    @property
    def sends(self) -> bool:
        """Whether the peer is sent sound."""
        return self._sender is not None

    def send(self, packet: AudioPacket) -> bool:
        """Send a packet to the viewer; false when it is left out."""
        return self._sender is not None and self._sender.send(packet)

    def receive(self, packet: RtpPacket, arrival_ns: int) -> bool:
        """Take in a packet of the publisher; false when it is not of his sound."""
        if self._receiver is None or packet.payload_type != self._payload_type:
            return False
        self._receiver.receive(packet, arrival_ns)
        return True

    def receive_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take in one RTCP packet of the peer."""
        if self._sender is not None:
            self._sender.handle_rtcp(packet)
        if self._receiver is not None:
            self._receiver.receive_rtcp(packet)

    def stats(self) -> AudioStats | None:
        """The counters; of a peer that does both, those of sending."""
        if self._sender is not None:
            sent = self._sender.counts
            return AudioStats(
                packets=sent.packets,
                bytes=sent.octets,
                lost=sent.lost,
                loss=sent.loss,
                jitter_s=sent.jitter_s,
                dropped={"late": sent.late},
            )
        if self._receiver is not None:
            got = self._receiver.counts
            return AudioStats(
                packets=got.packets,
                bytes=got.octets,
                lost=got.lost,
                loss=got.loss,
                jitter_s=got.jitter_s,
                dropped=dict(got.dropped),
            )
        return None

    def close(self) -> None:
        """Tell the viewer that nothing more comes."""
        if self._sender is not None:
            self._sender.close()
