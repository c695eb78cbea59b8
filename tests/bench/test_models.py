"""The speed bench: its cases measure real models, and what cannot be measured is said."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from livelens.bench import face_clips, models
from livelens.bench.model_cases import ModelCase, PipelineCase, describe, measure
from livelens.bench.report import CannotMeasure
from livelens.models import zoo


def model_case(**changes: object) -> ModelCase:
    fields: dict[str, object] = {
        "model": "face-blaze",
        "runtime": "openvino",
        "precision": "f32",
        "threads": 1,
        "clip": str(zoo.clip("faces")),
        "seconds": 0.05,
    }
    return ModelCase(**(fields | changes))  # type: ignore[arg-type]


def test_a_model_alone() -> None:
    [row] = measure(model_case())
    assert (row["system"], row["runtime"], row["threads"]) == ("face-blaze", "openvino", 1)
    for column in ("fps", "p50_ms", "p95_ms"):
        value = row[column]
        assert isinstance(value, float)
        assert value > 0


def test_faces_through_the_engine() -> None:
    stages = [{"type": "detect", "model": "face-blaze"}, {"type": "track", "name": "follow"}]
    case = PipelineCase(
        case="some", stages=stages, pace=False, clip=str(zoo.clip("faces")), seconds=0.5,
        settle_s=0,
    )  # fmt: skip
    whole, *rows = measure(case)
    assert whole["stage"] == "all"
    fps, objects = whole["fps"], whole["objects"]
    assert isinstance(fps, float)
    assert fps > 0
    assert isinstance(objects, float)
    assert 0.5 < objects < 1.5
    assert whole["drop_ratio"] == 0
    assert {row["stage"] for row in rows} == {"detect", "follow"}


def test_what_cannot_be_measured_is_an_answer_of_one_line() -> None:
    answer = describe(msgspec.json.encode(model_case(runtime="onnxruntime")))
    assert answer["rows"] == []
    assert ".tflite" in str(answer["error"])
    assert "\n" not in str(answer["error"])


def test_a_case_has_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(models, "note", said.append)
    [row] = models._measured("a model", model_case())
    assert row["system"] == "face-blaze"
    assert said == []
    assert models._measured("another", model_case(model="none-such")) == []
    assert len(said) == 1
    assert said[0].startswith("another: not measured: no model 'none-such'")


def test_the_clips_show_one_and_five_faces() -> None:
    clip = zoo.clip("faces")
    pictures = (
        next(face_clips.one_face(clip)),
        next(face_clips.five_faces(clip.parent / "multi_face.jpg")),
    )
    detector = zoo.load("face-blaze", threads=1)
    try:
        found = detector([np.ascontiguousarray(picture[:, :, ::-1]) for picture in pictures])
    finally:
        detector.close()
    assert [picture.shape for picture in pictures] == [(720, 1280, 3)] * 2
    assert [len(each) for each in found] == [1, 5]
    with pytest.raises(CannotMeasure, match="gone"):
        next(face_clips.five_faces(Path("gone.jpg")))


def test_bars_need_every_descriptor() -> None:
    rows: list[dict[str, str | int | float | bool | None]] = [
        {"case": "one face, file", "stage": "all", "fps": 30.0},
        {"case": "one face, file", "stage": "detect"},
        {"case": "five faces, live 60 fps", "stage": "all", "fps": 12.0},
    ]
    found = [(bar.name, bar.limit, bar.holds) for bar in models._bars(rows, [])]
    assert found == [("one face, file", 25, True), ("five faces, live 60 fps", 15, False)]
    assert models._bars(rows, ["glasses"]) == []
