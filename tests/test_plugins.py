"""From plain data to specs, and the errors on the way."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from livelens import plugins
from livelens.errors import ConfigError
from livelens.sources.file import File
from livelens.sources.pattern import Pattern
from livelens.sources.url import Url
from livelens.spec import SinkSpec, SourceSpec, StageSpec
from livelens.stages.overlay import Overlay
from livelens.stages.simulate import Simulate


def test_yaml_and_python_mean_the_same() -> None:
    spec = plugins.pipeline(
        {
            "source": {"type": "pattern", "fps": 10},
            "stages": [{"type": "simulate", "cost_ms": 5, "workers": 2}, "overlay"],
            "sinks": [{"type": "whep", "name": "drawn", "overlay": True}],
            "max_delay_s": 0.25,
        }
    )
    assert spec.source == Pattern(fps=10)
    assert spec.stages == (Simulate(cost_ms=5, workers=2), Overlay())
    assert spec.sinks[0].overlay == Overlay()
    assert spec.sinks[0].takes == "item"
    assert spec.max_delay_s == 0.25
    assert plugins.pipeline(plugins.as_data(spec)) == spec


def test_a_url_finds_its_source_by_scheme() -> None:
    assert isinstance(plugins.source("rtsp://cam/1"), Url)
    assert isinstance(plugins.source("clip.mp4"), File)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a mapping, got list - at $"),
        ({}, "missing the key 'source' - at $"),
        ({"source": "gopher://x"}, "no source opens 'gopher' URLs"),
        ({"source": {"type": "nothing"}}, "no source is called 'nothing'"),
        ({"source": "a.mp4", "stages": {}}, "expected a list, got dict - at $.stages"),
        ({"source": "a.mp4", "stages": [{}]}, "missing the key 'type'"),
        ({"source": "a.mp4", "stages": [{"type": "detekt"}]}, "at $.stages[0].type"),
        (
            {"source": "a.mp4", "stages": [{"type": "simulate", "cots_ms": 1}]},
            "Object contains unknown field `cots_ms` - at $.stages[0]",
        ),
        (
            {"source": "a.mp4", "stages": [{"type": "simulate", "cost_ms": "x"}]},
            "Expected `float`, got `str` - at $.stages[0].cost_ms",
        ),
        (
            {"source": "a.mp4", "stages": ["track", {"type": "simulate", "lane": "fork"}]},
            "Invalid enum value 'fork' (process, thread) - at $.stages[1].lane",
        ),
        (
            {"source": "a.mp4", "stages": [{"type": "detect", "every": "never"}]},
            "Invalid enum value 'never' (auto, a number) - at $.stages[0].every",
        ),
        (
            {"source": "a.mp4", "stages": [{"type": "landmarks", "parts": ["body", "feet"]}]},
            "Invalid enum value 'feet' (body, face, hands) - at $.stages[0].parts[1]",
        ),
        ({"source": "a.mp4", "sinks": [{"type": "whep", "overlay": "nope"}]}, "$.sinks[0].overlay"),
        ({"source": "a.mp4", "max_delay": 1}, "unknown field `max_delay` - at $"),
        ({"source": "a.mp4", "max_delay_s": "soon"}, "- at $.max_delay_s"),
        ({"source": 7}, "expected a mapping, got int - at $.source"),
    ],
)
def test_errors_are_one_line_and_name_the_place(data: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plugins.pipeline(data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_plugin_is_fatal_only_when_used(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no.such.module:Thing", "livelens.stages")
    wrong = EntryPoint("wrong", "pathlib:Path", "livelens.stages")
    real = plugins.installed

    def installed(group: str) -> dict[str, EntryPoint]:
        return real(group) | ({"broken": broken, "wrong": wrong} if group == "stages" else {})

    monkeypatch.setattr(plugins, "installed", installed)
    assert plugins.stage("simulate") == Simulate()
    with pytest.raises(ConfigError, match=r"no\.such\.module:Thing does not load.*\$\.here"):
        plugins.stage("broken", "$.here")
    with pytest.raises(ConfigError, match="is no StageSpec"):
        plugins.stage("wrong")


@pytest.mark.parametrize(
    ("group", "base"), [("sources", SourceSpec), ("stages", StageSpec), ("sinks", SinkSpec)]
)
def test_every_built_in_loads(group: str, base: type) -> None:
    for name, entry in plugins.installed(group).items():
        assert issubclass(entry.load(), base), name


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "config.yaml:1:"), ("\tx: 1", "config.yaml:1:1"), (b"\xff\xfe\x00", "UTF-8")],
)
def test_a_broken_yaml_file_names_the_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=message):
        plugins.read_yaml(file)


def test_a_missing_yaml_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        plugins.read_yaml(tmp_path / "none.yaml")
