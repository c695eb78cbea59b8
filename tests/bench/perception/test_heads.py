"""The figures of glasses and clothing, from answers that are known."""

from pathlib import Path

import pytest

from livelens.bench.perception import clothing, glasses
from livelens.bench.report import CannotMeasure
from livelens.descriptor import Description, Reading


def values(rows: object) -> dict[str, tuple[object, object]]:
    return {str(row["metric"]): (row["value"], row["n"]) for row in rows}  # type: ignore[attr-defined]


def test_balanced_accuracy_is_the_mean_of_recalls() -> None:
    told = [("none", "none")] * 9 + [("none", "glasses")] + [("glasses", "glasses")] * 1
    told += [("glasses", "sunglasses"), ("sunglasses", "sunglasses")]
    figures = values(glasses.rows("x", told))
    assert figures["recall_none"] == (0.9, 10)
    assert figures["recall_glasses"] == (0.5, 2)
    assert figures["recall_sunglasses"] == (1.0, 1)
    assert figures["balanced_accuracy"] == (pytest.approx(0.8), 13)
    # Glasses that are taken for sunglasses are worn all the same.
    assert figures["balanced_accuracy_worn_or_not"] == (pytest.approx(0.95), 13)


def test_words_that_do_not_occur_do_not_count() -> None:
    figures = values(glasses.rows("x", [("none", "none"), ("none", "glasses")]))
    assert figures["balanced_accuracy"] == (0.5, 2)
    assert "balanced_accuracy_worn_or_not" not in figures


def person(**words: str) -> clothing.Person:
    asked = {name: frozenset(words.get(name, "").split("|")) - {""} for name in clothing.ASKED}
    return clothing.Person(Path("a.jpg"), (0, 0, 1, 1), asked)


def test_either_word_is_right_and_silence_is_counted() -> None:
    told: list[tuple[clothing.Person, Description]] = [
        (person(upper_color="blue|grey"), {"upper_color": Reading("grey")}),
        (person(upper_color="red"), {"upper_color": Reading("orange")}),
        (person(upper_color="red"), {}),
        (person(), {"upper_color": Reading("pink")}),
    ]
    figures = values(clothing.rows(told))
    assert figures["upper_color_told"] == (pytest.approx(2 / 3), 3)
    assert figures["upper_color_top1"] == (0.5, 2)
    assert set(figures) == {"upper_color_told", "upper_color_top1"}


def labels_in(folder: Path, text: str) -> Path:
    images = folder / "coco" / "images"
    images.mkdir(parents=True)
    (images / "a.jpg").write_bytes(b"")
    (folder / "coco" / "clothing.csv").write_text(text)
    return folder


HEADER = "picture,box,upper,upper_color,lower,lower_color\n"


def test_labels_beside_the_pictures(tmp_path: Path) -> None:
    text = HEADER + "a.jpg,1 2 30 40,long sleeves,blue|grey,,\nmissing.jpg,0 0 1 1,,red,,\n"
    (found,) = clothing.people(labels_in(tmp_path, text))
    assert found.box == (1, 2, 30, 40)
    assert found.words["upper_color"] == {"blue", "grey"}
    assert found.words["lower"] == frozenset()


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    folder = labels_in(tmp_path, HEADER + "a.jpg,1 2 30,,red,,\n")
    with pytest.raises(CannotMeasure, match="labels of clothing: line 2"):
        clothing.people(folder)


def test_no_pictures_to_measure_clothing_on(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="no labelled pictures"):
        list(clothing.measure(tmp_path))
