"""The demonstration: a sample clip as a live stream, and the visitor's own camera."""

from typing import Any

from livelens.models import zoo
from livelens.server.config import ServerConfig, read_config

_CLIP = "bikes"
_MODEL = "coco-ssd"
# What has to be fetched before the demonstration can start.
DEMO_NEEDS = (_CLIP, _MODEL)


def demo_config() -> ServerConfig:
    """The stream `street` from a sample clip, and a preset for cameras.

    Fetches the clip at the first call, and the model when the stream starts.

    Raises:
        DownloadError: the clip is not here and cannot be fetched.
    """
    zoo.clip(_CLIP)
    analysis: dict[str, Any] = {
        # ByteTrack weeds out what is found weakly once; so let it see weak finds.
        "stages": [
            {"type": "detect", "model": _MODEL, "confidence": 0.3},
            {"type": "track", "keep_untracked": False},
        ],
    }
    return read_config(
        {
            "presets": {"default": analysis},
            "publish": {"preset": "default"},
            "streams": {"street": {"source": f"sample://{_CLIP}", "preset": "default"}},
        }
    )
