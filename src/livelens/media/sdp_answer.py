"""Choosing from an offer, and writing the answer.

One video section at most is used, one audio section beside it, and one data channel
section. Everything is bundled on one transport. H.264 is preferred: it is the cheaper one
to decode and to encode here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aioice import Candidate

from livelens.errors import BadSdp
from livelens.media.payload import VideoCodec
from livelens.media.rtc_config import RtcConfig
from livelens.media.rtp import ABS_SEND_TIME_URI, MID_URI, PLAYOUT_DELAY_URI, TRANSPORT_CC_URI
from livelens.media.sdp import Format, Offer, Section

_STREAM: Final = "livelens"
_CNAME: Final = "livelens"
MAX_MESSAGE_BYTES: Final = 262_144
_OPUS: Final = ("opus", 48_000)


@dataclass(frozen=True, slots=True)
class VideoChoice:
    """What was agreed for video.

    Attributes:
        direction: of this side.
        feedback: RTCP feedback agreed on, such as "nack pli".
        extensions: header extension ids by URI.
    """

    section: Section
    codec: VideoCodec
    fmt: Format
    rtx: Format | None
    direction: str
    feedback: frozenset[str]
    extensions: dict[str, int]

    @property
    def receives(self) -> bool:
        """Whether the peer sends video to this side."""
        return self.direction in ("recvonly", "sendrecv")

    @property
    def sends(self) -> bool:
        """Whether this side sends video to the peer."""
        return self.direction in ("sendonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """What was agreed for sound, which is Opus. No feedback: nothing is sent again, and
    what the link carries is estimated by the video.

    Attributes:
        direction: of this side.
        extensions: header extension ids by URI.
    """

    section: Section
    fmt: Format
    direction: str
    extensions: dict[str, int]

    @property
    def receives(self) -> bool:
        """Whether the peer sends sound to this side."""
        return self.direction in ("recvonly", "sendrecv")

    @property
    def sends(self) -> bool:
        """Whether this side sends sound to the peer."""
        return self.direction in ("sendonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was agreed on, section by section.

    Attributes:
        transport: the section whose ICE and DTLS values hold for all.
        video: the video section in use.
        audio: the audio section in use.
        data: the data channel section in use.
    """

    offer: Offer
    transport: Section
    video: VideoChoice | None
    audio: AudioChoice | None
    data: Section | None

    def accepts(self, section: Section) -> bool:
        """Whether a section is part of the bundle of the answer."""
        if section.mid is None or section.mid not in self.offer.bundle:
            return section is self.transport
        if section.kind == "application":
            return section is self.data
        if self.video is not None and section is self.video.section:
            return True
        # Kept in the bundle, inactive: some senders stumble over a refused first section.
        return section.kind in ("audio", "video") and bool(_first_format(section))


def choose(offer: Offer, *, publish: bool, watch: bool, audio: bool = True) -> Choice:
    """Decide what of the offer to take.

    Args:
        publish: take the peer's video.
        watch: send video to the peer.
        audio: take and send sound too.

    Raises:
        BadSdp: the offer holds nothing that serves.
    """
    video = _choose_video(offer, publish=publish, watch=watch)
    usable = [s for s in offer.sections if s.kind == "application" and s.sctp_port is not None]
    data = next((s for s in usable if "SCTP" in s.protocol and s.mid is not None), None)
    if video is None and (publish or data is None):
        raise BadSdp(_why_no_video(offer, publish=publish))
    main = video.section if video is not None else data
    assert main is not None
    if data is not main and data is not None and not _bundled(offer, main, data):
        data = None
    transport = main
    if main.mid in offer.bundle:
        by_mid = {section.mid: section for section in offer.sections}
        tagged = by_mid[offer.bundle[0]]
        transport = tagged if tagged.ufrag is not None else main
    sound = _choose_audio(offer, video, publish=publish, watch=watch) if audio else None
    return Choice(offer, transport, video, sound, data)


def _bundled(offer: Offer, *sections: Section) -> bool:
    return all(section.mid in offer.bundle for section in sections)


def _choose_video(offer: Offer, *, publish: bool, watch: bool) -> VideoChoice | None:
    for section in offer.sections:
        if section.kind != "video" or (section.port == 0 and not _bundled(offer, section)):
            continue
        takes = publish and section.direction in ("sendonly", "sendrecv")
        gives = watch and section.direction in ("recvonly", "sendrecv")
        found = _choose_format(section, sends=gives)
        if found is None or not (takes or gives) or not section.rtcp_mux:
            continue
        codec, fmt = found
        rtx = next(
            (
                f
                for f in section.formats.values()
                if f.encoding == "rtx" and f.apt == fmt.payload_type
            ),
            None,
        )
        direction = "sendrecv" if takes and gives else "recvonly" if takes else "sendonly"
        wanted = {"nack", "nack pli", "ccm fir", "goog-remb"}
        uris = [MID_URI]
        if takes:
            wanted.add("transport-cc")
            uris += [TRANSPORT_CC_URI, ABS_SEND_TIME_URI]
        if gives:
            uris.append(PLAYOUT_DELAY_URI)
        extensions = {uri: section.extensions[uri] for uri in uris if uri in section.extensions}
        feedback = frozenset(wanted & fmt.feedback)
        if TRANSPORT_CC_URI not in extensions:
            feedback -= {"transport-cc"}
        return VideoChoice(section, codec, fmt, rtx, direction, feedback, extensions)
    return None


