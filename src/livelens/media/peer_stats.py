"""What a peer has done so far, and how its link is."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from livelens.clock import now_ns
from livelens.media.rtp_receiver import VideoReceiver
from livelens.media.rtp_sender import VideoSender

PeerState = Literal["new", "connecting", "connected", "closed"]


class AudioStats(msgspec.Struct, frozen=True):
    """The sound of a peer.

    Attributes:
        packets, bytes: sent to a viewer, or received from a publisher.
        lost: packets that did not arrive, so far.
        loss: share of them in the last second.
        dropped: packets that arrived or waited in vain, by reason.
    """

    packets: int
    bytes: int
    lost: int
    loss: float
    jitter_s: float
    dropped: dict[str, int]


class PeerStats(msgspec.Struct, frozen=True):
    """What a peer has done so far, and how its link is.

    Attributes:
        path: the two addresses in use.
        rtt_s: round-trip time, as reported last.
        loss: share of packets lost in the last second.
        bitrate_bps: of media, over the last three seconds.
        packets, keyframes: sent to a viewer, or received from a publisher.
        packets_lost: on the way, those that came after all not counted where that is known.
        keyframe_interval_s: between keyframes, the mean of the last five.
        nacks, plis: asked for by the peer, or of it.
        recovered: packets sent again, or received again.
        estimate_bps: what a viewer says his link can take.
        dropped: pictures by reason.
        messages, messages_dropped: results on the data channel.
        audio: sound; None where none was agreed on.
    """

    state: PeerState
    path: str | None
    codec: str | None
    connected_s: float
    rtt_s: float | None
    loss: float
    jitter_s: float
    bitrate_bps: float
    packets: int
    packets_lost: int
    pictures: int
    keyframes: int
    keyframe_interval_s: float | None
    nacks: int
    plis: int
    recovered: int
    estimate_bps: int | None
    dropped: dict[str, int]
    messages: int
    messages_dropped: int
    audio: AudioStats | None = None


def peer_stats(
    *,
    state: PeerState,
    path: str | None,
    codec: str | None,
    connected_s: float,
    rtt_s: float | None,
    receiver: VideoReceiver | None,
    sender: VideoSender | None,
    packets_refused: Mapping[str, int],
    messages: tuple[int, int],
    audio: AudioStats | None,
) -> PeerStats:
    """Gather the counters. Of a peer that sends and receives, those of sending are told."""
    dropped = dict(packets_refused)
    packets = packets_lost = pictures = keyframes = nacks = plis = recovered = 0
    loss = jitter_s = bitrate_bps = 0.0
    estimate_bps = keyframe_interval_s = None
    now = now_ns()
    if receiver is not None:
        got, frames, decoding = receiver.counts, receiver.jitter_counts, receiver.decoding
        packets, packets_lost, recovered = got.packets, got.lost, got.rtx
        bitrate_bps = receiver.throughput.bps(now)
        keyframe_interval_s = receiver.keyframe_intervals.mean_s
        pictures, keyframes = decoding.decoded, frames.keyframes
        nacks, plis, loss, jitter_s = got.nacks, got.plis, got.loss, got.jitter_s
        dropped["lost"] = frames.frames_dropped
        dropped["malformed"] = got.malformed
        dropped["decode_overrun"] = decoding.overrun
        dropped["undecodable"] = decoding.undecodable
    if sender is not None:
        sent = sender.counts
        packets, packets_lost, recovered = sent.packets, sent.packets_lost, sent.retransmitted
        bitrate_bps += sender.throughput.bps(now)
        keyframe_interval_s = sender.keyframe_intervals.mean_s
        rtt_s = sent.rtt_s if sent.rtt_s is not None else rtt_s
        pictures, keyframes = sent.pictures, sent.keyframes
        nacks, plis, loss, jitter_s = sent.nacks, sent.keyframe_requests, sent.loss, sent.jitter_s
        estimate_bps = sent.estimate_bps
        dropped["waiting_keyframe"] = sent.waiting_keyframe
    return PeerStats(
        state=state,
        path=path,
        codec=codec,
        connected_s=connected_s,
        rtt_s=rtt_s,
        loss=loss,
        jitter_s=jitter_s,
        bitrate_bps=bitrate_bps,
        packets=packets,
        packets_lost=packets_lost,
        pictures=pictures,
        keyframes=keyframes,
        keyframe_interval_s=keyframe_interval_s,
        nacks=nacks,
        plis=plis,
        recovered=recovered,
        estimate_bps=estimate_bps,
        dropped=dropped,
        messages=messages[0],
        messages_dropped=messages[1],
        audio=audio,
    )
