"""Reading what a WebRTC peer offers (RFC 8866, RFC 8839, RFC 8843, RFC 9725).

Offers come from strangers: whatever is wrong with one becomes a `BadSdp` that names the line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aioice import Candidate

from livelens.errors import BadSdp

MAX_SDP_BYTES: Final = 65_536
_MAX_MEDIA: Final = 16
_MAX_CANDIDATES: Final = 64
_ICE_CHARACTERS: Final = re.compile(r"[A-Za-z0-9+/\-_=]{4,256}")
_DIGEST_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_SETUPS: Final = ("actpass", "active", "passive")


@dataclass(slots=True)
class Format:
    """One payload type of a media section."""

    payload_type: int
    encoding: str
    clock_hz: int
    line: str
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: set[str] = field(default_factory=set)

    @property
    def apt(self) -> int | None:
        """The payload type that this one retransmits."""
        value = self.parameters.get("apt", "")
        return int(value) if value.isdecimal() else None


@dataclass(slots=True)
class Section:
    """One m= section. ICE and DTLS values are those of the session where it has none."""

    kind: str
    port: int
    protocol: str
    payload_types: list[str]
    line: int
    mid: str | None = None
    direction: str = "sendrecv"
    rtcp_mux: bool = False
    formats: dict[int, Format] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx_of: dict[int, int] = field(default_factory=dict)
    ufrag: str | None = None
    password: str | None = None
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str | None = None
    candidates: list[Candidate] = field(default_factory=list)
    sctp_port: int | None = None
    max_message_bytes: int = 65_536

    @property
    def feedback_of_all(self) -> set[str]:
        """Feedback that every format of the section allows."""
        sets = [one.feedback for one in self.formats.values()]
        return set.intersection(*sets) if sets else set()


@dataclass(slots=True)
class Offer:
    """A parsed and checked offer."""

    sections: list[Section]
    bundle: list[str]
    ice_lite: bool


def parse_offer(text: str) -> Offer:
    """Read an offer.

    Raises:
        BadSdp: it is not SDP, or lacks what WebRTC needs.
    """
    if len(text.encode(errors="replace")) > MAX_SDP_BYTES:
        raise BadSdp(f"SDP offer: larger than {MAX_SDP_BYTES} bytes")
    lines = list(_lines(text))
    if not lines:
        raise BadSdp("SDP offer: empty")
    if lines[0][1] != "v=0":
        raise BadSdp(f"SDP offer, line 1: expected v=0, found {_quote(lines[0][1])}")
    session = Section("session", 0, "", [], 1)
    offer = Offer([], [], False)
    current = session
    about_formats: list[tuple[int, Section, str, str]] = []
    for number, line in lines:
        if len(line) < 2 or line[1] != "=" or not line[0].islower():
            raise BadSdp(f"SDP offer, line {number}: {_quote(line)} is not SDP")
        if line[0] == "m":
            if len(offer.sections) == _MAX_MEDIA:
                raise BadSdp(f"SDP offer, line {number}: more than {_MAX_MEDIA} media sections")
            current = _parse_media(number, line)
            offer.sections.append(current)
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            if name in ("fmtp", "rtcp-fb"):  # Firefox has them before the rtpmap they speak of
                about_formats.append((number, current, name, value))
            else:
                _parse_numbered(number, offer, current, name, value)
    for number, section, name, value in about_formats:
        _parse_numbered(number, offer, section, name, value)
    _inherit(session, offer)
    _check(offer)
    return offer


def _parse_numbered(number: int, offer: Offer, section: Section, name: str, value: str) -> None:
    try:
        _parse_attribute(offer, section, name, value)
    except (ValueError, IndexError) as error:
        why = str(error) or "cannot be read"
        raise BadSdp(f"SDP offer, line {number}: a={name}: {why}") from error


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(re.split("\r\n|\n|\r", text), start=1):
        if line.strip():
            yield number, line.rstrip()


def _quote(line: str) -> str:
    return ascii(line if len(line) <= 40 else line[:37] + "...")


def _parse_media(number: int, line: str) -> Section:
    words = line[2:].split()
    if len(words) < 4 or not words[1].isdecimal():
        raise BadSdp(f"SDP offer, line {number}: {_quote(line)} is not a media section")
    return Section(words[0], int(words[1]), words[2], words[3:], number)


def _parse_attribute(offer: Offer, section: Section, name: str, value: str) -> None:
    if name in _DIRECTIONS:
        section.direction = name
    elif name == "group" and value.startswith("BUNDLE"):
        offer.bundle = value.split()[1:]
    elif name == "ice-lite":
        offer.ice_lite = True
    elif name == "mid":
        section.mid = _token(value)
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name in ("ice-ufrag", "ice-pwd", "fingerprint", "setup", "candidate"):
        _parse_transport_attribute(section, name, value)
    elif name == "sctp-port":
        section.sctp_port = _number(value, 65535)
    elif name == "max-message-size":
        section.max_message_bytes = _number(value, 1 << 40)
    else:
        _parse_rtp_attribute(section, name, value)


def _parse_transport_attribute(section: Section, name: str, value: str) -> None:
    if name == "fingerprint":
        section.fingerprints.append(_parse_fingerprint(value))
    elif name == "setup":
        if value not in _SETUPS:
            raise ValueError(f"{_quote(value)} is not one of {', '.join(_SETUPS)}")
        section.setup = value
    elif name == "candidate":
        if len(section.candidates) >= _MAX_CANDIDATES:
            raise ValueError(f"more than {_MAX_CANDIDATES} candidates")
        section.candidates.append(parse_candidate(value))
    elif not _ICE_CHARACTERS.fullmatch(value):
        raise ValueError("not 4 to 256 ICE characters")
    elif name == "ice-ufrag":
        section.ufrag = value
    else:
        section.password = value


def _parse_rtp_attribute(section: Section, name: str, value: str) -> None:
    if name == "rtpmap":
        payload_type, _, encoding = value.partition(" ")
        words = encoding.split("/")
        number = _number(payload_type, 127)
        codec = Format(number, words[0].lower(), _number(words[1], 1 << 31), encoding.strip())
        section.formats[number] = codec
    elif name == "fmtp":
        payload_type, _, parameters = value.partition(" ")
        fmt = section.formats.get(_number(payload_type, 127))
        if fmt is not None:
            pairs = (one.strip().partition("=") for one in parameters.split(";"))
            fmt.parameters = {key.lower(): text for key, _, text in pairs if key}
    elif name == "rtcp-fb":
        payload_type, _, feedback = value.partition(" ")
        for number, fmt in section.formats.items():
            if payload_type in ("*", str(number)):
                fmt.feedback.add(feedback.strip().lower())
    elif name == "extmap":
        words = value.split()
        section.extensions.setdefault(words[1], _number(words[0].partition("/")[0], 255))
    elif name == "ssrc":
        ssrc = _number(value.partition(" ")[0], 0xFFFFFFFF)
        if ssrc not in section.ssrcs:
            section.ssrcs.append(ssrc)
    elif name == "ssrc-group":
        words = value.split()
        if words[0] == "FID" and len(words) == 3:
            section.rtx_of[_number(words[2], 0xFFFFFFFF)] = _number(words[1], 0xFFFFFFFF)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or int(text) > most:
        raise ValueError(f"{_quote(text)} is not a number in 0..{most}")
    return int(text)


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,64}", text):
        raise ValueError(f"{_quote(text)} is not a token")
    return text


def _parse_fingerprint(value: str) -> tuple[str, str]:
    algorithm, _, digest = value.partition(" ")
    algorithm, digest = algorithm.lower(), digest.strip().upper()
    size = _DIGEST_BYTES.get(algorithm)
    if size is not None and not re.fullmatch(
        rf"(?:[0-9A-F]{{2}}:){{{size - 1}}}[0-9A-F]{{2}}", digest
    ):
        raise ValueError(f"not a {algorithm} digest")
    return algorithm, digest


def parse_candidate(text: str) -> Candidate:
    """The value of an a=candidate line.

    Raises:
        ValueError: it is not a candidate.
    """
    try:
        candidate = Candidate.from_sdp(text)
    except (ValueError, IndexError, AssertionError) as error:
        raise ValueError(f"{_quote(text)} is not a candidate") from error
    words = text.split()
    if words[6] != "typ" or words[7] not in ("host", "srflx", "prflx", "relay"):
        raise ValueError(f"{_quote(text)} is not a candidate")
    candidate.transport = candidate.transport.lower()
    if not 0 <= candidate.port <= 65535:
        raise ValueError(f"port {candidate.port} is not in 0..65535")
    return candidate


def _inherit(session: Section, offer: Offer) -> None:
    for section in offer.sections:
        section.ufrag = section.ufrag or session.ufrag
        section.password = section.password or session.password
        section.fingerprints = section.fingerprints or session.fingerprints
        section.setup = section.setup or session.setup
        section.candidates = section.candidates or session.candidates


def _check(offer: Offer) -> None:
    if not offer.sections:
        raise BadSdp("SDP offer: no media section (m=)")
    mids = [section.mid for section in offer.sections if section.mid is not None]
    if len(set(mids)) != len(mids):
        raise BadSdp("SDP offer: two media sections have the same a=mid")
    for mid in offer.bundle:
        if mid not in mids:
            raise BadSdp(f"SDP offer: a=group:BUNDLE names {_quote(mid)}, which no section has")
    for section in offer.sections:
        if section.port == 0 and section.mid not in offer.bundle:
            continue
        where = f"SDP offer, line {section.line}: m={section.kind}"
        if section.ufrag is None or section.password is None:
            raise BadSdp(f"{where} has no a=ice-ufrag and a=ice-pwd")
        if not any(algorithm in _DIGEST_BYTES for algorithm, _ in section.fingerprints):
            raise BadSdp(f"{where} has no a=fingerprint of SHA-256, SHA-384 or SHA-512")
        if section.setup is None:
            raise BadSdp(f"{where} has no a=setup")


@dataclass(slots=True)
class Fragment:
    """Candidates sent after the offer (`application/trickle-ice-sdpfrag`, RFC 8840)."""

    ufrag: str | None
    password: str | None
    candidates: list[Candidate]


def parse_fragment(text: str) -> Fragment:
    """Read a trickle fragment.

    Raises:
        BadSdp: it is not one.
    """
    if len(text.encode(errors="replace")) > MAX_SDP_BYTES:
        raise BadSdp(f"trickle fragment: larger than {MAX_SDP_BYTES} bytes")
    fragment = Fragment(None, None, [])
    lines = list(_lines(text))
    if not lines:
        raise BadSdp("trickle fragment: empty")
    for number, line in lines:
        if not re.match("[a-z]=", line):
            raise BadSdp(f"trickle fragment, line {number}: {_quote(line)} is not SDP")
        name, _, value = line[2:].partition(":")
        if line[0] != "a":
            continue
        if name == "ice-ufrag":
            fragment.ufrag = value
        elif name == "ice-pwd":
            fragment.password = value
        elif name == "candidate" and value:
            if len(fragment.candidates) >= _MAX_CANDIDATES:
                raise BadSdp(f"trickle fragment: more than {_MAX_CANDIDATES} candidates")
            try:
                fragment.candidates.append(parse_candidate(value))
            except ValueError as error:
                raise BadSdp(f"trickle fragment, line {number}: {error}") from error
    return fragment
