"""Clothes and their colours: how often the descriptor tells them, and how often it is right.

Persons in `coco/images`, by our labels file or `coco/clothing.csv`: the picture, the box in
pixels, and a word for each attribute. `a|b` accepts either word where people would not agree;
an empty word is not asked.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.crop import Crop
from livelens.descriptor import Description
from livelens.types import Frame

Describe = Callable[[Sequence[Crop]], list[Description]]

ASKED = ("upper", "upper_color", "lower", "lower_color")
BARS: tuple[tuple[str, float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A labelled person; the words of each attribute that count as right."""

    picture: Path
    box: tuple[float, float, float, float]
    words: dict[str, frozenset[str]]


def measure(data: Path) -> Iterator[Row]:
    """For each attribute: the share of persons it was told of, and how often it was right.

    Raises:
        CannotMeasure: none of the labelled pictures is there.
    """
    from livelens.stages.describe.clothing import Clothing

    persons = people(data)
    if not persons:
        raise CannotMeasure(f"no labelled pictures in {data}/coco/images")
    descriptor = Clothing().open()
    try:
        told = [(person, described(person, descriptor.describe)) for person in persons]
    finally:
        descriptor.close()
    yield from rows(told)


def described(person: Person, describe: Describe) -> Description:
    """What is told of one person."""
    image = cv2.imread(str(person.picture), cv2.IMREAD_COLOR)
    if image is None:
        raise CannotMeasure(f"{person.picture} is no picture")
    frame = Frame.of(np.asarray(image, np.uint8))
    return describe([Crop(frame, person.box, "person")])[0]


def rows(told: list[tuple[Person, Description]]) -> Iterator[Row]:
    """Figures of what was told: of each attribute, and `top1` of all garments together."""
    garments: list[bool] = []
    for name in ASKED:
        asked = [(person, description) for person, description in told if person.words[name]]
        answers = [
            str(description[name].value) in person.words[name]
            for person, description in asked
            if name in description
        ]
        if not asked:
            continue
        yield _row(f"{name}_told", len(answers) / len(asked), len(asked))
        if answers:
            yield _row(f"{name}_top1", sum(answers) / len(answers), len(answers))
        if name in ("upper", "lower"):
            garments += answers
    if garments:
        yield _row("top1", sum(garments) / len(garments), len(garments))


def people(data: Path) -> list[Person]:
    """Every labelled person whose picture is there.

    Raises:
        CannotMeasure: the labels file cannot be read.
    """
    beside = data / "coco" / "clothing.csv"
    if beside.is_file():
        text = beside.read_text("utf-8")
    else:
        ours = resources.files("livelens.bench.perception").joinpath("labels", "clothing.csv")
        text = ours.read_text("utf-8")
    found = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        try:
            left, top, right, bottom = (float(value) for value in row["box"].split())
            words = {name: frozenset(row[name].split("|")) - {""} for name in ASKED}
        except (KeyError, ValueError, AttributeError) as error:
            raise CannotMeasure(f"labels of clothing: line {number}: {error}") from error
        picture = data / "coco" / "images" / row["picture"]
        if picture.is_file():
            found.append(Person(picture, (left, top, right, bottom), words))
    return found


def _row(metric: str, value: float, n: int) -> Row:
    return {"task": "clothing", "dataset": "coco", "metric": metric, "value": value, "n": n}
