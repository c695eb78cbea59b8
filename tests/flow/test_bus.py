"""Messages to whoever listens."""

import asyncio

import pytest

from livelens.errors import Closed
from livelens.events import State
from livelens.flow.bus import Bus


def state(stream: str, number: int) -> State:
    return State(stream, "running", number)


def test_a_reader_gets_its_stream_only() -> None:
    bus = Bus()
    with bus.subscribe("a") as mine, bus.subscribe() as everything:
        bus.publish(state("b", 1))
        bus.publish(state("a", 2))
        assert mine.get(1) == state("a", 2)
        assert [everything.get(1), everything.get(1)] == [state("b", 1), state("a", 2)]


def test_a_slow_reader_loses_its_oldest_messages_and_nobody_else_does() -> None:
    bus = Bus()
    with bus.subscribe("a", capacity=2) as slow, bus.subscribe("a", capacity=100) as quick:
        for n in range(10):
            bus.publish(state("a", n))
        assert slow.dropped == 8
        assert [slow.get(1), slow.get(1)] == [state("a", 8), state("a", 9)]
        assert quick.dropped == 0


def test_a_closed_subscription_leaves_no_trace() -> None:
    bus = Bus()
    subscription = bus.subscribe("a")
    assert bus.has_readers("a")
    subscription.close()
    assert not bus.has_readers("a")
    with pytest.raises(Closed):
        subscription.get(1)


async def test_readers_of_a_removed_stream_come_to_an_end() -> None:
    bus = Bus()
    subscription = bus.subscribe("a")
    bus.publish(state("a", 1))
    got = []

    async def read() -> None:
        async for message in subscription:
            got.append(message)

    task = asyncio.create_task(read())
    bus.close_stream("a")
    await asyncio.wait_for(task, 5)
    assert got == [state("a", 1)]


def test_who_listens_to_all_streams_hears_the_end_of_the_bus() -> None:
    bus = Bus()
    readers = [bus.subscribe(), bus.subscribe("a")]
    bus.publish(state("a", 1))
    bus.close()
    for reader in readers:
        assert reader.get(1) == state("a", 1)
        with pytest.raises(Closed):
            reader.get(1)
