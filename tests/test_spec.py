"""Settings as data: URLs without passwords."""

import pytest

from livelens.spec import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("rtsp://me:secret@cam:554/1", "rtsp://me:***@cam:554/1"),
        ("rtsp://me:s@e:c/ret@cam/1", "(malformed URL)"),
        ("rtsp://me@cam/1", "rtsp://me@cam/1"),
        ("rtsp://:secret@cam/1", "rtsp://:***@cam/1"),
        ("http://cam/video?user=me&pwd=secret", "http://cam/video?…"),
        ("srt://[::1]:9000?passphrase=secret", "srt://[::1]:9000?…"),
        ("rtsp://cam:port/1", "(malformed URL)"),
        ("clip.mp4", "clip.mp4"),
    ],
)
def test_a_shown_url_holds_no_secret(url: str, shown: str) -> None:
    assert redacted(url) == shown
    assert "secret" not in redacted(url)
