"""FastRTC with `skip_frames=True`, as its documentation shows a video stream in FastAPI.

Run by the bench with the peer's own Python: HOST PORT COST_MS KBPS.
"""

import sys
import time

import numpy as np
import uvicorn
from aiortc.codecs import vpx
from fastapi import FastAPI
from fastrtc import Stream, VideoStreamHandler
from numpy.typing import NDArray
from pydantic import BaseModel
from work import annotated, limit_bitrate

HOST, PORT, COST_S, KBPS = (
    sys.argv[1],
    int(sys.argv[2]),
    float(sys.argv[3]) / 1000,
    int(sys.argv[4]),
)


def process(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if COST_S:
        time.sleep(COST_S)
    return annotated(np.ascontiguousarray(image))


class Started(BaseModel):
    webrtc_id: str


app = FastAPI()
stream = Stream(
    VideoStreamHandler(process, skip_frames=True),
    modality="video",
    mode="send-receive",
    concurrency_limit=16,
    server_rtc_configuration={"iceServers": []},
    verbose=False,
)
stream.mount(app)


@app.post("/start")
def start(started: Started) -> dict[str, str]:
    # Until it has an input FastRTC sends the picture back without calling the function.
    stream.set_input(started.webrtc_id, None)
    return {}


@app.get("/healthz")
def health() -> dict[str, str]:
    return {}


limit_bitrate(vpx, KBPS)
uvicorn.run(app, host=HOST, port=PORT, log_level="warning")
