"""Encoding once, for whoever watches. Peers are stood in for; tests/server has real ones."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest

from livelens import plugins
from livelens.errors import ConfigError, NotFound, SinkError
from livelens.media.encode import EncodedPicture, Encoder
from livelens.media.payload import VideoCodec
from livelens.media.peer import Peer
from livelens.media.rtc_config import RtcConfig
from livelens.picture import Picture
from livelens.sinks.record import Record
from livelens.sinks.shots import Shots
from livelens.sinks.whep import Whep, WhepSink
from livelens.types import Frame, Item, Viewport

RTC = RtcConfig()
FRAME_NS = 33_333_333


@dataclass(eq=False)
class Viewer:
    """What a sink sees of a peer."""

    id: str
    codec: VideoCodec
    ask: Callable[[], None]
    sent: list[EncodedPicture] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def send_video(self, encoded: EncodedPicture) -> None:
        self.sent.append(encoded)

    def change_video(self) -> int | None:
        return self.sent[-1].pts_ns if self.sent else None

    async def close(self) -> None:
        self.closed.set()


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> list[Viewer]:
    """Viewers in the order in which they came. The offer is the codec."""
    made: list[Viewer] = []

    async def answer(
        offer: str, _: RtcConfig, *, watch: bool, on_keyframe_request: Callable[[], None]
    ) -> Viewer:
        assert watch
        codec: VideoCodec = "vp8" if offer == "vp8" else "h264"
        made.append(Viewer(f"viewer-{len(made)}", codec, on_keyframe_request))
        return made[-1]

    monkeypatch.setattr(Peer, "answer", answer)
    return made


def item(number: int, size: tuple[int, int] = (64, 48)) -> Item:
    pixels = np.full((size[1], size[0], 3), number * 7 % 256, np.uint8)
    return Item(Frame.of(pixels, seq=number, pts_ns=number * FRAME_NS))


async def put(sink: WhepSink, *numbers: int, size: tuple[int, int] = (64, 48)) -> None:
    """Put pictures on a thread, each of which the loop gets to see."""
    for number in numbers:
        await asyncio.to_thread(sink.put, item(number, size))
        await asyncio.sleep(0)


async def join(sink: WhepSink, peers: list[Viewer], codec: str = "h264") -> Viewer:
    await sink.watch(codec, RTC)
    peers[-1].ask()
    return peers[-1]


async def test_it_encodes_once_for_all_and_only_while_somebody_watches(
    peers: list[Viewer],
) -> None:
    sink = Whep().open("street")
    assert not sink.wanted
    await sink.watch("h264", RTC)
    assert sink.viewers == 1
    assert not sink.wanted, "he is not connected yet"
    first = peers[0]
    first.ask()
    assert sink.wanted
    second = await join(sink, peers)
    await put(sink, 0, 1, 2)
    assert [e.pts_ns for e in first.sent] == [n * FRAME_NS for n in range(3)]
    assert all(a is b for a, b in zip(first.sent, second.sent, strict=True))
    assert sink.stats().encoders["h264"].pictures == 3
    for viewer in peers:
        await viewer.close()
    await asyncio.sleep(0)
    assert not sink.wanted
    assert sink.viewers == 0


async def test_vp8_only_while_somebody_needs_it(peers: list[Viewer]) -> None:
    sink = Whep().open("street")
    modern = await join(sink, peers)
    await put(sink, 0)
    assert set(sink.stats().encoders) == {"h264"}
    old = await join(sink, peers, "vp8")
    await put(sink, 1, 2)
    assert {e.codec for e in modern.sent} == {"h264", "vp8"}  # the peer leaves out what is not his
    assert sink.stats().encoders["vp8"].pictures == 2
    await old.close()
    await asyncio.sleep(0)
    await put(sink, 3)
    assert sink.stats().encoders["vp8"].pictures == 2
    assert sink.stats().encoders["h264"].pictures == 4


async def test_a_viewer_who_joins_gets_a_keyframe(peers: list[Viewer]) -> None:
    sink = Whep(gop_s=1000).open("street")
    first = await join(sink, peers)
    await put(sink, *range(5))
    assert [e.keyframe for e in first.sent] == [True, False, False, False, False]
    lane = sink._lane("h264")
    assert lane.keyframes_due._last_ns is not None
    lane.keyframes_due._last_ns -= 10**9  # a second ago
    second = await join(sink, peers)
    await put(sink, 5, 6)
    assert [e.keyframe for e in second.sent] == [True, False]
    assert sink.stats().encoders["h264"].keyframes == 2


async def test_requests_for_repair_are_throttled(peers: list[Viewer]) -> None:
    sink = Whep(gop_s=1000).open("street")
    viewer = await join(sink, peers)
    await put(sink, 0)
    for number in range(1, 6):
        viewer.ask()
        await put(sink, number)
    assert sink.stats().encoders["h264"].keyframes == 1
    last = sink._lane("h264").keyframes_due
    assert last._last_ns is not None
    last._last_ns -= 10**9
    await put(sink, 6)
    assert viewer.sent[-1].keyframe, "the request waits until it may be granted"


async def test_a_loop_that_lags_gets_fewer_pictures_and_whole_ones(peers: list[Viewer]) -> None:
    sink = Whep().open("street")
    viewer = await join(sink, peers)
    for number in range(20):  # on the loop's thread: nothing is sent meanwhile
        sink.put(item(number))
    await asyncio.sleep(0)
    assert len(viewer.sent) == 4
    assert sink.stats().loop_dropped == 16
    await put(sink, 20)
    assert viewer.sent[-1].pts_ns == 20 * FRAME_NS
    assert not viewer.sent[-1].keyframe, "it builds on the last one that was sent"


async def test_settings_change_without_losing_viewers(peers: list[Viewer]) -> None:
    sink = Whep().open("street")
    viewer = await join(sink, peers)
    await put(sink, 0)
    assert sink.reconfigure(Whep(width_px=32))
    await put(sink, 1)
    assert [(e.width, e.height, e.keyframe) for e in viewer.sent] == [
        (64, 48, True),
        (32, 24, True),
    ]
    assert not viewer.closed.is_set()
    assert not sink.reconfigure(Record(path="x.mp4"))


async def test_a_picture_of_another_size_begins_anew(peers: list[Viewer]) -> None:
    sink = Whep().open("street")
    viewer = await join(sink, peers)
    await put(sink, 0)
    await put(sink, 1, size=(96, 64))
    assert [(e.width, e.keyframe) for e in viewer.sent] == [(64, True), (96, True)]


async def test_it_leaves_out_what_is_above_its_rate(peers: list[Viewer]) -> None:
    sink = Whep(fps=10).open("street")
    viewer = await join(sink, peers)
    await put(sink, *range(30))
    assert 9 <= len(viewer.sent) <= 11
    assert sink.stats().encoders["h264"].left_out == 30 - len(viewer.sent)


async def test_closing_ends_all_sessions(peers: list[Viewer]) -> None:
    sink = Whep().open("street")
    viewer = await join(sink, peers)
    await put(sink, 0)
    await asyncio.to_thread(sink.close)
    await asyncio.wait_for(viewer.closed.wait(), 5)
    assert not sink.wanted
    with pytest.raises(NotFound):
        await sink.watch("h264", RTC)
    assert peers[-1].closed.is_set()


async def test_it_shows_what_the_virtual_camera_shows(peers: list[Viewer]) -> None:
    spec = Whep(viewport="follow")
    assert spec.takes == "item"
    sink = spec.open("street")
    viewer, old = await join(sink, peers), await join(sink, peers, "vp8")

    async def show(number: int, aspect: float = 1.0, *, size: float = 1.0) -> None:
        wide = 48 * min(aspect, 1.0)
        at = Viewport(5, 0, wide * size, 48 * size, aspect, (wide, 48))
        one = item(number).with_(viewports={"follow": at})
        await asyncio.to_thread(sink.put, one)
        await asyncio.sleep(0)

    def sizes() -> list[tuple[int, int]]:
        sent = [(e.width, e.height) for e in viewer.sent if e.codec == "h264"]
        viewer.sent.clear()
        return sent

    await show(0)
    await show(1, size=0.6)
    await put(sink, 2)  # without a viewport, as when the stage was given up
    assert [(e.codec, e.keyframe) for e in old.sent if e.codec == "vp8"] == [
        ("vp8", True), ("vp8", False), ("vp8", False),
    ]  # fmt: skip
    assert sizes() == [(48, 48)] * 3, "one size however close the camera is"
    await show(3, 0.75)
    assert sizes() == [(36, 48)]
    assert sink.reconfigure(Whep(viewport="follow", width_px=24))
    await show(4, 0.75)
    assert sizes() == [(24, 32)]
    assert sink.reconfigure(Whep(viewport="follow", width_px=64, height_px=48))
    await show(5, 0.75)
    assert sizes() == [(64, 48)]
    assert sink.reconfigure(Whep())
    await put(sink, 6)
    assert sizes() == [(64, 48)]
    assert sink.reconfigure(Whep(viewport="follow"))
    await show(7)
    assert sizes() == [(48, 48)]


async def test_no_shot_is_made_that_nobody_gets(
    peers: list[Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Picture] = []

    def shot(_: Shots, picture: Picture, __: tuple[int, int]) -> Picture:
        made.append(picture)
        return picture

    monkeypatch.setattr(Shots, "picture", shot)
    sink = Whep(viewport="follow", fps=10).open("street")
    viewer = await join(sink, peers)
    await put(sink, *range(30))
    assert 9 <= len(made) == len(viewer.sent) <= 11
    assert sink.stats().encoders["h264"].left_out == 30 - len(made)


async def test_a_viewer_moves_to_another_rendition(peers: list[Viewer]) -> None:
    wide, close = Whep(gop_s=1000).open("street"), Whep(gop_s=1000, width_px=32).open("street")
    viewer, other = await join(wide, peers), await join(close, peers)
    for number in range(8):
        await put(wide, number)
        if number < 5:  # analysed later
            await put(close, number)
    wide.move(cast(Peer, viewer), close)
    assert (wide.viewers, close.viewers) == (0, 2)
    assert not wide.wanted, "its encoder rests"
    policy = close._lane("h264").keyframes_due
    assert policy._last_ns is not None
    policy._last_ns -= 10**9  # a second ago
    before = len(viewer.sent)
    await put(close, *range(5, 11))
    came = viewer.sent[before:]
    assert [e.width for e in came] == [32] * 6
    assert [e.keyframe for e in came] == [False, False, False, True, False, False], (
        "the keyframe is of a time that he has not seen"
    )
    viewer.ask()  # for repair, of whom he watches now
    assert close._lane("h264").keyframes_due._repair_wanted
    await put(wide, 11)
    assert viewer.sent[-1].pts_ns == 10 * FRAME_NS
    await viewer.close()
    await asyncio.sleep(0)
    assert close.viewers == 1
    await other.close()
    await asyncio.sleep(0)
    assert not close.wanted


async def test_a_viewer_moves_before_he_is_connected(peers: list[Viewer]) -> None:
    wide, close = Whep().open("street"), Whep().open("street")
    await wide.watch("vp8", RTC)
    wide.move(cast(Peer, peers[0]), close)
    assert not close.wanted
    peers[0].ask()
    assert (wide.wanted, close.wanted) == (False, True)
    await put(close, 0)
    assert [(e.codec, e.keyframe) for e in peers[0].sent] == [("vp8", True)]
    with pytest.raises(NotFound, match="no such session"):
        wide.move(cast(Peer, peers[0]), close)
    await asyncio.to_thread(wide.close)
    with pytest.raises(NotFound, match="ended"):
        close.move(cast(Peer, peers[0]), wide)
    assert close.viewers == 1, "a move that fails loses nobody"


async def test_an_encoder_that_fails_is_a_sink_error(
    peers: list[Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Whep().open("street")
    await join(sink, peers)

    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such size")

    monkeypatch.setattr(Encoder, "encode", fail)
    with pytest.raises(SinkError, match="no such size"):
        sink.put(item(0))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"fps": 0}, "fps"),
        ({"bitrate_bps": 1}, "bitrate_bps"),
        ({"width_px": 1}, "width_px"),
        ({"gop_s": 0}, "gop_s"),
        ({"preset": "warp"}, "warp"),
        ({"codec": "av1"}, "codec"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        plugins.sink({"type": "whep", **settings}, "$.sinks[0]")
    assert "$.sinks[0]" in str(caught.value)
