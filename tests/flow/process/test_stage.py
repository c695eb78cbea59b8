"""A stage in another process, as its lane sees it."""

import gc
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray

from livelens.errors import CapacityError, ConfigError, ModelError, StageError
from livelens.flow.opening import open_stage
from livelens.flow.process.child import ProcessDied
from livelens.flow.process.stage import ProcessStage
from livelens.picture import ArrayPicture
from livelens.spec import StageSpec
from livelens.types import Attribute, Frame, Item, Landmarks, Timing, Viewport, no_detections
from tests.flow.process.stages import Puppet

PUPPET = Puppet(lane="process")


def opened(spec: StageSpec = PUPPET) -> ProcessStage:
    stage = open_stage(spec)
    assert isinstance(stage, ProcessStage)
    return stage


@pytest.fixture(scope="module")
def puppet() -> Iterator[ProcessStage]:
    """One child for all that does not kill it: it takes a second to start."""
    stage = opened()
    yield stage
    stage.close()


def item(
    deed: str = "nothing", *, value: int = 0, size: tuple[int, int] = (64, 96), seq: int = 0
) -> Item:
    pixels = np.full((*size, 3), value, np.uint8)
    return Item(Frame.of(pixels, seq=seq), extra={"deed": deed})


def one(stage: ProcessStage, given: Item) -> Item:
    [result] = stage.process([given])
    return result


def mappings() -> int:
    """How many segments this process sees."""
    return Path("/proc/self/maps").read_text().count("memfd:livelens")


def same(a: object, b: object) -> bool:
    """Equal in value, type and dtype, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, sv.Detections | Landmarks):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return bool(a == b)


def a_full_item() -> Item:
    masks = np.zeros((2, 200, 300), bool)  # large: through shared memory
    masks[0, :5], masks[1, :, 7:] = True, True
    found = sv.Detections(
        xyxy=np.array([[1, 2, 3, 4], [5, 6, 7, 8.5]], np.float32),
        mask=masks,
        confidence=np.array([0.5, 0.25], np.float64),
        class_id=np.array([3, 4], np.int32),
        tracker_id=np.array([-1, 9], np.int64),
        data={"class_name": np.array(["cat", "πρόσωπο"]), "mixed": [1, "two"]},
        metadata={"model": "m"},
    )
    points: NDArray[np.float32] = np.random.default_rng(1).random((33, 3), np.float32)
    extra = {
        "arrays": [np.arange(6, dtype=d).reshape(2, 3) for d in (np.int8, np.uint16, np.float16)],
        "fortran": np.asfortranarray(np.arange(40_000, dtype=np.float64).reshape(200, 200)),
        "strided": np.arange(40_000, dtype=np.float32)[::2],
        "big": np.arange(100_000, dtype=np.int64),
        "words": ("a", None, 2.5, True, b"bytes", frozenset({1})),
        "by number": {7: {"seven": np.float32(7)}},
    }
    return Item(
        Frame("söurce", 5, 6_000_000_007, 8, ArrayPicture(np.zeros((64, 96, 3), np.uint8)), 9),
        detections=found,
        attributes={9: {"mood": Attribute("calm", 0.5, 6, {"calm": 0.75, "cross": 0.25})}},
        landmarks=(Landmarks("body", points, 0.5, 2, points[:, 0].copy(), points * 2),),
        mask=np.arange(60_000, dtype=np.uint8).reshape(200, 300),
        undetected=frozenset({"coco-ssd"}),
        viewports={"reframe": Viewport(1.0, 2.0, 3.0, 4.5, 0.75, (30.0, 40.0), subjects=(3,))},
        timings=(Timing("detect", 1, 2),),
        extra=extra,
        dropped={"detect/late": 3},
        held_ns=5,
    )


def test_every_field_there_and_back(puppet: ProcessStage) -> None:
    given = a_full_item()
    result, bare = one(puppet, given), Item(given.frame)
    assert result.frame is given.frame
    for field in fields(Item):
        name = field.name
        assert same(getattr(result, name), getattr(given, name)), name
        filled = not same(getattr(given, name), getattr(bare, name))
        # No process looks ahead.
        assert filled or name in {"frame", "ahead"}, f"this test is to fill {name} too"


def test_found_nothing_and_not_looked_are_different(puppet: ProcessStage) -> None:
    nothing = one(puppet, item().with_(detections=no_detections()))
    assert nothing.detections is not None
    assert len(nothing.detections) == 0
    assert one(puppet, item()).detections is None


def test_a_changed_picture_comes_back_and_another_does_not(puppet: ProcessStage) -> None:
    left_alone, painted = item(value=9), item("paint", value=9, seq=4)
    results = puppet.process([left_alone, painted])
    assert results[0].frame is left_alone.frame
    assert results[1].frame.image[:, :, 2].min() == 255
    assert results[1].frame.image[:, :, :2].max() == 9
    assert results[1].frame.seq == 4
    assert painted.frame.image.max() == 9
    other_frame = one(puppet, given := item("same picture"))
    assert other_frame.frame.ntp_ns == 7
    assert other_frame.frame.picture is given.frame.picture


def test_sizes_change_from_frame_to_frame(puppet: ProcessStage) -> None:
    for size in ((64, 96), (720, 1280), (4, 4), (1081, 1921), (240, 320), (64, 96)):
        result = one(puppet, item("enlarge", value=7, size=size))
        assert result.frame.image.shape == (size[0] * 2, size[1] * 2, 3)
        assert (result.frame.image == 7).all()


def test_what_is_kept_stays_as_it_was() -> None:
    """Nobody's picture may change because its memory is used again: here or in the child."""
    before = mappings()
    stage = opened()
    try:
        painted = [one(stage, item("paint", value=n, size=(120, 160))) for n in range(20)]
        kept: list[int] = []
        for n in range(20):
            kept = one(stage, item("keep", value=n, size=(120, 160))).extra["kept"]
        assert kept == list(range(20))
        assert [int(each.frame.image[0, 0, 0]) for each in painted] == list(range(20))
        assert mappings() - before < 20, "a collection of pictures does not stay in segments"
    finally:
        stage.close()
    for n, each in enumerate(painted):
        assert int(each.frame.image[5, 5, 1]) == n
    del painted, each
    gc.collect()
    assert mappings() == before