def _choose_audio(
    offer: Offer, video: VideoChoice | None, *, publish: bool, watch: bool
) -> AudioChoice | None:
    """The first section with Opus that shares the transport of the video."""
    if video is None:
        return None
    taken = {video.fmt.payload_type, video.rtx.payload_type if video.rtx else -1}
    for section in offer.sections:
        if section.kind != "audio" or not _bundled(offer, section, video.section):
            continue
        takes = publish and section.direction in ("sendonly", "sendrecv")
        gives = watch and section.direction in ("recvonly", "sendrecv")
        opus = next((f for f in _formats(section) if (f.encoding, f.clock_hz) == _OPUS), None)
        usable = (takes or gives) and section.rtcp_mux
        # One number for two things on one transport cannot be told apart.
        if opus is None or not usable or opus.payload_type in taken:
            continue
        direction = "sendrecv" if takes and gives else "recvonly" if takes else "sendonly"
        extensions = {MID_URI: section.extensions[MID_URI]} if MID_URI in section.extensions else {}
        return AudioChoice(section, opus, direction, extensions)
    return None


def _choose_format(section: Section, *, sends: bool) -> tuple[VideoCodec, Format] | None:
    """The best format: H.264 constrained baseline, any other H.264, VP8.

    Args:
        sends: this side sends, and does so in packetization-mode 1 only.
    """
    best: tuple[int, VideoCodec, Format] | None = None
    for fmt in _formats(section):
        if fmt.clock_hz != 90_000:
            continue
        rank = _rank(fmt, sends=sends)
        if rank is not None and (best is None or rank < best[0]):
            best = (rank, "vp8" if fmt.encoding == "vp8" else "h264", fmt)
    return None if best is None else (best[1], best[2])


def _rank(fmt: Format, *, sends: bool) -> int | None:
    if fmt.encoding == "vp8":
        return 9
    if fmt.encoding != "h264":
        return None
    mode = fmt.parameters.get("packetization-mode", "0")
    if mode == "0" and not sends:
        return 8
    if mode != "1":
        return None
    profile = fmt.parameters.get("profile-level-id", "42e01f").lower()[:4]
    return {"42e0": 0, "42c0": 1, "4200": 2, "4d00": 3, "4d40": 3}.get(profile, 4)


def _formats(section: Section) -> Iterator[Format]:
    """In the order that the peer prefers."""
    for word in section.payload_types:
        fmt = section.formats.get(int(word)) if word.isdecimal() else None
        if fmt is not None:
            yield fmt


def _first_format(section: Section) -> Format | None:
    return next(_formats(section), None)


def _why_no_video(offer: Offer, *, publish: bool) -> str:
    sections = [s for s in offer.sections if s.kind == "video"]
    if not sections:
        return "SDP offer: no video section (m=video)"
    section = sections[0]
    where = f"SDP offer, line {section.line}: m=video"
    if _choose_format(section, sends=not publish) is None:
        names = sorted({f.encoding for f in section.formats.values()})
        return (
            f"{where} offers {', '.join(names) or 'no codec'}; "
            "H264 (packetization-mode=1) or VP8 is needed"
        )
    if not section.rtcp_mux:
        return f"{where} has no a=rtcp-mux"
    wanted = "sendonly or sendrecv" if publish else "recvonly or sendrecv"
    return f"{where} is {section.direction}; {wanted} is needed"


