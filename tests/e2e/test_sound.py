"""A microphone is heard by those who watch: real browsers, real Opus, decoded by the browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.browsers import PAGE, launch_chromium, launch_firefox
from tests.media.webapp import SCRIPT
from tests.server.running import Running, running, until

pytestmark = pytest.mark.e2e

CONFIG: dict[str, Any] = {
    "streams": {"desk": {"source": {"type": "whip"}, "stages": [{"type": "simulate"}]}},
}
SOUND = """
const heard = async () => {
  const s = await stat(viewer, 'inbound-rtp', 'audio');
  return s ? {packets: s.packetsReceived, energy: s.totalAudioEnergy ?? 0, level: s.audioLevel} :
    {packets: 0, energy: 0, level: 0};
};
// How much later than its picture a sound is played, in ms; NaN if they are not kept together.
const behind = async () => {
  const a = await stat(viewer, 'inbound-rtp', 'audio'), v = await stat(viewer, 'inbound-rtp');
  return v.estimatedPlayoutTimestamp - a.estimatedPlayoutTimestamp;
};
const sender = kind =>
  publisher.getTransceivers().find(one => one.receiver.track.kind === kind).sender;
// Seconds that the sound has waited since the last call.
let was = null;
const held = async () => {
  const s = await stat(viewer, 'inbound-rtp', 'audio'), last = was ?? s;
  was = s;
  const samples = s.jitterBufferEmittedCount - last.jitterBufferEmittedCount;
  return samples ? (s.jitterBufferDelay - last.jitterBufferDelay) / samples : 0;
};
async function tone() {
  const context = new AudioContext();
  const source = new OscillatorNode(context, {frequency: 600});
  const end = context.createMediaStreamDestination();
  source.connect(end);
  source.start();
  await sender('audio').replaceTrack(end.stream.getAudioTracks()[0]);
}
"""
# The sound is behind by what the browser holds it for, and by no false idea of the time.
IN_STEP = "until(async () => Math.abs(await behind() - 1000 * await held()) < 200, 30000)"
PUBLISH = "publish('/whip/desk', {width: 320, height: 240}, true)"


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_chromium(playwright, "--autoplay-policy=no-user-gesture-required")
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_firefox(playwright)
    yield browser
    browser.close()


@contextmanager
def tab(browser: Browser, server: Running) -> Iterator[Page]:
    """A page without a content security policy, with our scripts."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/healthz")
    page.add_script_tag(content=SCRIPT + SOUND)
    yield page
    context.close()


def hears(page: Page, *, packets: int = 50) -> None:
    """So many more packets come, and there is sound in them."""
    before = page.evaluate("heard()")
    page.evaluate(
        "([packets, energy]) => until(async () => { const now = await heard();"
        " return now.packets > packets && now.energy > energy + 0.001; }, 20000)",
        [before["packets"] + packets, before["energy"]],
    )


def test_a_viewer_hears_whoever_publishes(chromium: Browser) -> None:
    with (
        running(CONFIG) as server,
        tab(chromium, server) as camera,
        tab(chromium, server) as viewer,
        tab(chromium, server) as deaf,
    ):
        # He is there before anybody publishes, and stays in the one session.
        viewer.evaluate("watch('/whep/desk', null, true)")
        viewer.evaluate("until(() => viewer.connectionState === 'connected', 10000)")
        answer = viewer.evaluate("viewer.remoteDescription.sdp")
        camera.evaluate(PUBLISH)
        deaf.evaluate("watch('/whep/desk')")
        hears(viewer)
        viewer.evaluate("until(() => shown.length > 20, 20000)")
        viewer.evaluate(IN_STEP)

        # Another microphone in mid-session, then none, then the first again.
        camera.evaluate("tone()")
        hears(viewer)
        viewer.evaluate("until(async () => (await heard()).level > 0.3, 10000)")
        camera.evaluate("sender('audio').replaceTrack(null)")
        viewer.evaluate("until(async () => (await heard()).level < 0.01, 10000)")
        camera.evaluate("tone()")
        hears(viewer)

        # The publisher leaves and comes back.
        camera.evaluate("publisher.close()")
        until(lambda: server.state.streams.publications["desk"].peer is None)
        camera.evaluate(PUBLISH)
        hears(viewer)
        viewer.evaluate(IN_STEP)
        assert viewer.evaluate("viewer.remoteDescription.sdp") == answer

        assert "m=audio" not in deaf.evaluate("viewer.remoteDescription.sdp")
        deaf.evaluate("until(() => shown.length > 20, 20000)")
        relay = server.state.streams.publications["desk"].audio
        assert relay.viewers == 1
        metrics = server.http.get("/metrics").text
        assert 'livelens_audio_received_total{stream="desk"}' in metrics
        assert 'livelens_audio_sent_total{stream="desk"}' in metrics
        stats = [session.peer.stats().audio for session in server.state.sessions.all()]
        assert sum(one is not None and one.packets > 50 for one in stats) == 2
        viewer.evaluate("viewer.close()")
        until(lambda: relay.viewers == 0)


