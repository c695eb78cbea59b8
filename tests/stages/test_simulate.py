import threading
import time

import numpy as np
import pytest

from livelens import plugins
from livelens.errors import ConfigError
from livelens.stages.simulate import Simulate
from livelens.types import Frame, Item, no_detections

IMAGE = np.zeros((4, 4, 3), np.uint8)


def test_items_pass_in_order_with_no_detections() -> None:
    items = [Item(Frame.of(IMAGE, seq=n)) for n in range(3)]
    done = Simulate().open().process(items)
    assert [item.frame.seq for item in done] == [0, 1, 2]
    assert all(item.detections is not None and len(item.detections) == 0 for item in done)


def test_detections_that_are_there_stay() -> None:
    found = no_detections()
    (done,) = Simulate().open().process([Item(Frame.of(IMAGE), detections=found)])
    assert done.detections is found


def test_a_batch_costs_what_one_frame_does(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    Simulate(cost_ms=50).open().process([Item(Frame.of(IMAGE)) for _ in range(4)])
    assert slept == [0.05]


def test_others_run_while_it_sleeps() -> None:
    stage = Simulate(cost_ms=2000).open()
    worker = threading.Thread(target=stage.process, args=([Item(Frame.of(IMAGE))],), daemon=True)
    worker.start()
    assert sum(range(100_000)) > 0
    assert worker.is_alive()  # had it held the GIL, it would have ended before


def test_a_negative_cost_names_its_path() -> None:
    with pytest.raises(ConfigError, match=r">= 0.* - at \$.cost_ms"):
        plugins.stage({"type": "simulate", "cost_ms": -1})


@pytest.mark.parametrize(("field", "value"), [("workers", 0), ("batch", 0), ("timeout_s", 0)])
def test_what_all_stages_have_is_checked_too(field: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf" - at \$.{field}"):
        plugins.stage({"type": "simulate", field: value})
