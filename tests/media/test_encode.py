import numpy as np
import pytest

from livelens.errors import ConfigError
from livelens.media.decode import VideoDecoder
from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.payload import VideoCodec, split_annexb
from livelens.media.picture import VideoPicture, private_frame, video_frame
from livelens.picture import ArrayPicture
from tests.media.remote import blocks

FRAME_NS = 33_333_333
CODECS: list[VideoCodec] = ["h264", "vp8"]


def moving(number: int, size: tuple[int, int] = (640, 360)) -> ArrayPicture:
    return ArrayPicture(np.roll(blocks(size), 8 * number, axis=1))


def encode(encoder: Encoder, number: int, *, keyframe: bool = False) -> EncodedPicture:
    encoded = encoder.encode(moving(number), number * FRAME_NS, keyframe)
    assert encoded is not None
    return encoded


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_in_a_picture_out_in_its_own_time(codec: VideoCodec) -> None:
    encoder, decoder = Encoder(EncoderSettings(codec=codec)), VideoDecoder(codec)
    for number in range(5):
        encoded = encode(encoder, number)
        assert encoded.pts_ns == number * FRAME_NS
        assert encoded.keyframe == (number == 0)
        (picture,) = decoder.decode(encoded.data)
        difference = picture.bgr().astype(int) - moving(number).bgr()
        assert np.abs(difference).mean() < 12


@pytest.mark.parametrize("codec", CODECS)
def test_a_keyframe_on_request_and_by_the_clock(codec: VideoCodec) -> None:
    encoder = Encoder(EncoderSettings(codec=codec, gop_s=0.5))
    kinds = [encode(encoder, number, keyframe=number == 5).keyframe for number in range(22)]
    assert [number for number, key in enumerate(kinds) if key] == [0, 5, 20]


def test_parameter_sets_come_with_every_keyframe_in_constrained_baseline() -> None:
    encoder = Encoder(EncoderSettings())
    for number in range(4):
        encoded = encode(encoder, number, keyframe=number == 2)
        units = split_annexb(encoded.data)
        kinds = [unit[0] & 0x1F for unit in units]
        if encoded.keyframe:
            assert kinds[:2] == [7, 8]
            assert kinds[-1] == 5
            sps = units[0]
            # Profile 66 with constraint_set1: constrained baseline, what 42e01f promises.
            assert sps[1] == 66
            assert sps[2] & 0x40
        else:
            assert set(kinds) == {1}


@pytest.mark.parametrize("codec", CODECS)
def test_the_bitrate_holds(codec: VideoCodec) -> None:
    encoder = Encoder(EncoderSettings(codec=codec, bitrate_bps=600_000))
    # Four seconds of motion that a fixed quality would spend 2 Mbit/s on; the first is left out.
    octets = sum(len(encode(encoder, n).data) * (n >= 30) for n in range(120))
    assert octets * 8 / 3 < 1.25 * 600_000


def test_bitrate_and_keyframe_distance_hold_for_a_slow_stream() -> None:
    encoder = Encoder(EncoderSettings(bitrate_bps=600_000, gop_s=1.0))
    step_ns = 200_000_000  # 5 fps, as a 200 ms stage gives
    pictures = [encoder.encode(moving(n), n * step_ns) for n in range(50)]
    settled = [p for p in pictures if p is not None and p.pts_ns >= 4_000_000_000]
    seconds = len(settled) * step_ns / 1e9
    assert 0.6 * 600_000 < sum(len(p.data) for p in settled) * 8 / seconds < 1.3 * 600_000
    assert sum(p.keyframe for p in settled) >= 5


@pytest.mark.parametrize("codec", CODECS)
def test_a_change_of_size_begins_anew_with_a_keyframe(codec: VideoCodec) -> None:
    encoder, decoder = Encoder(EncoderSettings(codec=codec)), VideoDecoder(codec)
    encoder.encode(moving(0), 0)
    encoded = encoder.encode(moving(1, (320, 240)), FRAME_NS)
    assert encoded is not None
    assert encoded.keyframe
    assert (encoded.width, encoded.height) == (320, 240)
    assert [picture.width for picture in decoder.decode(encoded.data)] == [320]


