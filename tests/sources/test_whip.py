import threading

import pytest

from livelens import plugins
from livelens.errors import SourceError
from livelens.sources.whip import Whip, WhipFeed
from livelens.types import Captured
from tests.fakes import captured


def test_it_opens_only_on_a_server() -> None:
    assert plugins.source("whip://") == plugins.source({"type": "whip"}) == Whip()
    assert Whip().live
    assert Whip().label == "whip"
    with pytest.raises(SourceError, match="/whip/"):
        Whip().open()


def test_pictures_come_in_order_until_it_is_closed() -> None:
    feed = WhipFeed()
    got: list[Captured] = []
    first = threading.Event()

    def read() -> None:
        for each in feed.frames():
            got.append(each)
            first.set()

    reader = threading.Thread(target=read)
    reader.start()
    feed.push(captured(0))
    assert first.wait(5)
    feed.push(captured(1))
    feed.push(captured(2))
    feed.close()
    feed.close()
    reader.join(5)
    assert not reader.is_alive()
    pts = [each.pts_ns for each in got]
    assert pts == sorted(pts)
    feed.push(captured(3))  # a decoder that has not heard of it yet
    assert list(feed.frames()) == []


def test_only_the_newest_wait_and_the_rest_is_counted() -> None:
    feed = WhipFeed()
    for number in range(5):
        feed.push(captured(number))
    frames = feed.frames()
    assert [next(frames).pts_ns for _ in range(2)] == [captured(n).pts_ns for n in (3, 4)]
    assert feed.dropped == 3
