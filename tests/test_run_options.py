"""What the options of `livelens run` mean."""

from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

import livelens.passes
from livelens import plugins, presets
from livelens.cli import app
from livelens.errors import ConfigError
from livelens.spec import PipelineSpec
from livelens.stages.detect import Detect
from livelens.stages.reframe import Reframe
from livelens.stages.viewports import Viewports


@pytest.fixture
def spec_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pipeline that a command line would run."""

    def meant(*words: str) -> list[tuple[str, str]]:
        specs: list[PipelineSpec] = []
        monkeypatch.setattr(livelens.passes, "run", lambda spec, **_: specs.append(spec))
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
    monkeypatch.setattr(livelens.passes, "run", lambda spec, **_: None)
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


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pipeline and the passes of a command line; its source first."""

    def meant(*words: str) -> tuple[PipelineSpec, int]:
        runs: list[tuple[PipelineSpec, int]] = []
        monkeypatch.setattr(
            livelens.passes, "run", lambda spec, *, passes, **_: runs.append((spec, passes))
        )
        done = CliRunner().invoke(app, ["run", *words])
        if done.exception is not None:
            raise done.exception
        [run] = runs
        return run

    return meant


def kinds(spec: PipelineSpec) -> list[str]:
    return [plugins.named(stage) for stage in spec.stages]


def camera(spec: PipelineSpec) -> Reframe:
    [stage] = [stage for stage in spec.stages if isinstance(stage, Reframe)]
    return stage


def test_reframing_a_file_brings_what_it_needs(whole: Any) -> None:
    spec, passes = whole("clip.mp4", "--reframe", "4:5", "-o", "out.mp4")
    assert kinds(spec) == ["detect", "detect", "track", "reframe"]
    objects, faces = spec.stages[:2]
    assert isinstance(objects, Detect)
    assert {"person", "dog", "sports ball"} < set(objects.classes or ())
    assert (faces.model, objects.every, faces.every) == ("face", 1, 1)
    assert camera(spec).aspect == "4:5"
    assert passes == 2
    [film] = spec.sinks
    assert (film.viewport, film.overlay) == ("reframe", None)


def test_a_live_source_is_reframed_in_one_pass_by_what_keeps_up(whole: Any) -> None:
    spec, passes = whole("pattern://", "--reframe", "9:16", "--lookahead", "0.5", "-o", "out.mp4")
    assert passes == 1
    assert [stage.every for stage in spec.stages if isinstance(stage, Detect)] == ["auto"] * 2
    assert camera(spec).lookahead_s == 0.5
    assert camera(whole("pattern://", "--reframe", "9:16")[0]).lookahead_s == 0
    assert camera(whole("clip.mp4", "--reframe", "1:1", "--passes", "1")[0]).lookahead_s == 1


def test_what_is_there_is_not_brought_again(whole: Any, tmp_path: Path) -> None:
    spec, _ = whole("clip.mp4", "--detect", "nanodet", "--track", "sort", "--reframe", "1:1")
    assert kinds(spec) == ["detect", "track", "reframe"]
    spec, _ = whole("clip.mp4", "--preset", "people", "--reframe", "1:1")
    assert kinds(spec) == ["detect", "track", "pose", "clothing", "reframe"]
    spec, _ = whole("clip.mp4", "--preset", "follow", "--reframe", "1:1", "--group", "2")
    assert kinds(spec) == ["detect", "detect", "track", "reframe"]
    assert (camera(spec).aspect, camera(spec).group) == ("1:1", 2)
    file = tmp_path / "pipeline.yaml"
    file.write_text("stages: [{type: simulate, boxes: [[0, 0, 1, 1]]}]")
    spec, _ = whole("clip.mp4", "--pipeline", str(file), "--reframe", "9:16")
    assert kinds(spec) == ["simulate", "track", "reframe"]


def test_detectors_that_are_brought_work_where_they_are_told_to(whole: Any) -> None:
    spec, _ = whole("clip.mp4", "--reframe", "9:16", "--device", "cuda:0")
    assert [each.device for each in spec.stages if isinstance(each, Detect)] == ["cuda:0"] * 2


def test_the_subject(whole: Any) -> None:
    def subject(words: str) -> Any:
        return whole("clip.mp4", "--reframe", "9:16", "--subject", words)[0]

    assert camera(subject("#7")).tracker_id == 7
    assert camera(subject("0.3,0.5")).point == (0.3, 0.5)
    for words, models in (("person", ["coco-ssd", "face"]), ("face", ["face"]),
                          ("car", ["coco-ssd"])):  # fmt: skip
        spec = subject(words)
        assert camera(spec).classes == (words,)
        assert [stage.model for stage in spec.stages if isinstance(stage, Detect)] == models
    assert spec.stages[0].classes == ("car",)


def test_viewports_are_shown_again(whole: Any) -> None:
    spec, passes = whole("clip.mp4", "--viewports", "path.jsonl", "-o", "out.mp4")
    assert spec.stages == (Viewports(path="path.jsonl"),)
    assert (spec.sinks[0].viewport, spec.sinks[0].overlay, passes) == ("viewports", None, 1)


def test_a_framed_picture_is_drawn_on_when_asked(whole: Any) -> None:
    words = ("clip.mp4", "--reframe", "9:16", "-o", "out.mp4", "--drawn")
    spec, passes = whole(*words)
    assert spec.sinks[0].overlay is not None
    assert passes == 1  # what is drawn is known in the first pass only
    with pytest.raises(ConfigError, match="--passes 2: what is drawn"):
        whole(*words, "--passes", "2")
    wide, _ = whole("clip.mp4", "--detect", "face", "-o", "out.mp4")
    assert wide.sinks[0].overlay is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--reframe", "wide"], r"--reframe: aspect: not 'wide': write it as 9:16"),
        (["--reframe", "9:0"], r"--reframe: aspect: not '9:0'"),
        (["--subject", "dog"], "--subject belongs to --reframe"),
        (["--group", "2"], "--group belongs to --reframe"),
        (["--lookahead", "1"], "--lookahead belongs to --reframe"),
        (["--passes", "2"], "--passes 2: nothing is reframed"),
        (["--reframe", "1:1", "--subject", ""], "--subject: nobody is named"),
        (["--reframe", "1:1", "--subject", "#x"], r"--subject: a tracker_id is written as #7"),
        (["--reframe", "1:1", "--subject", "0.2,1.2"], "--subject: a point is written as 0.3,0.5"),
        (["--reframe", "1:1", "--subject", "1,2,3"], "--subject: a point is written as 0.3,0.5"),
        (["--reframe", "1:1", "--subject", "unicorn"], "no class 'unicorn'; it has: person"),
        (["--reframe", "1:1", "--viewports", "p.jsonl"], "--reframe or --viewports, not both"),
    ],
)
def test_mistakes_of_framing_are_one_line(whole: Any, words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        whole("clip.mp4", *words)
    assert "\n" not in str(caught.value)


def test_a_live_source_has_no_second_pass(whole: Any) -> None:
    with pytest.raises(ConfigError, match="--passes 2: a live source is not seen twice"):
        whole("pattern://", "--reframe", "9:16", "--passes", "2")
