"""Whether stages can work in the order given."""

import pytest

from livelens.errors import ConfigError
from livelens.flow.graph import check, stage_names
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
