import contextlib
import threading

import numpy as np
import pytest

from livelens.media.decode import DecodingThread, VideoDecoder
from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.payload import VideoCodec
from livelens.media.picture import VideoPicture
from livelens.picture import ArrayPicture
from tests.media.remote import blocks


def stream(codec: VideoCodec, count: int, keys: set[int]) -> list[EncodedPicture]:
    encoder = Encoder(EncoderSettings(codec=codec, gop_s=100))
    made = []
    for number in range(count):
        picture = ArrayPicture(np.roll(blocks((320, 240)), 8 * number, axis=1))
        encoded = encoder.encode(picture, number * 33_333_333, number in keys)
        assert encoded is not None
        made.append(encoded)
    return made


class Decoded:
    """What comes out of a decoding thread, which can be held up."""

    def __init__(self, codec: VideoCodec = "h264", capacity: int = 15) -> None:
        self.tags: list[int] = []
        self.troubles = 0
        self.entered = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.changed = threading.Condition()
        self.thread: DecodingThread[int] = DecodingThread(
            codec, self._picture, self._trouble, capacity=capacity
        )

    def _picture(self, picture: VideoPicture, tag: int) -> None:
        self.entered.set()
        self.go.wait()
        with self.changed:
            self.tags.append(tag)
            self.changed.notify()

    def _trouble(self) -> None:
        with self.changed:
            self.troubles += 1
            self.changed.notify()

    def until(self, tag: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: tag in self.tags, 10)


@pytest.fixture
def decoded() -> Decoded:
    return Decoded()


def test_pictures_come_in_order_with_their_tags(decoded: Decoded) -> None:
    for number, one in enumerate(stream("h264", 6, set())):
        decoded.thread.put(one.data, one.keyframe, number)
    decoded.until(5)
    assert decoded.tags == list(range(6))
    decoded.thread.close()
    assert decoded.thread.join(5)


def test_when_it_falls_behind_it_drops_to_the_next_keyframe() -> None:
    decoded = Decoded(capacity=4)
    frames = stream("h264", 19, {15})
    decoded.go.clear()
    for number, one in enumerate(frames):
        decoded.thread.put(one.data, one.keyframe, number)
        assert decoded.entered.wait(10)
    decoded.go.set()
    decoded.until(18)
    assert decoded.troubles > 0
    assert decoded.thread.overrun > 0
    # What is decoded is unbroken: up to the overrun, and from the keyframe on.
    last = max(tag for tag in decoded.tags if tag < 15)
    assert decoded.tags == [*range(last + 1), *range(15, 19)]
    assert decoded.thread.overrun + len(decoded.tags) == 19
    decoded.thread.close()


def test_after_damage_it_waits_for_a_keyframe(decoded: Decoded) -> None:
    frames = stream("vp8", 8, {5})
    decoded = Decoded("vp8")
    decoded.thread.put(frames[0].data, True, 0)
    decoded.until(0)
    decoded.thread.put(b"\x00\x00", False, 1)
    with decoded.changed:
        assert decoded.changed.wait_for(lambda: decoded.troubles == 1, 10)
    for number in range(2, 8):
        decoded.thread.put(frames[number].data, frames[number].keyframe, number)
    decoded.until(7)
    assert decoded.tags == [0, 5, 6, 7]
    decoded.thread.close()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_noise_is_a_value_error_or_nothing(codec: VideoCodec) -> None:
    decoder = VideoDecoder(codec)
    noise = np.random.default_rng(6)
    for _ in range(50):
        with contextlib.suppress(ValueError):
            decoder.decode(noise.bytes(int(noise.integers(1, 400))))
    (frame,) = stream(codec, 1, {0})
    assert decoder.decode(frame.data)
