"""streamlit-webrtc as its users run it: its own page, its own component, async processing.

Run by the bench with the peer's own `streamlit run`, with LIVELENS_BENCH_COST_MS and
LIVELENS_BENCH_KBPS, ..._WIDTH_PX, ..._HEIGHT_PX and ..._FPS in the environment.
"""

import os
import time

import av
from aiortc.codecs import vpx
from streamlit_webrtc import WebRtcMode, webrtc_streamer
from work import annotated, limit_bitrate


def setting(name: str) -> float:
    return float(os.environ[f"LIVELENS_BENCH_{name}"])


COST_S = setting("COST_MS") / 1000


def process(frame: av.VideoFrame) -> av.VideoFrame:
    image = frame.to_ndarray(format="bgr24")
    if COST_S:
        time.sleep(COST_S)
    return av.VideoFrame.from_ndarray(annotated(image), format="bgr24")


limit_bitrate(vpx, int(setting("KBPS")))
webrtc_streamer(
    key="bench",
    mode=WebRtcMode.SENDRECV,
    frontend_rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    media_stream_constraints={
        "audio": False,
        "video": {
            "width": int(setting("WIDTH_PX")),
            "height": int(setting("HEIGHT_PX")),
            "frameRate": int(setting("FPS")),
        },
    },
    video_frame_callback=process,
    async_processing=True,
)