@dataclass(frozen=True, slots=True)
class LocalEnd:
    """What this side puts into the answer."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    setup: str
    candidates: Sequence[Candidate]
    ssrc: int
    rtx_ssrc: int
    audio_ssrc: int
    session_id: int


def write_answer(choice: Choice, local: LocalEnd, config: RtcConfig) -> str:
    """The answer, as SDP text."""
    offer = choice.offer
    mids = [s.mid for s in offer.sections if choice.accepts(s) and s.mid is not None]
    lines = [
        "v=0",
        f"o=- {local.session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if offer.bundle:
        lines.append(f"a=group:BUNDLE {' '.join(mids)}")
    lines += ["a=ice-options:trickle", f"a=msid-semantic: WMS {_STREAM}"]
    for section in offer.sections:
        lines += _section_lines(choice, section, local, config)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(
    choice: Choice, section: Section, local: LocalEnd, config: RtcConfig
) -> list[str]:
    mid = [] if section.mid is None else [f"a=mid:{section.mid}"]
    if not choice.accepts(section):
        formats = " ".join(section.payload_types)
        return [
            f"m={section.kind} 0 {section.protocol} {formats}",
            "c=IN IP4 0.0.0.0",
            *mid,
            *(["a=inactive"] if section.kind in ("audio", "video") else []),
        ]
    video = choice.video
    if section is choice.data:
        body = _data_lines(section)
    elif video is not None and section is video.section:
        body = _video_lines(video, local, config)
    elif choice.audio is not None and section is choice.audio.section:
        body = _audio_lines(choice.audio, local)
    else:
        fmt = _first_format(section)
        assert fmt is not None
        body = [
            f"m={section.kind} 9 {section.protocol} {fmt.payload_type}",
            "c=IN IP4 0.0.0.0",
            "a=inactive",
            "a=rtcp-mux",
            f"a=rtpmap:{fmt.payload_type} {fmt.line}",
        ]
    return [*body, *mid, *_transport_lines(local)]


def _transport_lines(local: LocalEnd) -> list[str]:
    return [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}",
        f"a=setup:{local.setup}",
        *(f"a=candidate:{candidate.to_sdp()}" for candidate in local.candidates),
        "a=end-of-candidates",
    ]


def _data_lines(section: Section) -> list[str]:
    return [
        f"m=application 9 {section.protocol} webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=sctp-port:5000",
        f"a=max-message-size:{MAX_MESSAGE_BYTES}",
    ]


def _video_lines(video: VideoChoice, local: LocalEnd, config: RtcConfig) -> list[str]:
    fmt, rtx = video.fmt, video.rtx
    types = [str(f.payload_type) for f in (fmt, rtx) if f is not None]
    lines = [
        f"m=video 9 {video.section.protocol} {' '.join(types)}",
        "c=IN IP4 0.0.0.0",
        f"a={video.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=extmap:{key} {uri}" for uri, key in video.extensions.items()),
        f"a=rtpmap:{fmt.payload_type} {fmt.line}",
        *(f"a=rtcp-fb:{fmt.payload_type} {one}" for one in sorted(video.feedback)),
    ]
    parameters = _parameters(video, config)
    if parameters:
        lines.append(f"a=fmtp:{fmt.payload_type} {parameters}")
    if rtx is not None:
        lines.append(f"a=rtpmap:{rtx.payload_type} {rtx.line}")
        lines.append(f"a=fmtp:{rtx.payload_type} apt={fmt.payload_type}")
    if video.sends:
        lines.append(f"a=msid:{_STREAM} video")
        ssrcs = [local.ssrc] if rtx is None else [local.ssrc, local.rtx_ssrc]
        if rtx is not None:
            lines.append(f"a=ssrc-group:FID {local.ssrc} {local.rtx_ssrc}")
        lines += [f"a=ssrc:{ssrc} cname:{_CNAME}" for ssrc in ssrcs]
    return lines


def _audio_lines(audio: AudioChoice, local: LocalEnd) -> list[str]:
    fmt = audio.fmt
    lines = [
        f"m=audio 9 {audio.section.protocol} {fmt.payload_type}",
        "c=IN IP4 0.0.0.0",
        f"a={audio.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=extmap:{key} {uri}" for uri, key in audio.extensions.items()),
        f"a=rtpmap:{fmt.payload_type} {fmt.line}",
    ]
    # What the peer says of his own side (stereo, repair in the packets, silence) suits
    # this one, which passes on whatever it is.
    if fmt.parameters:
        pairs = ";".join(f"{key}={value}" for key, value in fmt.parameters.items())
        lines.append(f"a=fmtp:{fmt.payload_type} {pairs}")
    if audio.sends:
        # Of one stream with the video, so that browsers keep the two together.
        lines += [f"a=msid:{_STREAM} audio", f"a=ssrc:{local.audio_ssrc} cname:{_CNAME}"]
    return lines


def _parameters(video: VideoChoice, config: RtcConfig) -> str:
    pairs: list[tuple[str, str]] = []
    if video.codec == "h264":
        pairs += [
            ("level-asymmetry-allowed", "1"),
            ("packetization-mode", video.fmt.parameters.get("packetization-mode", "0")),
            ("profile-level-id", video.fmt.parameters.get("profile-level-id", "42e01f")),
        ]
    if video.receives:
        # In kbit/s; understood by libwebrtc alone, ignored by others.
        most_bps = config.max_bitrate_bps or config.start_bitrate_bps
        for name, bps in (
            ("start", min(config.start_bitrate_bps, most_bps)),
            ("min", config.min_bitrate_bps),
            ("max", config.max_bitrate_bps),
        ):
            if bps:
                pairs.append((f"x-google-{name}-bitrate", str(bps // 1000)))
    return ";".join(f"{key}={value}" for key, value in pairs)
