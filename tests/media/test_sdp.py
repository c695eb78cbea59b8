import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.errors import BadSdp
from livelens.media.rtc_config import RtcConfig
from livelens.media.rtp import MID_URI, PLAYOUT_DELAY_URI, TRANSPORT_CC_URI
from livelens.media.sdp import parse_fragment, parse_offer
from livelens.media.sdp_answer import LocalEnd, choose, write_answer

DATA = Path(__file__).parent / "data"
PUBLISH = (DATA / "chromium-publish.sdp").read_text()
WATCH = (DATA / "chromium-watch.sdp").read_text()
FIREFOX_PUBLISH = (DATA / "firefox-publish.sdp").read_text()
FIREFOX_WATCH = (DATA / "firefox-watch.sdp").read_text()

LOCAL = LocalEnd("ufrag", "p" * 22, ("sha-256", "AA:BB"), "passive", [], 7, 8, 9, 1)


def answer(
    offer: str, *, publish: bool = False, watch: bool = False, audio: bool = True, **config: object
) -> str:
    choice = choose(parse_offer(offer), publish=publish, watch=watch, audio=audio)
    return write_answer(choice, LOCAL, RtcConfig(**config))  # type: ignore[arg-type]


def section(sdp: str, kind: str) -> list[str]:
    (found,) = [part for part in sdp.split("m=")[1:] if part.startswith(kind)]
    return ("m=" + found).splitlines()


def test_a_publishing_browser_is_asked_for_h264() -> None:
    text = answer(PUBLISH, publish=True)
    video = section(text, "video")
    choice = choose(parse_offer(PUBLISH), publish=True, watch=False)
    assert choice.video is not None
    assert choice.video.codec == "h264"
    assert choice.video.fmt.parameters["profile-level-id"] == "42e01f"
    assert choice.video.rtx is not None
    number = choice.video.fmt.payload_type
    assert video[0].endswith(f"{number} {choice.video.rtx.payload_type}")
    for feedback in ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"):
        assert f"a=rtcp-fb:{number} {feedback}" in video
    assert "a=recvonly" in video
    assert any(TRANSPORT_CC_URI in line for line in video)
    (fmtp,) = [line for line in video if line.startswith(f"a=fmtp:{number} ")]
    assert "x-google-start-bitrate=2500" in fmtp
    assert "min-bitrate" not in fmtp


def test_bitrate_limits_reach_the_answer() -> None:
    text = answer(
        PUBLISH,
        publish=True,
        start_bitrate_bps=800_000,
        min_bitrate_bps=300_000,
        max_bitrate_bps=900_000,
    )
    for pair in ("start-bitrate=800", "min-bitrate=300", "max-bitrate=900"):
        assert f"x-google-{pair}" in text


def test_the_start_is_never_above_the_limit() -> None:
    assert "start-bitrate=500;" in answer(PUBLISH, publish=True, max_bitrate_bps=500_000)


def test_what_comes_before_the_format_it_speaks_of_counts() -> None:
    """Firefox sorts its attributes: fmtp and rtcp-fb stand before rtpmap."""
    choice = choose(parse_offer(FIREFOX_PUBLISH), publish=True, watch=False)
    assert choice.video is not None
    assert (choice.video.codec, choice.video.fmt.payload_type) == ("vp8", 120)
    assert choice.video.rtx is not None
    assert choice.video.feedback == {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}
    choice = choose(parse_offer(FIREFOX_WATCH), publish=False, watch=True)
    assert choice.video is not None
    assert choice.video.feedback == {"nack", "nack pli", "ccm fir", "goog-remb"}


@pytest.mark.parametrize(
    ("offer", "number", "parameters", "mid_id"),
    [
        (PUBLISH, 111, "minptime=10;useinbandfec=1", 4),
        (FIREFOX_PUBLISH, 109, "maxplaybackrate=48000;stereo=1;useinbandfec=1", 3),
    ],
    ids=["chromium", "firefox"],
)
def test_the_sound_of_a_publisher_is_taken(
    offer: str, number: int, parameters: str, mid_id: int
) -> None:
    audio = section(answer(offer, publish=True), "audio")
    assert audio[0] == f"m=audio 9 UDP/TLS/RTP/SAVPF {number}"
    assert {
        "a=recvonly",
        f"a=rtpmap:{number} opus/48000/2",
        f"a=fmtp:{number} {parameters}",
    } <= set(audio)
    # Packets of sound carry no transport-wide numbers, which the video's feedback would miss.
    assert [line for line in audio if "extmap" in line] == [f"a=extmap:{mid_id} {MID_URI}"]
    assert not any(line.startswith(("a=rtcp-fb", "a=msid", "a=ssrc")) for line in audio)


