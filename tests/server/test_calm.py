"""What is there when the streams run is set aside, and collections stay short."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from livelens.server.app import create_app
from livelens.server.calm import Calm
from livelens.server.config import read_config
from livelens.server.run import Server, _runner, _served
from tests.server.running import PATTERN, running, until

SIMULATE = {"type": "simulate", "cost_ms": 1}


@pytest.fixture(autouse=True)
def _nothing_set_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_brings_or_takes_objects_is_due() -> None:
    config = {"streams": {"pat": {"source": PATTERN, "stages": [SIMULATE]}}}
    with running(config) as one:
        calm = Calm(one.state)
        until(calm.due)
        calm.settle()
        assert gc.get_freeze_count() > 10_000
        assert not calm.due()
        one.http.post("/api/streams", json={"id": "same", "source": PATTERN, "stages": [SIMULATE]})
        assert not calm.due(), "no new kind of stage"
        one.http.delete("/api/streams/same")
        assert not calm.due(), "it was not set aside"
        one.http.post("/api/streams", json={"id": "new", "source": PATTERN, "stages": ["overlay"]})
        until(calm.due)
        calm.settle()
        assert not calm.due()
        one.http.delete("/api/streams/new")
        assert calm.due()


def test_what_is_set_aside_costs_collections_nothing_and_is_not_lost() -> None:
    class Node:
        own: "Node"

    with running({}) as one:
        calm = Calm(one.state)
        node = Node()
        node.own = node
        gone = weakref.ref(node)
        calm.settle()
        del node
        gc.collect()
        assert gone() is not None, "collections look at it still"
        calm.settle()
        assert gone() is None


def test_a_server_does_so_while_it_serves() -> None:
    config = read_config({"server": {"port": 0}, "streams": {"pat": {"source": PATTERN}}})
    server = Server(create_app(config), config.server)
    before = gc.get_threshold()

    def serve() -> None:
        with _runner() as runner:
            runner.run(_served(server))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until(gc.get_freeze_count)
    server.should_exit = True
    thread.join(15)
    assert not thread.is_alive()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before


async def test_a_server_that_does_not_start_leaves_no_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = read_config({"server": {"port": 0}})
    server = Server(create_app(config), config.server)

    async def broken() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("broken")

    monkeypatch.setattr(server, "run_here", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await _served(server)
    assert "calm" not in {task.get_name() for task in asyncio.all_tasks()}
