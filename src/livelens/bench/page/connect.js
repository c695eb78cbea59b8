// The bench's own page: camera in, picture back, by WHIP and WHEP or by one JSON offer.
const gathered = (pc) =>
  pc.iceGatheringState === "complete"
    ? Promise.resolve()
    : new Promise((done) => {
        pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && done());
        setTimeout(done, 1000);
      });

const text = async (response) => {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.text();
};

const sdp = (url, token, body) =>
  fetch(url, {
    method: "POST",
    headers: {"content-type": "application/sdp", ...(token ? {authorization: `Bearer ${token}`} : {})},
    body,
  });

async function exchange(pc, url, token, patience_ms = 0) {
  await pc.setLocalDescription(await pc.createOffer());
  await gathered(pc);
  const until = performance.now() + patience_ms;
  for (;;) {
    const response = await sdp(url, token, pc.localDescription.sdp);
    if (!response.ok && performance.now() < until) {
      await new Promise((done) => setTimeout(done, 100));
      continue;
    }
    await pc.setRemoteDescription({type: "answer", sdp: await text(response)});
    return;
  }
}

window.camera = (width, height, fps) =>
  navigator.mediaDevices
    .getUserMedia({audio: false, video: {width, height, frameRate: fps}})
    .then((stream) => stream.getVideoTracks()[0]);

// Livelens: the stream is made by publishing, and watched as any viewer would.
window.whipWhep = async ({track, stream, rendition, token}) => {
  const up = new RTCPeerConnection();
  up.addTransceiver(track, {direction: "sendonly"});
  await exchange(up, `/whip/${stream}`, token);
  await window.whep({stream, rendition, token, patience_ms: 8000});
};

window.whep = async ({stream, rendition, token, patience_ms}) => {
  const down = new RTCPeerConnection();
  down.addTransceiver("video", {direction: "recvonly"});
  await exchange(down, `/whep/${stream}?rendition=${rendition}`, token, patience_ms ?? 0);
};

// The peers: one connection, both directions, a JSON offer. FastRTC wants a data channel.
window.offer = async ({track, url, id}) => {
  const pc = new RTCPeerConnection();
  pc.createDataChannel("text");
  pc.addTransceiver(track, {direction: "sendrecv"});
  await pc.setLocalDescription(await pc.createOffer());
  await gathered(pc);
  const response = await fetch(url, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify({...pc.localDescription.toJSON(), webrtc_id: id}),
  });
  await pc.setRemoteDescription(JSON.parse(await text(response)));
};
