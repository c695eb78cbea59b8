"""A film with a clap: at one moment the picture is white and a tone begins."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream

FPS = 25
RATE = 48_000
CLAP_S = 1.0


def write_clap(
    path: Path, codec: str, *, layout: str = "stereo", seconds: float = 2.0, late_s: float = 0.0
) -> Path:
    """Write it; with `late_s` the pictures begin so much later than the sound."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "bf": "2"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = out.add_stream(codec, rate=RATE, layout=layout)
        assert isinstance(sound, AudioStream)
        for n in range(round(seconds * FPS)):
            bright = 255 if n == round((CLAP_S - late_s) * FPS) else 16
            image = np.full((120, 160, 3), bright, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = n + round(late_s * FPS)
            frame.time_base = Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        times = np.arange(round((seconds + late_s) * RATE)) / RATE
        tone = np.where(times >= CLAP_S, np.sin(2 * np.pi * 997 * times) * 0.5, 0)
        context = sound.codec_context
        if not context.is_open:
            context.open()
        shape = av.AudioResampler(context.format, layout, RATE, context.frame_size or 1024)
        samples = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), "fltp", "mono")
        samples.rate, samples.pts, samples.time_base = RATE, 0, Fraction(1, RATE)
        for shaped in [*shape.resample(samples), *shape.resample(None)]:
            out.mux(sound.encode(shaped))
        out.mux(sound.encode(None))
    return path


def claps(path: Path) -> tuple[float, float]:
    """When the picture is white, and when the tone begins, in seconds."""
    seen = heard = float("nan")
    with av.open(str(path)) as film:
        for picture in film.decode(video=0):
            if picture.to_ndarray(format="gray").mean() > 128:
                seen = float(picture.time or 0)
                break
    with av.open(str(path)) as film:
        shape = av.AudioResampler("fltp", "mono", RATE)
        for frame in film.decode(audio=0):
            mono = shape.resample(frame)[0].to_ndarray()[0]
            over = np.flatnonzero(np.abs(mono) > 0.1)
            if len(over):
                heard = float(frame.time or 0) + over[0] / RATE
                break
    return seen, heard
