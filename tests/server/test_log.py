"""Log lines hold no secrets."""

import json
import logging

import pytest
import structlog

from livelens.server.log import scrubbed, set_up_logging


@pytest.fixture(autouse=True)
def _restore() -> object:
    before = (logging.getLogger().handlers[:], logging.getLogger().level)
    yield None
    logging.getLogger().handlers[:], level = before
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("rtsp://u:hunter2@cam/live failed", "rtsp://u:***@cam/live failed"),
        ("rtsp://:hunter2@cam/live", "rtsp://:***@cam/live"),
        ("GET /?token=hunter2&x=1", "GET /?token=***&x=1"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
        ("http://host/path@x", "http://host/path@x"),
    ],
)
def test_secrets_are_left_out(text: str, clean: str) -> None:
    assert scrubbed(text) == clean


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json")
    structlog.get_logger().info("opened", url="rtsp://u:hunter2@cam/", token="hunter2", count=3)
    logging.getLogger("library").warning("lost rtsp://u:hunter2@cam/")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["opened", "lost rtsp://u:***@cam/"]
    assert lines[0]["count"] == 3
    assert "hunter2" not in json.dumps(lines)


def test_console_lines_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("console")
    password = "hunter2"
    try:
        int(f"http://u:{password}@cam/")
    except ValueError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().err
    assert "failed" in text
    assert "Traceback" in text
    assert "http://u:***@cam/" in text
    assert password not in text
