"""A network that lets nothing through but a TURN server, to a real browser."""

import pytest

from tests.media.conftest import OpenPage, camera, open_page  # noqa: F401
from tests.media.turn import PASSWORD, USER, turn_server
from tests.server.running import eventually, running

pytestmark = pytest.mark.e2e

# Whoever makes a connection in this page may use relays only.
RELAYED = """
const Real = RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(config) {
    super({ ...config, iceTransportPolicy: "relay" });
    (window.connections ??= []).push(this);
  }
};
"""
BOTH_WAYS = """
async (url) => {
  const { connect } = await import(`${url}/client/livelens.js`);
  const client = connect({ url });
  const media = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  window.sent = client.publish("desk", media);
  const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
  document.body.append(video);
  window.seen = client.watch("desk");
  video.srcObject = seen.media;
  window.pictures = 0;
  const count = () => { pictures++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
}
"""


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_pictures_go_through_a_relay(
    open_page: OpenPage,  # noqa: F811
    transport: str,
) -> None:
    async with turn_server(transport) as (relay, url):
        ice = [{"urls": [url], "username": USER, "credential": PASSWORD}]
        config = {
            "webrtc": {"bind_hosts": ["127.0.0.1"], "ice_servers": ice, "idle_timeout_s": 2.0},
            "streams": {"desk": {"source": {"type": "whip"}, "stages": [{"type": "simulate"}]}},
        }
        with running(config) as server:
            async with open_page("about:blank") as page:
                await page.add_init_script(RELAYED)
                await page.goto(server.url + "/healthz")
                await page.evaluate(BOTH_WAYS, server.url)
                await page.wait_for_function("pictures > 30", timeout=30_000)
                offers = await page.evaluate("connections.map(c => c.localDescription.sdp)")
                for offer in offers:
                    kinds = {
                        line.split()[7] for line in offer.splitlines() if "a=candidate" in line
                    }
                    assert kinds == {"relay"}
                assert relay.relayed > 100
                assert relay.refused > 0, "nobody is let in without the credential"
            await eventually(lambda: server.state.sessions.all() == [])
