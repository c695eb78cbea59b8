"""Tries a stage, a detector among them, on real frames, as a lane would use it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import supervision as sv

from livelens import events
from livelens.authoring.calls import Worker, fault
from livelens.authoring.material import Material, odd_frames
from livelens.authoring.pipelines import passed_through
from livelens.authoring.report import Broken
from livelens.authoring.trial import Question, Times, Untouched, alike
from livelens.errors import StageError
from livelens.flow.contract import check_results
from livelens.spec import Stage, StageSpec
from livelens.types import Attribute, Item, no_detections

_KNOWN = frozenset(field for field in Item.__dataclass_fields__) | {"tracks"}
_BATCH = 4
_FRAME_MS = 1000 / 30


class StageTrial:
    """Questions to one stage.

    Args:
        spec: its settings.
        home: the folder of its code, for errors.
        material: frames and objects.
        limit_s: a call that takes longer hangs.
        max_ms: what one frame may cost, if anything is asked.
    """

    def __init__(
        self,
        spec: StageSpec,
        home: Path | None,
        material: Material,
        *,
        limit_s: float,
        max_ms: float | None,
    ) -> None:
        self._spec = spec
        self._home = home
        self._material = material
        self._limit_s = limit_s
        self._max_ms = max_ms
        self._items = [_given(item, spec.needs) for item in material.items]
        self._worker = Worker(home, limit_s)
        self._stage: Stage
        self._reference: list[object] = []
        self._untouched = Untouched([item.frame for item in material.items])

    def questions(self) -> list[Question]:
        """All of them, in order."""
        order = "one item for each given one, in order; item.with_(…) makes the changed copy"
        state = "a stage that keeps state is of scope 'stream' and keeps it in the instance"
        return [
            Question("needs, gives", self._fields),
            Question("opens", self._opens, "open() loads what is needed and nothing else", True),
            Question("answers", self._answers, essential=True),
            Question("batch", self._batch, f"{order}; {state}"),
            Question("keeps", self._keeps, "livelens.stages.detections.joined adds to what is"),
            Question("pixels", self._untouched.check),
            Question("odd pictures", self._odd, "a frame may have any size, and nothing on it"),
            Question("threads", self._threads, "keep state in the instance, none in the module"),
            Question("closing", self._closing, "close() releases; open() must work again after it"),
            Question("time", self._time),
            Question("pipeline", self._pipeline),
        ]

    def end(self) -> None:
        """Let go of the worker."""
        self._worker.end()

    def _fields(self) -> str:
        spec = self._spec
        unknown = sorted((spec.needs | spec.gives) - _KNOWN)
        if unknown:
            raise Broken(
                f"an item has no {', '.join(unknown)}", f"choose among {', '.join(sorted(_KNOWN))}"
            )
        if spec.scope not in ("stream", "shared"):
            raise Broken(f"scope {spec.scope!r}", "scope is 'stream' or 'shared'")
        needs, gives = (", ".join(sorted(names)) or "nothing" for names in (spec.needs, spec.gives))
        return f"needs {needs}, gives {gives}, scope {spec.scope}"

    def _opens(self) -> str:
        self._stage = self._opened(self._worker)
        return type(self._stage).__name__

    def _opened(self, worker: Worker) -> Stage:
        opened: object = worker.call(self._spec.open)
        if not isinstance(opened, Stage):
            raise Broken(
                f"open() gives {type(opened).__name__}, which has no process() and close()",
                "return an object with process(items) and close()",
            )
        return opened

    def _answers(self) -> str:
        results = self._processed(self._worker, self._stage, self._items)
        self._reference = [_plain(result) for result in results]
        found = sum(len(item.detections) for item in results if item.detections is not None)
        if "detections" in self._spec.gives and not found:
            raise Broken(
                f"nothing found ({self._material.origin})",
                "name a video that shows what it finds with --clip",
                "warn",
            )
        told = f"{len(results)} frames ({self._material.origin})"
        return f"{told}: {found} detections" if "detections" in self._spec.gives else told

    def _processed(self, worker: Worker, stage: Stage, items: Sequence[Item]) -> list[Item]:
        """What comes back of the items, in calls of a few."""
        results: list[Item] = []
        for n in range(0, len(items), _BATCH):
            some = items[n : n + _BATCH]
            answer = worker.call(lambda some=some: stage.process(some))  # type: ignore[misc]
            try:
                check_results(some, answer)
            except StageError as error:
                raise Broken(str(error), "return [item.with_(…) for item in items]") from None
            for item in answer:
                self._check(item)
            results += answer
        return results

    def _check(self, item: Item) -> None:
        if "detections" in self._spec.gives and item.detections is None:
            raise Broken(
                "gives detections, and leaves None", "no_detections() where nothing is found"
            )
        if item.detections is not None:
            _check_detections(item.detections, item.frame.size_px)
        try:
            message = events.decoded(events.encoded(events.result_of(item, {})))
        except Exception as error:  # noqa: BLE001 - a plug-in may have put anything into its item
            raise Broken(f"its result cannot be told: {fault(error, None)}") from None
        if isinstance(message, events.Problem):
            raise Broken(
                message.message, "extra holds what JSON knows: numbers, words, lists, maps"
            )

    def _batch(self) -> str:
        shared = self._spec.scope == "shared"
        stage = self._stage if shared else self._opened(self._worker)
        single = [self._processed(self._worker, stage, [item])[0] for item in self._items]
        stage = self._stage if shared else self._opened(self._worker)
        several = self._processed(self._worker, stage, self._items)
        self._compare(single, several, "one by one", f"by {_BATCH}")
        if not shared:
            return f"{len(single)} frames by {_BATCH} as one by one"
        back = self._processed(self._worker, stage, self._items[::-1])
        self._compare(back[::-1], several, "in another order", "in order")
        return f"{len(single)} frames by {_BATCH} as one by one, in any order"

    def _compare(self, these: Sequence[Item], those: Sequence[Item], how: str, other: str) -> None:
        for n, (one, two) in enumerate(zip(these, those, strict=True)):
            if not alike(_plain(one), _plain(two)):
                raise Broken(f"frame {n} comes out differently {how} than {other}")

    def _keeps(self) -> str:
        if "detections" in self._spec.needs or "detections" not in self._spec.gives:
            return "it does not add detections"
        before = self._material.items
        after = self._processed(self._worker, self._stage, before)
        lost = sum(
            not np.isin(_rows(item.detections), _rows(result.detections)).all()
            for item, result in zip(before, after, strict=True)
        )
        if lost:
            raise Broken(f"what another detector found is gone on {lost} frames", "", "warn")
        return "what other detectors found stays"

    def _odd(self) -> str:
        names = []
        for name, frame in odd_frames():
            width, height = frame.size_px
            edge = sv.Detections(
                xyxy=np.array([[width - 9.5, 3, width, height]], np.float32),
                confidence=np.array([0.9], np.float32),
                class_id=np.zeros(1, int),
                tracker_id=np.ones(1, int),
                data={"class_name": np.array(["person"])},
            )
            given = [no_detections(), edge] if "detections" in self._needed else [None]
            untouched = Untouched([frame])
            for found in given:
                stage = self._opened(self._worker)
                try:
                    self._processed(self._worker, stage, [Item(frame, detections=found)])
                except Broken as broken:
                    raise Broken(f"{name}: {broken}", broken.advice) from None
                finally:
                    self._worker.call(stage.close)
            untouched.check()
            names.append(name)
        return f"{', '.join(names)}; nothing found, and objects cut by the edge"

    @property
    def _needed(self) -> frozenset[str]:
        needs = self._spec.needs
        return needs | {"detections"} if "tracks" in needs else needs

    def _threads(self) -> str:
        """As `workers: 2`, or two streams, have it: an instance for each thread, both busy."""
        workers = [Worker(self._home, self._limit_s) for _ in range(2)]
        try:
            stages = [self._opened(worker) for worker in workers]
            answers: list[list[Item]] = [[], []]
            for item in self._items:
                begun = [
                    worker.begin(lambda s=stage, i=item: s.process([i]))  # type: ignore[misc]
                    for worker, stage in zip(workers, stages, strict=True)
                ]
                for worker, task, answer in zip(workers, begun, answers, strict=True):
                    answer.extend(worker.outcome(task))
            for worker, stage in zip(workers, stages, strict=True):
                worker.call(stage.close)
        finally:
            for worker in workers:
                worker.end()
        self._compare(answers[0], answers[1], "on one worker", "on the other")
        return "two workers at once give the same answers"

    def _closing(self) -> str:
        for _ in range(2):
            self._worker.call(self._stage.close)
        self._stage = self._opened(self._worker)
        again = self._processed(self._worker, self._stage, self._items)
        for n, (now, then) in enumerate(zip(again, self._reference, strict=True)):
            if not alike(_plain(now), then):
                raise Broken(f"frame {n} comes out differently after being opened again")
        return "twice, and opened again"

    def _time(self) -> str:
        def one(n: int) -> object:
            item = self._items[n % len(self._items)]
            return self._worker.call(lambda: self._stage.process([item]))

        times = Times.of(one, 2 * len(self._items))
        times.within(self._max_ms)
        if times.p95_ms > _FRAME_MS * self._spec.workers:
            raise Broken(
                f"{times} per frame: it does not keep up with 30 frames a second",
                "more workers, a smaller picture or model; on live streams frames are dropped",
                "warn",
            )
        return f"{times} per frame"

    def _pipeline(self) -> str:
        items = passed_through(self._spec, self._material, self._home, self._limit_s)
        return f"{len(items)} frames in, {len(items)} out"


def _given(item: Item, needs: frozenset[str]) -> Item:
    """The item with what the stage needs and nothing else."""
    if "attributes" in needs and item.detections is not None:
        pts_ns = item.frame.pts_ns
        known = {"age": Attribute(30.0, 0.8, pts_ns), "gender": Attribute("female", 0.9, pts_ns)}
        item = item.with_(attributes={int(i): known for i in item.detections.tracker_id or ()})
    if not needs & {"detections", "tracks", "attributes"}:
        return item.with_(detections=None)
    return item


def _check_detections(found: sv.Detections, size_px: tuple[int, int]) -> None:
    count = len(found)
    if found.xyxy.shape != (count, 4) or not np.isfinite(found.xyxy).all():
        raise Broken(
            f"boxes of shape {found.xyxy.shape}, or not finite", "xyxy is (n, 4) in pixels"
        )
    for name in ("confidence", "class_id", "tracker_id"):
        values = getattr(found, name)
        if values is not None and np.shape(values) != (count,):
            raise Broken(f"{name} of shape {np.shape(values)} for {count} boxes")
    for name, values in found.data.items():
        if len(values) != count:
            raise Broken(f"data[{name!r}] has {len(values)} entries for {count} boxes")
    if count and "class_name" not in found.data:
        raise Broken("boxes without class_name", 'data={"class_name": np.array([…])}')
    boxes, (width, height) = found.xyxy, size_px
    upright = (boxes[:, 2:] >= boxes[:, :2]).all()
    if not upright or (boxes < -1).any() or (boxes[:, 2:] > (width + 1, height + 1)).any():
        raise Broken(
            "boxes outside of the frame, or turned round",
            "xyxy is x_min, y_min, x_max, y_max in pixels of the frame, not 0 to 1",
        )


def _rows(found: sv.Detections | None) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    boxes = np.zeros((0, 4), np.float32) if found is None else found.xyxy.astype(np.float32)
    return np.ascontiguousarray(boxes).view([("", np.float32)] * 4).reshape(-1)


def _plain(item: Item) -> object:
    """What readers are told of an item, and its picture in small."""
    result = events.result_of(replace(item, timings=()), {})
    told = msgspec.to_builtins(result, enc_hook=lambda value: np.asarray(value).tolist())
    for name in ("latency_ns", "captured_unix_ns", "stages"):
        told.pop(name, None)
    told["picture"] = item.frame.picture.rgb_resized(16, 9).tolist()
    return told