@pytest.mark.parametrize("offer", [WATCH, FIREFOX_WATCH], ids=["chromium", "firefox"])
@pytest.mark.parametrize("direction", ["recvonly", "sendrecv"])
def test_a_viewer_who_offers_to_listen_is_sent_sound(offer: str, direction: str) -> None:
    text = answer(offer.replace("a=recvonly", f"a={direction}"), watch=True)
    audio, video = section(text, "audio"), section(text, "video")
    assert {"a=sendonly", "a=msid:livelens audio", "a=ssrc:9 cname:livelens"} <= set(audio)
    assert "a=msid:livelens video" in video  # of one stream: kept together


def test_a_viewer_who_offers_no_sound_is_answered_as_ever() -> None:
    offer = WATCH.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 1 2")
    head, _, rest = offer.partition("m=audio")
    offer = head + "m=video" + rest.partition("m=video")[2]
    assert answer(offer, watch=True) == answer(offer, watch=True, audio=False)
    assert "audio" not in answer(offer, watch=True)


@pytest.mark.parametrize(
    "offer",
    [
        WATCH.replace("opus/48000/2", "red/48000/2"),
        WATCH.replace("opus/48000/2", "opus/16000/1"),
        WATCH.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF").replace(
            "111 63 9 0", "63 9 0"
        ),
        WATCH.replace("a=recvonly", "a=sendonly", 1),
        WATCH.replace("a=rtcp-mux\r\n", "", 1).replace("a=rtcp-mux\n", "", 1),
    ],
    ids=["no-opus", "another-opus", "not-offered", "sends", "no-rtcp-mux"],
)
def test_sound_that_cannot_be_sent_is_answered_inactive(offer: str) -> None:
    assert offer != WATCH
    assert "a=inactive" in section(answer(offer, watch=True), "audio")


def test_one_number_for_sound_and_picture_is_not_taken() -> None:
    video = choose(parse_offer(PUBLISH), publish=True, watch=False).video
    assert video is not None
    offer = PUBLISH.replace("111", str(video.fmt.payload_type))
    assert "a=inactive" in section(answer(offer, publish=True), "audio")


def test_sound_alone_is_not_enough() -> None:
    with pytest.raises(BadSdp, match="no video section"):
        answer(PUBLISH.partition("m=video")[0].replace("BUNDLE 0 1", "BUNDLE 0"), publish=True)


def test_without_sound_its_section_stays_in_the_bundle_but_inactive() -> None:
    text = answer(PUBLISH, publish=True, audio=False)
    audio = section(text, "audio")
    assert audio[0].split()[1] != "0"
    assert "a=inactive" in audio
    assert "a=group:BUNDLE 0 1" in text.splitlines()


def test_a_watching_browser_gets_playout_delay_ssrcs_and_a_data_channel() -> None:
    text = answer(WATCH, watch=True)
    video = section(text, "video")
    assert "a=sendonly" in video
    assert "a=ssrc-group:FID 7 8" in video
    assert any(PLAYOUT_DELAY_URI in line for line in video)
    assert not any("x-google" in line or "transport-cc" in line for line in video)
    assert "a=sctp-port:5000" in section(text, "application")


def test_sections_come_in_the_order_of_the_offer() -> None:
    kinds = [part.split()[0] for part in answer(WATCH, watch=True).split("m=")[1:]]
    assert kinds == ["audio", "video", "application"]


def test_a_client_without_h264_gets_vp8() -> None:
    offer = WATCH.replace("H264/90000", "H265/90000")
    choice = choose(parse_offer(offer), publish=False, watch=True)
    assert choice.video is not None
    assert choice.video.codec == "vp8"


def test_single_nal_units_will_do_for_receiving_only() -> None:
    simple = "packetization-mode=0"
    offer = PUBLISH.replace("packetization-mode=1", simple).replace("VP8/90000", "X/90000")
    assert simple in answer(offer, publish=True)
    offer = WATCH.replace("packetization-mode=1", simple)
    choice = choose(parse_offer(offer), publish=False, watch=True)
    assert choice.video is not None
    assert choice.video.codec == "vp8"


