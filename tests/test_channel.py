"""The bounded hand-over."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelens.channel import Channel
from livelens.errors import Closed


def test_a_full_live_channel_drops_the_oldest_and_counts_it() -> None:
    dropped: list[int] = []
    channel: Channel[int] = Channel(2, on_drop=dropped.append)
    for n in range(5):
        assert channel.put(n)
    assert [channel.get(), channel.get()] == [3, 4]
    assert dropped == [0, 1, 2]
    assert channel.dropped == 3


def test_a_lossless_channel_makes_its_writer_wait() -> None:
    channel: Channel[int] = Channel(1, lossless=True)
    assert channel.put(1)
    assert not channel.put(2, timeout_s=0.01)
    taken: list[int] = []
    writer = threading.Thread(target=lambda: [channel.put(n) for n in range(2, 50)])
    writer.start()
    while len(taken) < 49:
        taken.append(channel.get(5))
    writer.join(5)
    assert taken == list(range(1, 50))
    assert channel.dropped == 0


def test_closing_lets_the_reader_finish_and_refuses_the_writer() -> None:
    channel: Channel[int] = Channel(4)
    channel.put(1)
    channel.close()
    with pytest.raises(Closed):
        channel.put(2)
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


def test_closing_with_discard_drops_what_waits() -> None:
    dropped: list[int] = []
    channel: Channel[int] = Channel(4, on_drop=dropped.append)
    channel.put(1)
    channel.put(2)
    channel.close(discard=True)
    assert dropped == [1, 2]
    with pytest.raises(Closed):
        channel.get()


def test_closing_wakes_a_waiting_writer() -> None:
    channel: Channel[int] = Channel(1, lossless=True)
    channel.put(1)
    raised = threading.Event()

    def write() -> None:
        try:
            channel.put(2)
        except Closed:
            raised.set()

    threading.Thread(target=write).start()
    channel.close()
    assert raised.wait(5)


def test_get_times_out() -> None:
    with pytest.raises(TimeoutError):
        Channel[int](1).get(0.01)


async def test_the_loop_end_gets_what_a_thread_puts_in_order() -> None:
    channel: Channel[int] = Channel(1, lossless=True)

    def write() -> None:
        for n in range(200):
            channel.put(n)
        channel.close()

    writer = threading.Thread(target=write)
    writer.start()
    got = [await asyncio.wait_for(channel.aget(), 5) for _ in range(200)]
    with pytest.raises(Closed):
        await asyncio.wait_for(channel.aget(), 5)
    writer.join(5)
    assert got == list(range(200))


async def test_a_cancelled_reader_takes_nothing() -> None:
    channel: Channel[int] = Channel(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.aget(), 0.01)
    channel.put(7)
    assert await channel.aget() == 7


@given(st.lists(st.sampled_from(["put", "get"])), st.integers(1, 4))
def test_every_entry_is_read_once_or_dropped_once(steps: list[str], capacity: int) -> None:
    dropped: list[int] = []
    read: list[int] = []
    channel: Channel[int] = Channel(capacity, on_drop=dropped.append)
    count = 0
    for step in steps:
        if step == "put":
            channel.put(count)
            count += 1
        elif (entry := channel.get_nowait()) is not None:
            read.append(entry)
        assert len(channel) <= capacity
    channel.close(discard=True)
    assert sorted(read + dropped) == list(range(count))
    assert read == sorted(read)
