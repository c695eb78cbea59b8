"""The aiortc pattern done well: newest picture only, work in a thread.

Run by the bench with the peer's own Python: HOST PORT COST_MS KBPS.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.codecs import vpx
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from work import annotated, limit_bitrate

HOST, PORT, COST_S, KBPS = (
    sys.argv[1],
    int(sys.argv[2]),
    float(sys.argv[3]) / 1000,
    int(sys.argv[4]),
)


class NewestProcessed(MediaStreamTrack):
    """Draws on the newest picture in a thread; pictures that come meanwhile are dropped."""

    kind = "video"

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__()
        self._track = track
        self._newest: VideoFrame | None = None
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1)
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._track.recv()
                if isinstance(frame, VideoFrame):
                    self._newest = frame
                    self._arrived.set()
        except MediaStreamError:
            self.stop()

    async def recv(self) -> VideoFrame:
        await self._arrived.wait()
        self._arrived.clear()
        frame = self._newest
        if frame is None:
            raise MediaStreamError
        return await asyncio.get_running_loop().run_in_executor(self._thread, process, frame)


def process(frame: VideoFrame) -> VideoFrame:
    image = frame.to_ndarray(format="bgr24")
    if COST_S:
        time.sleep(COST_S)
    done = VideoFrame.from_ndarray(annotated(image), format="bgr24")
    done.pts, done.time_base = frame.pts, frame.time_base
    return done


connections: set[RTCPeerConnection] = set()


async def offer(request: Request) -> JSONResponse:
    body = json.loads(await request.body())
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(connection)

    @connection.on("track")
    def on_track(track: MediaStreamTrack) -> None:
        connection.addTrack(NewestProcessed(track))

    await connection.setRemoteDescription(RTCSessionDescription(body["sdp"], body["type"]))
    await connection.setLocalDescription(await connection.createAnswer())
    answer = connection.localDescription
    return JSONResponse({"sdp": answer.sdp, "type": answer.type})


async def health(_: Request) -> JSONResponse:
    return JSONResponse({})


limit_bitrate(vpx, KBPS)
app = Starlette(routes=[Route("/offer", offer, methods=["POST"]), Route("/healthz", health)])
uvicorn.run(app, host=HOST, port=PORT, log_level="warning")
