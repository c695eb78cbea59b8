"""Renditions nobody has named."""

from livelens.server.config import pipeline_of, read_config
from livelens.server.streams import changed
from livelens.spec import PipelineSpec

REFRAME = {"type": "reframe", "name": "upright"}
DETECT = {"type": "detect", "model": "coco-ssd"}


def stream(**fields: object) -> PipelineSpec:
    return pipeline_of(read_config({}), {"source": {"type": "whip"}, **fields})


def shown(spec: PipelineSpec) -> dict[str, str | None]:
    return {sink.name: sink.viewport for sink in spec.sinks}


def test_each_camera_has_its_rendition() -> None:
    square = {"type": "reframe", "aspect": "1:1"}
    assert shown(stream(stages=[DETECT, square, REFRAME])) == {
        "main": None, "annotated": None, "framed": "reframe", "framed-2": "upright",
    }  # fmt: skip


def test_framed_comes_and_goes_with_its_camera() -> None:
    plain = stream(stages=[DETECT])
    with_camera = changed(plain, {"stages": [DETECT, REFRAME]})
    assert shown(with_camera) == {"main": None, "annotated": None, "framed": "upright"}
    assert with_camera.sinks[:2] == plain.sinks
    assert changed(with_camera, {"stages": [DETECT]}).sinks == plain.sinks
    same = changed(with_camera, {"stages": [DETECT, {**REFRAME, "aspect": "1:1"}]})
    assert same.sinks == with_camera.sinks


def test_who_names_renditions_has_those() -> None:
    own = stream(stages=[DETECT], sinks=[{"type": "whep", "name": "hd"}])
    assert changed(own, {"stages": [DETECT, REFRAME]}).sinks == own.sinks
    named = [{"type": "whep", "name": "main"}, {"type": "whep", "name": "annotated"}]
    patch = {"stages": [DETECT, REFRAME], "sinks": named}
    assert list(shown(changed(stream(stages=[DETECT]), patch))) == ["main", "annotated"]
