// Injected into every frame of a page before its own scripts. Finds the camera track and
// the track that comes back, whoever made the connection, and notes when each numbered
// picture is seen on either. `bench/browser.py` prepends `const BENCH = {...}`.
(() => {
  if (window.__bench) return;
  const bench = (window.__bench = {
    local: null,
    sessions: [], // {pc, remote}
    seen: [], // [probe, session, side, time_ms, number]
    unreadable: 0,
    errors: [],
  });
  const {blocks, block, left, top, kbps} = BENCH;

  // ---- what every system gets alike: one camera, one sender bitrate ---------------------
  const devices = navigator.mediaDevices;
  if (devices) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      const stream = await ask(constraints);
      const track = stream.getVideoTracks()[0];
      if (track && !bench.local) bench.local = track;
      return stream;
    };
  }

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      const session = {pc: this, remote: null};
      bench.sessions.push(session);
      this.addEventListener("track", (event) => {
        if (event.track.kind === "video") session.remote = event.track;
      });
    }
    async setRemoteDescription(description) {
      const sending = this.getSenders().some((s) => s.track && s.track.kind === "video");
      const plain = {type: description.type, sdp: description.sdp};
      if (sending && kbps) plain.sdp = withRate(plain.sdp);
      await super.setRemoteDescription(plain);
      if (sending) await this.limit();
    }
    async limit() {
      for (const sender of this.getSenders()) {
        if (!sender.track || sender.track.kind !== "video") continue;
        const parameters = sender.getParameters();
        for (const encoding of parameters.encodings) encoding.maxBitrate = kbps * 1000;
        parameters.degradationPreference = "maintain-resolution";
        await sender.setParameters(parameters).catch((e) => bench.errors.push(String(e)));
      }
    }
  };

  // Chrome starts at its full rate, so that no system is measured at the size of a stamp.
  function withRate(sdp) {
    const wanted = `x-google-start-bitrate=${kbps};x-google-min-bitrate=${kbps};x-google-max-bitrate=${kbps}`;
    const lines = [];
    for (const line of sdp.split("\r\n")) {
      const codec = /^a=rtpmap:(\d+) (VP8|VP9|H264|AV1)\//.exec(line);
      if (codec && !sdp.includes(`a=fmtp:${codec[1]} `)) {
        lines.push(line, `a=fmtp:${codec[1]} ${wanted}`);
        continue;
      }
      const fmtp = /^a=fmtp:(\d+) (.*)$/.exec(line);
      if (fmtp && new RegExp(`a=rtpmap:${fmtp[1]} (VP8|VP9|H264|AV1)/`).test(sdp)) {
        const kept = fmtp[2].split(";").filter((p) => p && !p.trim().startsWith("x-google-"));
        lines.push(`a=fmtp:${fmtp[1]} ${[...kept, wanted].join(";")}`);
        continue;
      }
      lines.push(line);
    }
    return lines.join("\r\n");
  }

  // ---- reading the number ---------------------------------------------------------------
  // Source text, because the same function runs in the worker.
  const numberOf = `(bits) => {
    const number = bits >>> 8, check = bits & 255;
    return (((number * 37 + 11) ^ (number >>> 8)) & 255) === check ? number : -1;
  }`;
  const numberOfBits = eval(numberOf);

  // Track probe: pictures as they leave the camera and the decoder, before any display.
  const workerSource = `
    const numberOf = ${numberOf};
    const {blocks, block, left, top} = ${JSON.stringify({blocks, block, left, top})};
    const even = (x) => 2 * Math.round(x / 2);
    async function pump(readable, session, side) {
      const reader = readable.getReader();
      let room = new Uint8Array(0);
      for (;;) {
        const {value: frame, done} = await reader.read();
        const at = performance.now();
        if (done) return;
        try {
          const unit = frame.visibleRect.width / 1280;
          const rect = {
            x: frame.visibleRect.x + even(left * unit), y: frame.visibleRect.y + even(top * unit),
            width: even(blocks * block * unit), height: even(block * unit),
          };
          const size = frame.allocationSize({rect});
          if (room.length < size) room = new Uint8Array(size);
          const [plane] = await frame.copyTo(room, {rect});
          const row = plane.offset + plane.stride * (rect.height >> 1);
          let bits = 0;
          for (let i = 0; i < blocks; i++)
            bits = (bits << 1) | (room[row + Math.floor((i + 0.5) * rect.width / blocks)] > 120 ? 1 : 0);
          postMessage([session, side, at, numberOf(bits >>> 0)]);
        } catch (error) {
          postMessage([session, side, at, -1]);
        } finally {
          frame.close();
        }
      }
    }
    onmessage = ({data: [readable, session, side]}) => pump(readable, session, side);
  `;

  function note(probe, session, side, at, number) {
    if (number < 0) bench.unreadable += 1;
    else bench.seen.push([probe, session, side, at, number]);
  }

  const stops = [];

  function watchTracks(pairs) {
    const copies = pairs.map(({track, ...rest}) => ({track: track.clone(), ...rest}));
    const worker = new Worker(URL.createObjectURL(new Blob([workerSource], {type: "text/javascript"})));
    worker.onmessage = ({data: [session, side, at, number]}) => note("track", session, side, at, number);
    stops.push(() => {
      worker.terminate();
      for (const {track} of copies) track.stop();
    });
    for (const {track, session, side} of copies) {
      const {readable} = new MediaStreamTrackProcessor({track});
      worker.postMessage([readable, session, side], [readable]);
    }
  }

  // Canvas probe: pictures as the page shows them, on the display's own beat.
  function watchCanvas(pairs) {
    pairs.forEach(({track, session, side}, i) => {
      const video = document.createElement("video");
      Object.assign(video, {muted: true, autoplay: true, playsInline: true});
      video.style.cssText = `position:fixed;left:${(i % 2) * 162}px;top:${(i >> 1) * 92}px;` +
        "width:160px;height:90px;z-index:2147483647";
      video.srcObject = new MediaStream([track]);
      (document.body ?? document.documentElement).append(video);
      video.play().catch((e) => bench.errors.push(String(e)));
      const canvas = document.createElement("canvas");
      canvas.width = blocks;
      canvas.height = 1;
      const context = canvas.getContext("2d", {willReadFrequently: true});
      context.imageSmoothingEnabled = false;
      stops.push(() => {
        video.srcObject = null;
        video.remove();
      });
      const look = (now) => {
        video.requestVideoFrameCallback(look);
        const unit = video.videoWidth / 1280;
        context.drawImage(video, left * unit, top * unit, blocks * block * unit, block * unit,
          0, 0, blocks, 1);
        const pixels = context.getImageData(0, 0, blocks, 1).data;
        let bits = 0;
        for (let k = 0; k < blocks; k++) bits = (bits << 1) | (pixels[4 * k + 1] > 120 ? 1 : 0);
        note("canvas", session, side, now, numberOfBits(bits >>> 0));
      };
      video.requestVideoFrameCallback(look);
    });
  }

  // ---- what the bench asks for ------------------------------------------------------------
  const returning = () =>
    bench.sessions.filter((s) => s.remote && s.pc.connectionState === "connected");

  bench.ready = () => returning().length;

  bench.watch = (probe) => {
    while (stops.length) stops.pop()();
    bench.seen = [];
    const sender = returning().flatMap((s) => s.pc.getSenders()).find((s) => s.track?.kind === "video");
    const pairs = [{track: sender?.track ?? bench.local, session: -1, side: "local"}];
    returning().forEach(({remote}, session) => pairs.push({track: remote, session, side: "remote"}));
    // A page of its own shows the picture too, at a size of its own: that is not measured.
    for (const video of document.querySelectorAll("video")) video.style.display = "none";
    (probe === "track" ? watchTracks : watchCanvas)(pairs);
  };

  bench.take = () => {
    const seen = bench.seen;
    bench.seen = [];
    return seen;
  };

  bench.decoded = async () => {
    const counts = [];
    for (const {pc} of returning())
      for (const entry of (await pc.getStats()).values())
        if (entry.type === "inbound-rtp" && entry.kind === "video") counts.push(entry.framesDecoded ?? 0);
    return counts;
  };

  // A viewer's page shows what it receives.
  bench.show = () => {
    returning().forEach(({remote}, i) => {
      const video = document.createElement("video");
      Object.assign(video, {muted: true, autoplay: true, playsInline: true});
      video.style.cssText = `position:fixed;left:${i * 322}px;top:0;width:320px;height:180px`;
      video.srcObject = new MediaStream([remote]);
      document.body.append(video);
    });
  };

  bench.stats = async () => {
    const found = {sent_bytes: 0, received_bytes: 0, codec_in: null, codec_out: null};
    for (const {pc} of bench.sessions) {
      const report = await pc.getStats();
      for (const entry of report.values()) {
        if (entry.kind !== "video") continue;
        const codec = entry.codecId ? (report.get(entry.codecId)?.mimeType ?? "").split("/")[1] : null;
        if (entry.type === "outbound-rtp") {
          found.sent_bytes += entry.bytesSent;
          found.sent_px = [entry.frameWidth, entry.frameHeight];
          found.codec_in = codec;
          found.limited_by = entry.qualityLimitationReason;
        } else if (entry.type === "inbound-rtp" && entry.framesDecoded) {
          found.received_bytes += entry.bytesReceived;
          found.received_px = [entry.frameWidth, entry.frameHeight];
          found.codec_out = codec;
          found.lost = entry.packetsLost;
          found.frames_decoded = entry.framesDecoded;
        }
      }
    }
    return found;
  };
})();
