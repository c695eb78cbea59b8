"""A descriptor as a stage: objects are cut out, described together, and checked."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from livelens.crop import Crop
from livelens.descriptor import Description, Descriptor, DescriptorSpec, Reading
from livelens.errors import StageError
from livelens.types import Attribute, AttributeValue, Item

# What is told goes to every reader with every frame: one descriptor must not drown the others.
_MOST_ATTRIBUTES = 100
_LONGEST_WORD = 1000
_MOST_NUMBERS = 10_000
# JSON readers know larger integers only roughly, and numbers are averaged as floats.
_LARGEST = 2**53
# Sums of float32 probabilities miss 1 by a little.
_ROUNDING = 1e-3


class Describing:
    """Describes all objects of the items it gets; which ones is decided before.

    Args:
        spec: the descriptor's settings.
        descriptor: closed with the stage.
    """

    def __init__(self, spec: DescriptorSpec, descriptor: Descriptor) -> None:
        self._spec = spec
        self._descriptor = descriptor

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with what was read off their objects as their attributes.

        Raises:
            StageError: the descriptor did not answer as it should.
        """
        crops = [crops_of(item) for item in items]
        flat = [crop for of_item in crops for crop in of_item]
        described = checked(self._descriptor.describe(flat), len(flat)) if flat else []
        answers = iter(described)
        results = []
        for item, of_item in zip(items, crops, strict=True):
            attributes = dict(item.attributes)
            for crop in of_item:
                read = _attributes(next(answers), item.frame.pts_ns)
                attributes[crop.tracker_id] = {**attributes.get(crop.tracker_id, {}), **read}
            results.append(item.with_(attributes=attributes))
        return results

    def close(self) -> None:
        """Close the descriptor."""
        self._descriptor.close()


def crops_of(item: Item) -> list[Crop]:
    """A crop of every object that has a track and lies in the picture."""
    found = item.detections
    if found is None or found.tracker_id is None:
        return []
    width, height = item.frame.size_px
    names, points = found.data.get("class_name"), found.data.get("keypoints")
    crops = []
    for i, tracker_id in enumerate(found.tracker_id):
        left, right = (float(x) for x in np.clip(found.xyxy[i, [0, 2]], 0, width))
        top, bottom = (float(y) for y in np.clip(found.xyxy[i, [1, 3]], 0, height))
        if tracker_id < 0 or not (right - left >= 1 and bottom - top >= 1):
            continue
        keypoints = np.asarray(points[i], np.float32) if points is not None else None
        crops.append(
            Crop(
                item.frame,
                (left, top, right, bottom),
                str(names[i]) if names is not None else "",
                float(found.confidence[i]) if found.confidence is not None else 1.0,
                int(tracker_id),
                # Another detector's objects have none, and are joined with empty arrays.
                keypoints if keypoints is not None and keypoints.size else None,
            )
        )
    return crops


def checked(described: object, count: int) -> list[Description]:
    """What a descriptor answered, with numpy's numbers as Python's.

    Raises:
        StageError: says what was expected and what came.
    """
    if not isinstance(described, list) or len(described) != count:
        got = f"{len(described)}" if isinstance(described, list) else type(described).__name__
        raise StageError(f"describe() must return a list of {count} descriptions, not {got}")
    return [_description(each) for each in described]


def _description(described: object) -> Description:
    if not isinstance(described, Mapping):
        raise StageError(
            "a description is a mapping from names to Readings, empty if nothing can be told, "
            f"not {type(described).__name__}"
        )
    if len(described) > _MOST_ATTRIBUTES:
        raise StageError(f"{len(described)} attributes of one object, {_MOST_ATTRIBUTES} at most")
    return {_name(name): _reading(name, reading) for name, reading in described.items()}


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise StageError(f"an attribute's name is a word, not {name!r:.80}")
    return _word("an attribute's name", name)


def _word(name: object, word: str) -> str:
    if len(word) > _LONGEST_WORD:
        raise StageError(f"{name}: a word of {len(word)} characters, {_LONGEST_WORD} at most")
    try:
        word.encode()
    except UnicodeEncodeError:
        raise StageError(f"{name}: {word!a:.80} cannot be written as UTF-8") from None
    return word


def _reading(name: object, reading: object) -> Reading:
    if not isinstance(reading, Reading):
        raise StageError(f"{name}: expected a Reading, not {type(reading).__name__}")
    if not isinstance(reading.scores, Mapping):
        got = type(reading.scores).__name__
        raise StageError(f"{name}: scores are a mapping from words to numbers, not {got}")
    if len(reading.scores) > _MOST_NUMBERS:
        raise StageError(f"{name}: {len(reading.scores)} scores, {_MOST_NUMBERS} at most")
    scores = {_word(name, str(key)): _score(name, each) for key, each in reading.scores.items()}
    return Reading(_value(name, reading.value), _score(name, reading.score), scores)


def _score(name: object, score: object) -> float:
    number = _number(name, score)
    if not -_ROUNDING <= number <= 1 + _ROUNDING:
        raise StageError(f"{name}: a score is within 0 and 1, not {number:g}")
    return min(max(number, 0.0), 1.0)


def _value(name: object, value: object) -> AttributeValue:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _word(name, value)
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise StageError(f"{name}: a whole number is at most 2**53 on either side of 0")
        return value
    if isinstance(value, float):
        return _number(name, value)
    if isinstance(value, list | tuple | np.ndarray):
        try:
            points = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.size > _MOST_NUMBERS:
            raise StageError(f"{name}: points of {points.size} numbers, {_MOST_NUMBERS} at most")
        if points.ndim == 2 and np.isfinite(points).all():
            rows: list[list[float]] = points.tolist()
            return rows
        raise StageError(f"{name}: points are a list of [x, y, …], all finite and equally long")
    raise StageError(f"{name}: a value is a number, word, bool, None or points, not {value!r:.80}")


def _number(name: object, value: object) -> float:
    number = float(value) if isinstance(value, int | float | np.generic) else math.nan
    if not math.isfinite(number):
        raise StageError(f"{name}: expected a finite number, not {value!r:.80}")
    return number


def _attributes(description: Description, pts_ns: int) -> dict[str, Attribute]:
    return {
        name: Attribute(reading.value, reading.score, pts_ns, reading.scores)
        for name, reading in description.items()
        if reading.value is not None
    }
