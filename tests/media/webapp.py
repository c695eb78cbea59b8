"""A minimal WHIP and WHEP server over `Peer`, and pages that use it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.peer import Peer
from livelens.media.rtc_config import RtcConfig
from livelens.types import Captured

LOCAL = RtcConfig(bind_hosts=["127.0.0.1"])

SCRIPT = """
async function exchange(path, pc) {
  await pc.setLocalDescription();
  await new Promise(done => {
    if (pc.iceGatheringState === 'complete') return done();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
  });
  const reply = await fetch(path, {method: 'POST', body: pc.localDescription.sdp,
                                   headers: {'Content-Type': 'application/sdp'}});
  const answer = await reply.text();
  if (!reply.ok) throw new Error(answer);
  await pc.setRemoteDescription({type: 'answer', sdp: answer});
}
async function publish(path, size = {width: 1280, height: 720}, audio = false) {
  const camera = await navigator.mediaDevices.getUserMedia(
    {video: {...size, frameRate: 30}, audio});
  const pc = window.publisher = new RTCPeerConnection();
  for (const track of camera.getTracks())
    pc.addTransceiver(track, {direction: 'sendonly', streams: [camera]});
  window.connectedAt = new Promise(done => pc.onconnectionstatechange = () =>
    pc.connectionState === 'connected' && done(performance.now()));
  await exchange(path, pc);
  await window.connectedAt;
}
async function watch(path, codec, audio = false) {
  const pc = window.viewer = new RTCPeerConnection();
  const video = document.createElement('video');
  video.muted = !audio; video.autoplay = true; video.playsInline = true;
  document.body.append(video);
  window.shown = []; window.messages = [];
  const each = (now, meta) => {
    window.shown.push([meta.rtpTimestamp, meta.width, meta.height, now]);
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
  const transceiver = pc.addTransceiver('video', {direction: 'recvonly'});
  if (codec) transceiver.setCodecPreferences(
    RTCRtpReceiver.getCapabilities('video').codecs.filter(
      c => c.mimeType.toLowerCase() === 'video/' + codec || c.mimeType === 'video/rtx'));
  if (audio) pc.addTransceiver('audio', {direction: 'recvonly'});
  const channel = pc.createDataChannel('results', {ordered: false, maxRetransmits: 0});
  channel.onmessage = event => window.messages.push(event.data);
  const tracks = window.tracks = new MediaStream();
  pc.ontrack = event => { tracks.addTrack(event.track); video.srcObject = tracks; };
  await exchange(path, pc);
}
async function until(holds, ms) {
  const end = performance.now() + ms;
  while (!await holds()) {
    if (performance.now() > end) throw new Error('not within ' + ms + ' ms: ' + holds);
    await new Promise(done => setTimeout(done, 20));
  }
}
async function stat(pc, type, kind = 'video') {
  for (const one of (await pc.getStats()).values())
    if (one.type === type && (one.kind === kind || !one.kind)) return one;
  return null;
}
"""


@dataclass
class Loopback:
    """What is published at /whip is encoded again and sent to everyone at /whep."""

    config: RtcConfig = LOCAL
    settings: EncoderSettings = field(default_factory=EncoderSettings)
    publishers: list[Peer] = field(default_factory=list)
    viewers: list[Peer] = field(default_factory=list)
    captured: list[Captured] = field(default_factory=list)
    sent_pts_ns: list[int] = field(default_factory=list)
    encoded: list[EncodedPicture] = field(default_factory=list)
    on_captured: Callable[[Captured], None] | None = None

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.arrived = asyncio.Condition()
        self.keyframe_wanted = False
        self.encoders: dict[str, Encoder] = {}

    def take(self, captured: Captured) -> None:
        """On the decoding thread."""
        self.captured.append(captured)
        del self.captured[:-300]
        if self.on_captured is not None:
            self.on_captured(captured)
        wanted, self.keyframe_wanted = self.keyframe_wanted, False
        for codec in {viewer.codec for viewer in self.viewers if viewer.codec}:
            if codec not in self.encoders:
                self.encoders[codec] = Encoder(EncoderSettings(codec=codec))
            encoded = self.encoders[codec].encode(
                captured.picture, captured.pts_ns, wanted, captured_ns=captured.captured_ns
            )
            if encoded is not None:
                self.loop.call_soon_threadsafe(self.send, encoded)

    def send(self, encoded: EncodedPicture) -> None:
        self.sent_pts_ns.append(encoded.pts_ns)
        self.encoded.append(encoded)
        del self.encoded[:-300]
        for viewer in self.viewers:
            viewer.send_video(encoded)

    def want_keyframe(self) -> None:
        self.keyframe_wanted = True

    async def whip(self, request: Request) -> Response:
        offer = (await request.body()).decode()
        peer = await Peer.answer(offer, self.config, publish=self.take)
        self.publishers.append(peer)
        return PlainTextResponse(peer.answer_sdp, 201, media_type="application/sdp")

    async def whep(self, request: Request) -> Response:
        offer = (await request.body()).decode()
        peer = await Peer.answer(
            offer, self.config, watch=True, on_keyframe_request=self.want_keyframe
        )
        self.viewers.append(peer)
        return PlainTextResponse(peer.answer_sdp, 201, media_type="application/sdp")

    async def page(self, _: Request) -> Response:
        return HTMLResponse(f"<!doctype html><body></body><script>{SCRIPT}</script>")

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve on a free port, or this one; yields the address of the page."""
        app = Starlette(
            routes=[
                Route("/", self.page),
                Route("/whip", self.whip, methods=["POST"]),
                Route("/whep", self.whep, methods=["POST"]),
            ]
        )
        listener = socket.create_server((host, port))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{host}:{listener.getsockname()[1]}/"
        finally:
            for peer in self.publishers + self.viewers:
                await peer.close()
            server.should_exit = True
            await task
            listener.close()
