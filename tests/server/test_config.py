"""Mistakes in a configuration are one line that says what and where."""

from pathlib import Path
from typing import Any

import pytest

from livelens.errors import ConfigError
from livelens.server.config import configured_stream, load_config, pipeline_of, read_config
from livelens.sinks.whep import Whep
from livelens.sources.file import File
from livelens.stages.simulate import Simulate

WHIP = {"type": "whip"}


@pytest.mark.parametrize(
    ("data", "what", "where"),
    [
        ([], "object", "$"),
        ({"sever": {}}, "sever", "$"),
        ({"server": {"prot": 1}}, "prot", "$.server"),
        ({"server": {"port": "x"}}, "int", "$.server.port"),
        ({"server": {"port": 70000}}, "port must be in", "$.server"),
        ({"server": {"token": "short"}}, "16 characters", "$.server"),
        ({"server": {"proxies": ["a proxy"]}}, "a proxy", "$.server"),
        ({"server": {"limits": {"max_viewers": 0}}}, "above 0", "$.server.limits"),
        ({"server": {"limits": {"max_viewer": 1}}}, "max_viewer", "$.server.limits"),
        ({"webrtc": {"udp_ports": [9000, 8000]}}, "range of UDP ports", "$.webrtc.udp_ports"),
        ({"webrtc": {"ice_servers": [{"url": "x"}]}}, "ice_servers", "$.webrtc"),
        ({"presets": {"fast": {"stage": []}}}, "'stage'", "$.presets.fast"),
        ({"presets": {"fast": {"stages": [{"type": "x"}]}}}, "'x'", "$.presets.fast.stages[0]"),
        ({"presets": {"fast": {"stages": ["track"]}}}, "needs", "$.presets.fast.stages[0]"),
        ({"publish": {"preset": "fast"}}, "no preset 'fast'", "$.publish.preset"),
        ({"streams": {"a b": {"source": WHIP}}}, "stream id", "$.streams"),
        ({"streams": {"a": {}}}, "source", "$.streams.a"),
        ({"streams": {"a": {"source": WHIP, "preset": "z"}}}, "'z'", "$.streams.a.preset"),
        ({"streams": {"a": {"source": "gopher://x"}}}, "gopher", "$.streams.a.source"),
        ({"streams": {"a": {"source": WHIP, "foo": 1}}}, "foo", "$.streams.a"),
        (
            {"streams": {"a": {"source": WHIP, "stages": [{"type": "track"}]}}},
            "needs detections",
            "$.streams.a.stages[0]",
        ),
        (
            {"streams": {"a": {"source": WHIP, "stages": [{"type": "simulate", "cost_ms": "a"}]}}},
            "float",
            "$.streams.a.stages[0].cost_ms",
        ),
        (
            {"streams": {"a": {"source": WHIP, "sinks": [{"type": "whep", "fps": 0}]}}},
            "fps",
            "$.streams.a.sinks[0]",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_path(data: Any, what: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(data)
    assert what in str(caught.value)
    assert where in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    file = tmp_path / "livelens.yaml"
    file.write_text("server: {porto: 1}")
    with pytest.raises(ConfigError, match=r"livelens\.yaml: .*porto"):
        load_config(file)
    file.write_text("server: [")
    with pytest.raises(ConfigError, match=r"livelens\.yaml:1:"):
        load_config(file)
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_config(tmp_path / "none.yaml")


def test_no_file_and_an_empty_one_mean_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    config = load_config(tmp_path / "empty.yaml")
    assert config == load_config(None)
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert config.server.token is None


def test_the_environment_sets_address_and_token_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVELENS_HOST", "127.0.0.2")
    monkeypatch.setenv("LIVELENS_PORT", "9999")
    monkeypatch.setenv("LIVELENS_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("LIVELENS_ALLOW", "10.0.0.0/8")
    server = read_config({"server": {"port": 1234}}).server
    assert (server.host, server.port, server.token) == ("127.0.0.2", 9999, "0123456789abcdef")
    assert server.allow == []
    monkeypatch.setenv("LIVELENS_PORT", "http")
    with pytest.raises(ConfigError, match="LIVELENS_PORT"):
        read_config({})


def test_a_stream_gets_two_renditions_and_its_preset() -> None:
    config = read_config(
        {
            "presets": {
                "default": {"stages": [{"type": "simulate", "cost_ms": 5}], "max_delay_s": 0.5}
            },
            "streams": {
                "plain": {"source": WHIP},
                "own": {"source": WHIP, "stages": [], "sinks": [{"type": "whep", "name": "hd"}]},
                "both": {"source": WHIP, "preset": "default", "max_delay_s": 2},
            },
        }
    )
    plain = configured_stream(config, "plain")
    assert plain.stages == (Simulate(cost_ms=5),)
    assert plain.max_delay_s == 0.5
    assert [(s.name, s.takes) for s in plain.sinks] == [("main", "picture"), ("annotated", "item")]
    own = configured_stream(config, "own")
    assert own.stages == ()
    assert own.sinks == (Whep(name="hd"),)
    assert configured_stream(config, "both").max_delay_s == 2


def test_a_stream_that_reframes_has_a_framed_rendition() -> None:
    config = read_config({"streams": {"cam": {"source": WHIP, "preset": "follow"}}})
    sinks = configured_stream(config, "cam").sinks
    assert [sink.name for sink in sinks] == ["main", "annotated", "framed"]
    assert sinks[2].viewport == "reframe"
    own = {"source": WHIP, "preset": "follow", "sinks": [{"type": "whep", "name": "hd"}]}
    assert [sink.name for sink in pipeline_of(config, own).sinks] == ["hd"]


def test_a_pipeline_from_the_api_must_be_a_mapping() -> None:
    with pytest.raises(ConfigError, match="expected a mapping, got list"):
        pipeline_of(read_config({}), [])


@pytest.mark.parametrize(
    ("source", "pace"),
    [("clip.mp4", True), ({"type": "file", "path": "clip.mp4", "pace": False}, False)],
)
def test_a_served_file_is_played_unless_told_otherwise(source: object, pace: bool) -> None:
    config = read_config({"streams": {"film": {"source": source}}})
    spec = configured_stream(config, "film")
    assert isinstance(spec.source, File)
    assert spec.source.pace is pace
    assert spec.source.live is pace
