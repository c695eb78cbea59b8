"""Tries a descriptor on real objects, as a lane would use it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from livelens.authoring.calls import Worker
from livelens.authoring.material import Material, odd_frames
from livelens.authoring.pipelines import passed_through
from livelens.authoring.report import Broken
from livelens.authoring.trial import Question, Times, Untouched, alike
from livelens.crop import Crop
from livelens.descriptor import Description, Descriptor, DescriptorSpec, Reading
from livelens.errors import StageError
from livelens.flow.describing import checked
from livelens.types import Attribute, Frame

Plain = list[dict[str, object]]


class DescriptorTrial:
    """Questions to one descriptor.

    Args:
        spec: its settings.
        home: the folder of its code, for errors.
        material: frames and objects.
        limit_s: a call that takes longer hangs.
        max_ms: what one object may cost, if anything is asked.
    """

    def __init__(
        self,
        spec: DescriptorSpec,
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
        self._crops = material.crops(spec.min_size_px)
        self._worker = Worker(home, limit_s)
        self._descriptor: Descriptor
        self._reference: Plain = []
        self._untouched = Untouched([item.frame for item in material.items])

    def questions(self) -> list[Question]:
        """All of them, in order."""
        order = "one description for each crop, in the order of the crops: zip, do not collect"
        return [
            Question("measures", self._measures),
            Question("opens", self._opens, "open() loads what is needed and nothing else", True),
            Question("answers", self._answers, essential=True),
            Question("batch", self._batch, order),
            Question("order", self._order, order),
            Question("pixels", self._untouched.check),
            Question("odd pictures", self._odd, "return {} where nothing can be told"),
            Question("no objects", self._nothing, "return [] for []"),
            Question("threads", self._threads, "keep state in the instance, none in the module"),
            Question("closing", self._closing, "close() releases; open() must work again after it"),
            Question("time", self._time),
            Question("pipeline", self._pipeline),
        ]

    def end(self) -> None:
        """Let go of the worker."""
        self._worker.end()

    def _measures(self) -> str:
        names = self._spec.measures
        if not names or not all(isinstance(name, str) and name for name in names):
            raise Broken(
                "names no attribute",
                'measures: ClassVar[tuple[str, ...]] = ("hat",) says what it can tell',
            )
        return f"{', '.join(names)} of {', '.join(self._spec.describes) or 'every class'}"

    def _opens(self) -> str:
        self._descriptor = self._opened(self._worker)
        return type(self._descriptor).__name__

    def _opened(self, worker: Worker) -> Descriptor:
        opened = worker.call(self._spec.open)
        lacking = [verb for verb in ("describe", "close") if not callable(_of(opened, verb))]
        if lacking:
            raise Broken(
                f"open() gives {type(opened).__name__}, which has no {' and no '.join(lacking)}()",
                "return an object with describe(crops) and close()",
            )
        return opened

    def _answers(self) -> str:
        if not self._crops:
            raise Broken(
                f"no object of {self._spec.min_size_px} px or more to try it on",
                "name a video that shows some with --clip",
            )
        described = self._described(self._worker, self._descriptor, self._crops)
        for description in described:
            self._check(description)
        self._reference = [_plain(each) for each in described]
        told = [each for each in described if each]
        if not told:
            raise Broken(
                f"nothing is told of {len(described)} objects ({self._material.origin})",
                "name a video that shows such objects with --clip",
                "warn",
            )
        sample = ", ".join(f"{k} = {_short(v.value)}" for k, v in list(told[0].items())[:3])
        seen = f"{len(told)} of {len(described)} objects ({self._material.origin}): {sample}"
        missing = set(self._spec.measures) - {name for each in told for name in self._all(each)}
        if missing:
            raise Broken(
                f"{seen}; never told: {', '.join(sorted(missing))}",
                "may be right for these objects; if not, take it out of `measures`",
                "warn",
            )
        return seen

    def _all(self, description: Description) -> set[str]:
        """Names of what is told of an object, with what is concluded from it."""
        attributes = {
            name: Attribute(reading.value, reading.score, 0, reading.scores)
            for name, reading in description.items()
            if reading.value is not None
        }
        concluded: object = self._worker.call(lambda: self._spec.concluded(attributes))
        if not isinstance(concluded, Mapping) or not all(
            isinstance(each, Attribute) for each in concluded.values()
        ):
            raise Broken(
                "concluded() must return a mapping from names to Attributes",
                "{**attributes, NAME: Attribute(value, score, pts_ns)}",
            )
        return set(concluded) | set(description)

    def _described(
        self, worker: Worker, descriptor: Descriptor, crops: Sequence[Crop]
    ) -> list[Description]:
        answer = worker.call(lambda: descriptor.describe(crops))
        try:
            return checked(answer, len(crops))
        except StageError as error:
            raise Broken(str(error), "see `Reading` in livelens/descriptor.py") from None

    def _check(self, description: Description) -> None:
        unknown = set(description) - set(self._spec.measures)
        if unknown:
            raise Broken(
                f"tells {', '.join(sorted(unknown))}, which `measures` does not name",
                "add it to `measures`",
            )
        for name, reading in description.items():
            _check_scores(name, reading)

    def _batch(self) -> str:
        single = [
            _plain(self._described(self._worker, self._descriptor, [crop])[0])
            for crop in self._crops
        ]
        self._compare(single, "one by one")
        return f"{len(single)} at once as one by one"

    def _order(self) -> str:
        # Turned, not reversed: a descriptor that reverses its answers would be right twice.
        turned = [*self._crops[1:], self._crops[0]]
        answers = self._described(self._worker, self._descriptor, turned)
        self._compare([_plain(each) for each in (answers[-1:] + answers[:-1])], "turned")
        return "answers follow their objects"

    def _compare(self, answers: Plain, how: str) -> None:
        for n, (now, then) in enumerate(zip(answers, self._reference, strict=True)):
            if not alike(now, then):
                raise Broken(f"object {n} {how}: {_short(now)}, together: {_short(then)}")

    def _odd(self) -> str:
        names = []
        for name, frame in odd_frames():
            untouched = Untouched([frame])
            for crop in _odd_crops(frame, self._spec):
                try:
                    for told in self._described(self._worker, self._descriptor, [crop]):
                        self._check(told)
                except Broken as broken:
                    raise Broken(f"{name}, {crop.box}: {broken}", broken.advice) from None
            untouched.check()
            names.append(name)
        return f"{', '.join(names)}; objects cut by the edge, and as small as min_size_px"

    def _nothing(self) -> str:
        self._described(self._worker, self._descriptor, [])
        return "[] for []"

    def _threads(self) -> str:
        """As `workers: 2` has it: an instance for each thread, both busy at once."""
        workers = [Worker(self._home, self._limit_s) for _ in range(2)]
        try:
            opened = [self._opened(worker) for worker in workers]
            answers: list[Plain] = [[], []]
            for crop in self._crops:
                begun = [
                    worker.begin(lambda d=each, c=crop: d.describe([c]))  # type: ignore[misc]
                    for worker, each in zip(workers, opened, strict=True)
                ]
                for worker, task, answer in zip(workers, begun, answers, strict=True):
                    answer.append(_plain(checked(worker.outcome(task), 1)[0]))
            for worker, answer, descriptor in zip(workers, answers, opened, strict=True):
                self._compare(answer, "beside another worker")
                worker.call(descriptor.close)
        finally:
            for worker in workers:
                worker.end()
        return "two workers at once give the same answers"

    def _closing(self) -> str:
        for _ in range(2):
            self._worker.call(self._descriptor.close)
        self._descriptor = self._opened(self._worker)
        again = self._described(self._worker, self._descriptor, self._crops)
        self._compare([_plain(each) for each in again], "after being opened again")
        return "twice, and opened again"

    def _time(self) -> str:
        def one(n: int) -> object:
            crop = self._crops[n % len(self._crops)]
            return self._worker.call(lambda: self._descriptor.describe([crop]))

        times = Times.of(one, 3 * len(self._crops))
        times.within(self._max_ms)
        busy = times.p95_ms * self._spec.max_objects / 1000
        if self._spec.refresh_s and busy > self._spec.refresh_s * self._spec.workers:
            raise Broken(
                f"{times} per object: {self._spec.max_objects} objects take {busy:.1f} s, and are "
                f"to be described anew every {self._spec.refresh_s:g} s",
                "a longer refresh_s, fewer max_objects, more workers, or a smaller model",
                "warn",
            )
        return f"{times} per object"

    def _pipeline(self) -> str:
        items = passed_through(self._spec, self._material, self._home, self._limit_s)
        known = sum(any(item.attributes.values()) for item in items)
        if any(self._reference) and not known:
            raise Broken(
                "no object of any frame has got an attribute",
                "do its classes and min_size_px let objects through?",
            )
        return f"{len(items)} frames in, {len(items)} out, {known} of them with attributes"


def _of(thing: object, name: str) -> object:
    return getattr(thing, name, None)


def _check_scores(name: str, reading: Reading) -> None:
    if not 0 <= reading.score <= 1:
        raise Broken(f"{name}: score {reading.score:g}", "a score lies between 0 and 1")
    total = sum(reading.scores.values())
    if reading.scores and not abs(total - 1) < 0.02:
        raise Broken(f"{name}: scores sum to {total:.2f}", "scores of all alternatives sum to 1")


def _odd_crops(frame: Frame, spec: DescriptorSpec) -> list[Crop]:
    width, height = (float(side) for side in frame.size_px)
    name = (spec.classes or spec.describes or ("object",))[0]
    small = min(float(spec.min_size_px), width, height)
    boxes = (
        (0.0, 0.0, width, height),
        (0.0, 0.0, small, small),
        (width - small, height / 2, width, min(height / 2 + small, height)),
        (width / 3, 0.0, width / 3 + 1.5, height),
    )
    return [Crop(frame, box, name, 0.5, n + 1) for n, box in enumerate(boxes)]


def _plain(description: Mapping[str, Reading]) -> dict[str, object]:
    return {
        name: [reading.value, reading.score, dict(reading.scores)]
        for name, reading in description.items()
    }


def _short(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
