import threading

from livelens.clock import NS_PER_S, now_ns
from livelens.sources.pace import Pacer


def test_waits_for_each_picture() -> None:
    pacer = Pacer(threading.Event())
    began_ns = now_ns()
    assert all(pacer.wait(7_000_000_000 + n * 20_000_000) for n in range(6))
    assert now_ns() - began_ns >= 99_000_000


def test_does_not_wait_after_a_jump_or_when_far_behind() -> None:
    pacer = Pacer(threading.Event())
    pacer.wait(0)
    began_ns = now_ns()
    # An hour forward and back: waiting for either would outlast the test.
    assert pacer.wait(3600 * NS_PER_S)
    assert pacer.wait(0)
    assert now_ns() - began_ns < 3600 * NS_PER_S


def test_stops_at_once() -> None:
    stop = threading.Event()
    pacer = Pacer(stop)
    pacer.wait(0)
    threading.Timer(0.05, stop.set).start()
    assert not pacer.wait(9 * NS_PER_S)
    assert not pacer.wait(9 * NS_PER_S)
