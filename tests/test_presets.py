"""The chains that come with Livelens, and how more stages join them."""

from itertools import islice

import pytest

import livelens
from livelens import plugins, presets
from livelens.errors import ConfigError
from livelens.flow.graph import check, stage_names
from livelens.models import zoo
from livelens.server.config import known_presets, read_config
from livelens.spec import PipelineSpec, StageSpec

AGE = {"type": "age-gender"}
FACE = {"type": "detect", "model": "face-blaze"}


def spec_of(data: dict[str, object]) -> PipelineSpec:
    return plugins.pipeline({"source": "pattern://", **data})


def kinds(stages: object) -> list[str]:
    assert isinstance(stages, list)
    return [each if isinstance(each, str) else each["type"] for each in stages]


@pytest.mark.parametrize("name", sorted(presets.builtin()))
def test_a_preset_runs_on_a_clip(name: str) -> None:
    spec = spec_of(presets.preset(name))
    check(spec)
    clip = "bikes" if name in ("people", "traffic") else "faces"
    run = livelens.run(str(zoo.clip(clip)), stages=spec.stages)
    found = list(islice(run, 8))
    run.close()
    assert [item.frame.seq for item in found] == list(range(8))
    assert [timing.stage for timing in found[-1].timings] == stage_names(spec.stages)
    if name in ("faces", "everything"):
        detections = found[-1].detections
        assert detections is not None
        assert "face" in detections.data["class_name"]
        assert found[-1].attributes, "nothing is told of the face"


def test_nobody_is_recognised_unasked() -> None:
    for name, preset in presets.builtin().items():
        assert "identity" not in kinds(preset["stages"]), name


def test_only_what_is_installed_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {name: entry for name, entry in plugins.known_stages().items() if name != "track"}
    monkeypatch.setattr(plugins, "known_stages", lambda: stages)
    assert "default" in presets.builtin()
    assert "faces" not in presets.builtin()
    with pytest.raises(ConfigError, match=r"no preset 'faces' \(default"):
        presets.preset("faces")


def test_the_server_knows_them_and_configured_ones_take_their_place() -> None:
    config = read_config({"presets": {"default": {"stages": [FACE]}, "own": {"stages": []}}})
    assert set(known_presets(config)) == {*presets.builtin(), "own"}
    assert known_presets(config)["default"] == {"stages": [FACE]}


def extended(stages: object, **more: object) -> list[str]:
    settings: dict[str, object] = {
        "detect": (), "track": None, "describe": (), "landmarks": False, **more,
    }  # fmt: skip
    return kinds(presets.extended(stages, **settings))  # type: ignore[arg-type]


def test_more_stages_join_in_an_order_that_works() -> None:
    assert extended([]) == []
    assert extended([], detect=[FACE]) == ["detect"]
    assert extended([], detect=[FACE], track="sort") == ["detect", "track"]
    assert extended([], detect=[FACE], describe=[AGE]) == ["detect", "track", "age-gender"]
    chain = ["detect", "track", AGE]
    assert extended(chain, describe=[AGE, {"type": "emotion"}]) == [
        "detect", "track", "age-gender", "emotion",
    ]  # fmt: skip
    assert extended(chain, detect=[FACE]) == ["detect", "detect", "track", "age-gender"]
    assert extended(["detect"], detect=[FACE]) == ["detect", "detect"]
    assert extended(chain, landmarks=True)[-1] == "landmarks"
    assert extended(["landmarks"], landmarks=True) == ["landmarks"]


def test_a_named_tracker_takes_the_place_of_the_one_there_is() -> None:
    chain = presets.extended(
        ["detect", "track", AGE], detect=(), track="sort", describe=(), landmarks=False
    )
    assert chain == ["detect", {"type": "track", "tracker": "sort"}, AGE]


def test_what_is_no_list_is_left_to_be_refused() -> None:
    assert presets.extended("x", detect=(), track=None, describe=(), landmarks=True) == "x"


def test_presets_hold_stages_only() -> None:
    for preset in presets.builtin().values():
        assert set(preset) == {"stages"}
        assert all(isinstance(stage, StageSpec) for stage in spec_of(preset).stages)
