"""Sources inside a running engine: what a user sees when the world misbehaves."""

import socket
from collections.abc import Callable, Iterator

import pytest

from livelens.events import Problem, State
from livelens.flow.bus import Subscription
from livelens.flow.engine import Engine
from livelens.sources.file import File
from livelens.sources.pattern import Pattern
from livelens.sources.rtp import Rtp
from livelens.sources.url import Url
from livelens.spec import PipelineSpec
from tests.sources.parts import free_port, gst_rtp, rtsp_server

pytestmark = pytest.mark.e2e


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def told(messages: Subscription, wanted: Callable[[State | Problem], bool]) -> State | Problem:
    while True:
        message = messages.get(20)
        if isinstance(message, State | Problem) and wanted(message):
            return message


def state(messages: Subscription, name: str) -> State:
    found = told(messages, lambda one: isinstance(one, State) and one.state == name)
    assert isinstance(found, State)
    return found


def test_a_sender_that_dies_and_comes_back(engine: Engine) -> None:
    port = free_port(socket.SOCK_DGRAM)
    source = Rtp(host="127.0.0.1", port=port, read_timeout_s=0.5, open_timeout_s=5)
    with engine.bus.subscribe("a", capacity=4096) as messages:
        pipeline = engine.add("a", PipelineSpec(source=source))
        with gst_rtp(port):
            state(messages, "running")
        lost = state(messages, "reconnecting")
        assert f"rtp://127.0.0.1:{port}: nothing came for 0.5 s" in lost.detail
        with gst_rtp(port):
            state(messages, "running")
    engine.remove("a")
    stats = pipeline.stats()
    assert stats.captured == stats.delivered + sum(stats.dropped.values()) > 0


def test_a_server_that_freezes_stops_nobody_else(engine: Engine) -> None:
    with rtsp_server() as server, engine.bus.subscribe("frozen", capacity=4096) as messages:
        steady = engine.add("steady", PipelineSpec(source=Pattern(width_px=64, height_px=64)))
        engine.add("frozen", PipelineSpec(source=Url(url=server.url, read_timeout_s=0.5)))
        state(messages, "running")
        server.tell("freeze")
        assert "nothing came for 0.5 s" in state(messages, "reconnecting").detail
        assert steady.state == "running"


def test_a_source_that_hangs_in_open_can_be_removed(engine: Engine) -> None:
    with rtsp_server("--mode", "hang") as server:
        pipeline = engine.add("a", PipelineSpec(source=Url(url=server.url, open_timeout_s=8)))
        assert pipeline.state == "starting"
        engine.remove("a")
        assert "a" not in engine.streams


def test_a_wrong_password_is_told_without_it(engine: Engine) -> None:
    with (
        rtsp_server("--user", "bob", "--password", "hunter22") as server,
        engine.bus.subscribe("a", capacity=4096) as messages,
    ):
        url = server.url.replace("//", "//bob:swordfish@")
        engine.add("a", PipelineSpec(source=Url(url=url)))
        found = state(messages, "reconnecting")
    assert "401 Unauthorized" in found.detail
    assert "bob:***@" in found.detail
    assert "swordfish" not in found.detail


def test_a_broken_file_fails_with_one_line(engine: Engine) -> None:
    pipeline = engine.add("a", PipelineSpec(source=File(path="none.mp4")))
    assert pipeline.wait(10) == "failed"
    assert pipeline.detail == "none.mp4: No such file or directory"


def test_a_changed_size_goes_through(engine: Engine) -> None:
    with rtsp_server() as server, engine.bus.subscribe("a", capacity=4096) as messages:
        pipeline = engine.add("a", PipelineSpec(source=Url(url=server.url)))
        state(messages, "running")
        server.tell("resize")
        while pipeline.stats().size_px != (480, 360):
            messages.get(20)
        assert pipeline.state == "running"
