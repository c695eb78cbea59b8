"""What the options of `livelens run` mean."""

from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

import livelens.progress
from livelens import plugins, presets
from livelens.cli import app
from livelens.errors import ConfigError
from livelens.spec import PipelineSpec


@pytest.fixture
def spec_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pipeline that a command line would run."""

    def meant(*words: str) -> list[tuple[str, str]]:
        specs: list[PipelineSpec] = []
        monkeypatch.setattr(livelens.progress, "follow", lambda spec, **_: specs.append(spec))
        done = CliRunner().invoke(app, ["run", "clip.mp4", *words])
        if done.exception is not None:
            raise done.exception
        [spec] = specs
        return [(plugins.named(s), getattr(s, "model", "")) for s in spec.stages]

    return meant


def test_descriptors_bring_a_tracker(spec_of: Any) -> None:
    chain = spec_of("--detect", "face-blaze", "--describe", "identity", "--describe", "pose")
    assert chain == [("detect", "face-blaze"), ("track", ""), ("identity", ""), ("pose", "")]
    named = spec_of("--detect", "face-blaze", "--track", "sort", "--describe", "identity")
    assert named == chain[:3]


def test_a_preset_may_be_added_to(spec_of: Any) -> None:
    chain = spec_of("--preset", "traffic")
    assert [name for name, _ in chain] == ["detect", "track", "vehicle", "flux"]
    more = spec_of("--preset", "traffic", "--detect", "face-blaze", "--describe", "identity")
    assert more == [chain[0], ("detect", "face-blaze"), *chain[1:], ("identity", "")]


def test_landmarks_need_nothing_before_them(spec_of: Any) -> None:
    assert spec_of("--landmarks") == [("landmarks", "")]


def test_mistakes_are_one_line(spec_of: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no preset 'rush' \(.*traffic"):
        spec_of("--preset", "rush")
    with pytest.raises(ConfigError, match=r"no stage is called 'mood' \(.*identity"):
        spec_of("--detect", "face-blaze", "--describe", "mood")
    file = tmp_path / "pipeline.yaml"
    file.write_text("stages: []")
    with pytest.raises(ConfigError, match="not both"):
        spec_of("--preset", "traffic", "--pipeline", str(file))
    with pytest.raises(ConfigError, match="belong to --detect"):
        spec_of("--preset", "faces", "--classes", "face")
    with pytest.raises(ConfigError, match="belong to --detect"):
        spec_of("--preset", "faces", "--confidence", "0.5")
    with pytest.raises(ConfigError, match="--device belongs"):
        spec_of("--preset", "faces", "--device", "cuda:0")


def test_a_descriptor_without_anything_to_describe_is_warned_of(spec_of: Any) -> None:
    def warned_of(*words: str) -> list[tuple[str, str]]:
        with structlog.testing.capture_logs() as lines:
            spec_of(*words)
        return [(line["stage"], line["classes"]) for line in lines]

    assert warned_of("--detect", "coco-ssd", "--describe", "emotion") == [("emotion", "face")]
    assert warned_of("--detect", "coco-ssd", "--classes", "car", "--describe", "pose") == [
        ("pose", "person")
    ]
    assert warned_of("--detect", "coco-ssd", "--detect", "face", "--describe", "emotion") == []
    for name in presets.builtin():
        assert warned_of("--preset", name) == []


def test_warnings_stay_out_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livelens.progress, "follow", lambda spec, **_: None)
    words = ["run", "clip.mp4", "--detect", "coco-ssd", "--describe", "emotion", "--results", "-"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "no detector before the tracker finds" in done.stderr


def test_detectors_that_cannot_be_opened_are_refused_with_their_place(spec_of: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"no detector 'coco'; .* coco-ssd.* \$.stages\[0\].model$"
    ):
        spec_of("--detect", "coco")
    with pytest.raises(ConfigError, match=r"'face-mesh' is no detector - at \$.stages\[1\].model$"):
        spec_of("--detect", "face", "--detect", "face-mesh")
    with pytest.raises(ConfigError, match=r"no class 'cta'; .* - at \$.stages\[0\].classes$"):
        spec_of("--detect", "coco-ssd", "--classes", "cta")