def test_new_settings_hold_from_the_next_picture_on() -> None:
    encoder = Encoder(EncoderSettings())
    encode(encoder, 0)
    encoder.reconfigure(EncoderSettings(height_px=180, bitrate_bps=300_000))
    encoded = encode(encoder, 1)
    assert encoded.keyframe
    assert (encoded.width, encoded.height) == (320, 180)
    encoder.reconfigure(encoder.settings)
    assert not encode(encoder, 2).keyframe


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (EncoderSettings(), (1278, 718)),
        (EncoderSettings(width_px=640), (640, 360)),
        (EncoderSettings(width_px=640, height_px=480), (640, 480)),
    ],
)
def test_sizes_are_even_and_keep_the_shape(
    settings: EncoderSettings, size: tuple[int, int]
) -> None:
    assert settings.size_for(1279, 719) == size


def test_pictures_above_the_rate_are_left_out_but_no_keyframe_is_forgotten() -> None:
    encoder = Encoder(EncoderSettings(fps=15))
    encoded = [encoder.encode(moving(n), n * FRAME_NS, n == 3) for n in range(10)]
    assert [one is not None for one in encoded] == [True, False] * 5
    assert [one.keyframe for one in encoded if one] == [True, False, True, False, False]
    assert encoder.skipped == 5


def test_a_jittery_camera_at_the_rate_loses_nothing() -> None:
    encoder = Encoder(EncoderSettings(fps=30))
    jitter = np.random.default_rng(5).integers(-8_000_000, 8_000_000, 60)
    times = [n * FRAME_NS + int(j) for n, j in enumerate(jitter)]
    picture = moving(0)
    assert all(encoder.encode(picture, at) is not None for at in times)


def test_two_encoders_may_share_a_picture() -> None:
    first, second = Encoder(EncoderSettings()), Encoder(EncoderSettings(codec="vp8"))
    decoder = VideoDecoder("vp8")
    for number in range(3):
        picture = moving(number)
        one = first.encode(picture, number * FRAME_NS, number == 1)
        two = second.encode(picture, number * FRAME_NS)
        assert one is not None
        assert two is not None
        assert one.keyframe == (number < 2)
        assert two.keyframe == (number == 0)
        (shown,) = decoder.decode(two.data)
        assert np.abs(shown.bgr().astype(int) - picture.bgr()).mean() < 12


def test_payloads_are_made_once() -> None:
    encoded = encode(Encoder(EncoderSettings()), 0)
    assert encoded.payloads is encoded.payloads


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"bitrate_bps": 1}, {"width_px": 4}, {"threads": 0}, {"gop_s": 0}]
)
def test_impossible_settings_name_the_field(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=rf"\$\.{next(iter(wrong))}:"):
        EncoderSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [0, 1], ids=["even", "odd"])
def test_pictures_convert_once_and_read_only(cut: int) -> None:
    picture = ArrayPicture(blocks((320, 240))[cut:, cut:])
    frame = video_frame(picture)
    assert video_frame(picture) is frame
    video = VideoPicture(frame)
    assert video.bgr() is video.bgr()
    assert not video.bgr().flags.writeable
    assert np.abs(video.bgr().astype(int) - picture.bgr()).mean() < 6
    small = video.rgb_resized(160, 120)
    assert small.shape == (120, 160, 3)
    wanted = picture.rgb_resized(160, 120)
    assert np.abs(small.astype(int) - wanted).mean() < 8


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (100, 2), (3, 5), (64, 2000)])
def test_pictures_of_any_size_are_converted_and_encoded(size: tuple[int, int]) -> None:
    width, height = size
    picture = ArrayPicture(np.full((height, width, 3), (40, 90, 200), np.uint8))
    frame = private_frame(picture, width, height)
    assert (frame.width, frame.height) == size
    assert abs(frame.to_ndarray(format="bgr24")[0, 0].astype(int) - (40, 90, 200)).max() < 12
    assert Encoder(EncoderSettings()).encode(picture, 0) is not None
