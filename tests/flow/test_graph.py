"""Whether stages can work in the order given."""

from pathlib import Path

import pytest

from livelens.errors import ConfigError
from livelens.flow.graph import check, stage_names
from livelens.sinks.record import Record
from livelens.sinks.results import Results
from livelens.sources.file import File
from livelens.spec import PipelineSpec
from livelens.stages.detect import Detect
from livelens.stages.overlay import Overlay
from livelens.stages.simulate import Simulate
from livelens.stages.track import Track
from tests.fakes import Counted


def test_track_before_detect_is_refused_with_its_path() -> None:
    spec = PipelineSpec(source=Counted(), stages=(Track(), Detect()))
    with pytest.raises(ConfigError, match=r"'track' needs detections.*\$\.stages\[0\]"):
        check(spec)


def test_detect_then_track_then_overlay_is_fine() -> None:
    check(PipelineSpec(source=Counted(), stages=(Detect(), Track(), Overlay())))


def test_two_stages_of_one_name_are_refused() -> None:
    stages = (Simulate(name="a"), Simulate(name="a"))
    with pytest.raises(ConfigError, match=r"two stages are called 'a'.*\$\.stages\[0\]\.name"):
        check(PipelineSpec(source=Counted(), stages=stages))


def test_unnamed_stages_are_numbered() -> None:
    stages = (Simulate(), Simulate(), Simulate(name="simulate-2"))
    assert stage_names(stages) == ["simulate", "simulate-2", "simulate-2-2"]


def test_a_sink_may_not_replace_the_file_that_is_read(tmp_path: Path) -> None:
    clip, link = tmp_path / "clip.mp4", tmp_path / "link.mp4"
    clip.touch()
    link.symlink_to(clip)
    sinks = (Results(path="-"), Record(path=str(link)))
    with pytest.raises(ConfigError, match=r"source reads .*clip\.mp4.*\$\.sinks\[1\]\.path"):
        check(PipelineSpec(source=File(path=str(clip)), sinks=sinks))


def test_two_sinks_may_not_write_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"'record' writes .*out.*\$\.sinks\[1\]\.path"):
        check(PipelineSpec(source=Counted(), sinks=(Record(path=path), Results(path=path))))