def test_sound_waits_for_a_late_picture(chromium: Browser) -> None:
    """On the annotated rendition the picture comes 400 ms later than the sound would."""
    slow = {"source": {"type": "whip"}, "stages": [{"type": "simulate", "cost_ms": 400}]}
    with (
        running({"streams": {"desk": slow}}) as server,
        tab(chromium, server) as camera,
        tab(chromium, server) as viewer,
    ):
        camera.evaluate(PUBLISH)
        viewer.evaluate("watch('/whep/desk?rendition=annotated', null, true)")
        hears(viewer)
        viewer.evaluate(
            "until(async () => await held() > 0.15 && Math.abs(await behind()) < 250, 40000)"
        )


@pytest.mark.parametrize("publisher", ["firefox", "chromium"])
def test_firefox_and_chromium_hear_each_other(
    chromium: Browser, firefox: Browser, publisher: str
) -> None:
    one, other = (firefox, chromium) if publisher == "firefox" else (chromium, firefox)
    with (
        running(CONFIG) as server,
        tab(one, server) as camera,
        tab(other, server) as viewer,
    ):
        camera.evaluate(PUBLISH)
        viewer.evaluate("watch('/whep/desk', null, true)")
        hears(viewer)
        viewer.evaluate("until(() => shown.length > 20, 20000)")
        assert viewer.evaluate("stat(viewer, 'inbound-rtp', 'audio').then(s => s.packetsLost)") == 0


def test_a_server_without_sound_is_watched_as_ever(chromium: Browser) -> None:
    rtc = {"bind_hosts": ["127.0.0.1"], "audio": False}
    with running({**CONFIG, "webrtc": rtc}) as server, tab(chromium, server) as page:
        page.evaluate(PUBLISH)
        page.evaluate("watch('/whep/desk', null, true)")
        page.evaluate("until(() => shown.length > 20, 20000)")
        audio = page.evaluate("viewer.remoteDescription.sdp").partition("m=audio")[2]
        assert "a=inactive" in audio.partition("m=")[0]
        assert page.evaluate("heard()")["packets"] == 0


CLIENT = """
async ([url, publishes]) => {
  const { connect } = await import(`${url}/client/livelens.js`);
  const client = connect({ url });
  if (publishes) {
    const media = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    window.sent = client.publish("desk", media);
  } else {
    const video = Object.assign(document.createElement("video"), { autoplay: true });
    document.body.append(video);
    window.seen = client.watch("desk");
    video.srcObject = seen.media;
  }
}
"""


def test_the_client_sends_and_brings_sound(chromium: Browser) -> None:
    assert PAGE.is_file(), "the page is not built: run 'make web'"
    with (
        running(CONFIG) as server,
        tab(chromium, server) as camera,
        tab(chromium, server) as viewer,
    ):
        camera.evaluate(CLIENT, [server.url, True])
        viewer.evaluate(CLIENT, [server.url, False])
        viewer.evaluate("until(() => (window.viewer = seen.pc) !== null, 20000)")
        hears(viewer)
        assert viewer.evaluate("seen.media.getTracks().map(track => track.kind).sort()") == [
            "audio",
            "video",
        ]


def test_from_the_camera_page_to_the_viewers_button(chromium: Browser) -> None:
    """The button for sound is there while there is some; the camera's mute silences it."""
    assert PAGE.is_file(), "the page is not built: run 'make web'"
    with running(CONFIG) as server:
        context = chromium.new_context(
            locale="en-US", bypass_csp=True, permissions=["camera", "microphone"]
        )
        context.set_default_timeout(30_000)
        camera, page = context.new_page(), context.new_page()
        page.add_init_script(
            "const Real = RTCPeerConnection;"
            "window.RTCPeerConnection = class extends Real {"
            " constructor(...all) { super(...all); window.viewer = this; } };"
        )
        camera.goto(f"{server.url}/#/camera/desk")
        camera.get_by_role("button", name="Start").click()
        page.goto(f"{server.url}/#/watch/desk")
        page.add_script_tag(content=SCRIPT + SOUND)
        page.evaluate(
            "until(async () => window.viewer &&"
            " (await stat(viewer, 'inbound-rtp'))?.framesDecoded > 20, 30000)"
        )
        button = page.get_by_role("button", name="Sound", exact=True)
        expect(button).to_be_hidden()
        camera.get_by_role("button", name="Stop").click()
        camera.get_by_role("button", name="Send sound too").click()
        camera.get_by_role("button", name="Start").click()
        button.click()
        hears(page)
        assert page.evaluate("document.querySelector('audio').muted") is False
        camera.get_by_role("button", name="Mute").click()
        page.evaluate("until(async () => (await heard()).level < 0.001, 10000)")
        camera.get_by_role("button", name="Unmute").click()
        hears(page)
        context.close()
