import pytest

from livelens.errors import CapacityError
from livelens.media.rtc_config import RtcConfig
from livelens.media.selftest import meet

LOOPBACK = ["127.0.0.1"]


async def test_two_peers_meet_on_the_configured_ports() -> None:
    met = await meet(RtcConfig(bind_hosts=LOOPBACK, udp_ports=(42_400, 42_440)))
    here, there = (int(end.rpartition(":")[2]) for end in met.path.split(" -> "))
    assert {here, there} < set(range(42_400, 42_441))
    assert met.addresses == LOOPBACK


async def test_advertised_hosts_are_offered_first() -> None:
    met = await meet(RtcConfig(bind_hosts=LOOPBACK, advertised_hosts=["203.0.113.7"]))
    assert met.addresses == ["203.0.113.7", "127.0.0.1"]


async def test_one_port_is_not_enough_for_two() -> None:
    with pytest.raises(CapacityError, match="42450"):
        await meet(RtcConfig(bind_hosts=LOOPBACK, udp_ports=(42_450, 42_450)))
