"""What `ice` and `dtls` use below the public surface of aiortc and aioice.

When this fails after an upgrade, read the change before you widen the pin.
"""

from importlib.metadata import version

import pytest
from aioice import Connection
from aiortc import RTCDtlsTransport, RTCSctpTransport

from livelens.media.dtls import SecureTransport
from livelens.media.ice import IceConnection
from livelens.media.rtc_config import RtcConfig


def test_versions() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            Connection,
            ["data_received", "get_component_candidates", "query_consent", "build_request"],
        ),
        (
            RTCDtlsTransport,
            ["_handle_rtp_data", "_handle_rtcp_data", "_recv_next", "_set_role"],
        ),
        (RTCSctpTransport, ["start", "stop"]),
    ],
)
def test_methods_that_are_overridden_or_called(owner: type, names: list[str]) -> None:
    assert [name for name in names if not callable(getattr(owner, name, None))] == []


async def test_attributes_that_are_read() -> None:
    ice = IceConnection(RtcConfig())
    assert ice._nominated == {}
    assert ice._protocols == []
    assert ice._queue.qsize() == 0
    dtls = SecureTransport(ice, "server", lambda data, at: None, lambda data: None)
    assert [getattr(dtls, name) for name in ("_tx_srtp", "_rx_srtp", "_task")] == [None] * 3
    assert dtls.state == "new"
    await ice.close()