def test_a_section_outside_the_bundle_is_refused() -> None:
    text = answer(WATCH.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 1"), watch=True)
    assert section(text, "audio")[0].split()[1] == "0"
    assert section(text, "application")[0].split()[1] == "0"
    assert "a=group:BUNDLE 1" in text.splitlines()


def without(offer: str, prefix: str) -> str:
    return "\r\n".join(line for line in offer.splitlines() if not line.startswith(prefix))


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        ("", "empty"),
        ("hello", "line 1: expected v=0"),
        ("v=0\r\nnonsense", "line 2: 'nonsense' is not SDP"),
        ("v=0\r\ns=-\r\n", "no media section"),
        ("v=0\r\n" + "a=x\r\n" * 20_000, "larger than 65536 bytes"),
        ("v=0\r\nm=video\r\n", "line 2: 'm=video' is not a media section"),
        (without(PUBLISH, "a=fingerprint"), "m=audio has no a=fingerprint"),
        (without(PUBLISH, "a=ice-ufrag"), "m=audio has no a=ice-ufrag"),
        (without(PUBLISH, "a=setup"), "m=audio has no a=setup"),
        (without(PUBLISH, "a=rtcp-mux"), "m=video has no a=rtcp-mux"),
        (PUBLISH.replace("a=setup:actpass", "a=setup:maybe"), "a=setup: 'maybe' is not one of"),
        (PUBLISH.replace("m=video", "m=text"), "no video section"),
        (PUBLISH.replace("a=sendonly", "a=recvonly"), "m=video is recvonly"),
        (PUBLISH.replace("H264", "X").replace("VP8", "Y"), "H264 (packetization-mode=1) or VP8"),
        (PUBLISH.replace("a=mid:1", "a=mid:0"), "the same a=mid"),
        (PUBLISH.replace("typ host", "typ"), "is not a candidate"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) and " " in value[:60] else "offer",
)
def test_bad_offers_are_refused_in_one_clear_line(offer: str, message: str) -> None:
    with pytest.raises(BadSdp) as refusal:
        answer(offer, publish=True)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_message_names_the_line() -> None:
    lines = PUBLISH.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("a=rtpmap"))
    lines[at] = "a=rtpmap:ninety VP8/90000"
    with pytest.raises(BadSdp, match=rf"line {at + 1}: a=rtpmap: 'ninety' is not a number"):
        parse_offer("\r\n".join(lines))


def attempt(offer: str) -> None:
    for publish in (True, False):
        with contextlib.suppress(BadSdp):
            answer(offer, publish=publish, watch=not publish)


def test_every_truncation_is_answered_or_refused() -> None:
    for end in range(0, len(WATCH), 7):
        attempt(WATCH[:end])


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_noise_is_refused(text: str) -> None:
    with pytest.raises(BadSdp):
        parse_offer(text)
    with contextlib.suppress(BadSdp):
        parse_fragment(text)


@given(st.integers(0, 160), st.text(max_size=30), st.integers(0, 40), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_mangled_line_is_answered_or_refused(
    number: int, text: str, keep: int, watch: bool
) -> None:
    lines = (WATCH if watch else PUBLISH).splitlines()
    lines[number] = lines[number][:keep] + text
    attempt("\r\n".join(lines))


def test_a_trickle_fragment() -> None:
    fragment = parse_fragment(
        "a=ice-ufrag:abcd\r\na=ice-pwd:" + "x" * 22 + "\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "a=mid:0\r\na=candidate:1 1 UDP 2122260223 192.0.2.1 5000 typ host\r\n"
        "a=end-of-candidates\r\n"
    )
    assert fragment.ufrag == "abcd"
    (candidate,) = fragment.candidates
    assert (candidate.host, candidate.port, candidate.transport) == ("192.0.2.1", 5000, "udp")


@pytest.mark.parametrize(
    "text", ["", "hello", "a=candidate:1 1 udp", "a=candidate:1 1 udp 1 192.0.2.1 70000 typ host"]
)
def test_bad_trickle_fragments_are_refused(text: str) -> None:
    with pytest.raises(BadSdp, match="trickle fragment"):
        parse_fragment(text)