def test_what_a_stage_raises_comes_back(puppet: ProcessStage) -> None:
    with pytest.raises(StageError, match=r"^ZeroDivisionError: one by zero$"):
        puppet.process([item("raise")])
    with pytest.raises(CapacityError, match=r"^all seats taken$"):
        puppet.process([item("raise ours")])
    with pytest.raises(StageError, match=r"FileNotFoundError: .*weights.bin"):
        puppet.process([item("missing file")])
    with pytest.raises(StageError, match=r"^SystemExit: 3$"):
        puppet.process([item("exit")])
    assert one(puppet, item()).extra == {"deed": "nothing"}


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        ("generator", "^results cannot leave the worker process: the item's extra: .*generator"),
        ("no list", r"^process\(\) must return a list of 1 items, not generator$"),
        ("too few", r"^process\(\) must return a list of 1 items, not 0 items$"),
        ("no items", r"^process\(\) must return one Item for each given one, in order$"),
    ],
)
def test_what_cannot_be_sent_back_is_named(puppet: ProcessStage, deed: str, message: str) -> None:
    with pytest.raises(StageError, match=message):
        puppet.process([item(deed)])
    assert one(puppet, item()).extra == {"deed": "nothing"}


def test_what_cannot_be_sent_there_is_named(puppet: ProcessStage) -> None:
    unsendable = item().with_(extra={"lock": threading.Lock()})
    message = "^cannot be handed to a worker process: the item's extra: .*lock"
    with pytest.raises(StageError, match=message):
        puppet.process([unsendable])
    assert one(puppet, item()).extra == {"deed": "nothing"}


@pytest.mark.parametrize(
    ("opening", "kind", "message"),
    [
        ("error", ConfigError, "^no such class$"),
        ("own error", ModelError, "^no such model$"),
        ("foreign", StageError, "^cannot be opened: KeyError: 'weights'$"),
        ("dies", ProcessDied, r"^worker process died \(signal 11\) while it opened the stage$"),
    ],
)
def test_what_opening_raises(opening: str, kind: type[Exception], message: str) -> None:
    spec = Puppet(lane="process", opening=opening)  # type: ignore[arg-type]
    with pytest.raises(kind, match=message) as raised:
        open_stage(spec)
    assert type(raised.value) is kind


def test_a_spec_that_no_other_process_finds_is_refused_at_once() -> None:
    class Local(StageSpec, frozen=True, kw_only=True):
        """Nobody can import this."""

    with pytest.raises(ConfigError, match="Local is defined in a function, where a process lane"):
        open_stage(Local(lane="process"))


@pytest.mark.parametrize(
    ("deed", "how"), [("crash", r"\(signal 11\)"), ("leave", r"\(exit status 3\)")]
)
def test_a_child_that_dies(deed: str, how: str) -> None:
    stage = opened()
    with pytest.raises(ProcessDied, match=f"^worker process died {how}$"):
        stage.process([item(deed)])
    assert stage.dead
    with pytest.raises(ProcessDied):
        stage.process([item()])
    stage.close()


def test_a_call_that_hangs_ends_when_the_child_is_killed() -> None:
    stage = opened()
    raised: list[BaseException] = []

    def call() -> None:
        try:
            stage.process([item("hang")])
        except StageError as error:
            raised.append(error)

    calling = threading.Thread(target=call)
    calling.start()
    stage.kill()
    calling.join(10)
    assert [str(error) for error in raised] == ["worker process died (signal 9)"]
    stage.close()


def test_the_child_closes_its_stage_and_is_gone(capfd: pytest.CaptureFixture[str]) -> None:
    stage = opened()
    told = one(stage, item("tell")).extra
    assert told["pid"] == stage.pid != os.getpid()
    assert told["path"] == os.environ.get("PYTHONPATH")
    cores = len(os.sched_getaffinity(0))
    assert (told["cv2"], told["omp"]) == (cores, os.environ.get("OMP_NUM_THREADS", str(cores)))
    assert told["threads"] == 0
    os.kill(stage.pid, signal.SIGINT)
    os.kill(stage.pid, signal.SIGTERM)
    assert one(stage, item()).extra == {"deed": "nothing"}
    stage.close()
    assert "puppet closed" in capfd.readouterr().err
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)


def test_several_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    stage = opened(Puppet(lane="process", workers=4))
    told = one(stage, item("tell")).extra
    stage.close()
    assert (told["cv2"], told["omp"], told["threads"]) == (3, "3", 3)


def test_the_child_ends_with_a_parent_that_is_killed() -> None:
    """Even in the middle of a call, and whatever holds the interpreter."""
    script = """
import os, sys, threading
from tests.flow.process.test_stage import item, opened
stage = opened()
threading.Thread(target=stage.process, args=([item("hang")],), daemon=True).start()
print(stage.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    child = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    ready, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert ready, "the child lives on"
