"""The accounts are right at every moment, whoever asks."""

import threading

import numpy as np

from livelens.flow.ledger import Ledger
from livelens.types import Frame

FRAME = Frame.of(np.zeros((4, 4, 3), np.uint8))


def test_the_balance_is_of_one_moment() -> None:
    ledger = Ledger()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            ledger.capture()
            ledger.capture()
            ledger.deliver(FRAME)
            ledger.drop("stage", "late")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(20_000):
            captured, delivered, dropped, in_flight = ledger.balance()
            assert captured == delivered + sum(dropped.values()) + in_flight
            assert 0 <= in_flight <= 2
    finally:
        over.set()
        worker.join()
    assert ledger.in_flight == 0
