"""A service to try the descriptor on: it tells bright objects from dark ones.

python service.py
"""

import asyncio

import cv2
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def label_of(jpeg: bytes) -> dict[str, str | float]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        return {"label": "nothing", "score": 0.0}
    brightness = float(picture.mean()) / 255
    return {"label": "bright" if brightness > 0.4 else "dark", "score": abs(brightness - 0.4) / 0.6}


async def label(request: Request) -> JSONResponse:
    jpeg = await request.body()
    return JSONResponse(await asyncio.to_thread(label_of, jpeg))


app = Starlette(routes=[Route("/label", label, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, port=8099, log_level="warning")
