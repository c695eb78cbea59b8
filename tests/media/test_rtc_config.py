import msgspec
import pytest

from livelens.errors import ConfigError
from livelens.media.rtc_config import RtcConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"udp_ports": (5000, 4000)},
        {"udp_ports": (0, 4000)},
        {"playout_delay_ms": (10, 0)},
        {"max_history_packets": 1},
        {"idle_timeout_s": 0},
        {"min_bitrate_bps": 2_000_000, "max_bitrate_bps": 1_000_000},
    ],
)
def test_impossible_settings_name_the_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=rf"\$\.{next(iter(wrong))}:"):
        RtcConfig(**wrong)  # type: ignore[arg-type]


def test_reads_from_configuration_and_refuses_unknown_keys() -> None:
    text = b'{"ice_servers": [{"urls": ["turn:turn.example:3478"], "username": "u"}]}'
    config = msgspec.json.decode(text, type=RtcConfig)
    assert config.ice_servers[0].urls == ["turn:turn.example:3478"]
    with pytest.raises(msgspec.ValidationError, match="udp_port"):
        msgspec.json.decode(b'{"udp_port": 5000}', type=RtcConfig)
