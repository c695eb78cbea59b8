"""How a camera may move: what the operator, and the best path to compare with, both keep to."""

import math
from dataclasses import dataclass

# Zooming is slower than panning: a picture that breathes is worse than one that drifts.
_ZOOM_SLOWER = 1.4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one axis may do. Lengths in widths of the viewport; of zoom, logarithms of its size.

    Attributes:
        response_s: how quickly it follows: about its time constant.
        speed: at most, per second.
        acceleration: at most, per second².
        band: so far from where it belongs costs nothing.
    """

    response_s: float
    speed: float
    acceleration: float
    band: float


@dataclass(frozen=True, slots=True)
class Motion:
    """How the camera moves. See `Reframe` for what each setting means."""

    response_s: float = 0.5
    max_speed: float = 4.0
    max_acceleration: float = 20.0
    max_zoom_rate: float = 0.6
    dead_band: float = 0.02
    cuts: bool = True

    @property
    def pan(self) -> Limits:
        """Of the middle, across and down."""
        return Limits(self.response_s, self.max_speed, self.max_acceleration, self.dead_band)

    @property
    def zoom(self) -> Limits:
        """Of the logarithm of the size."""
        rate = math.log1p(self.max_zoom_rate)
        response_s = self.response_s * _ZOOM_SLOWER
        return Limits(response_s, rate, 4 * rate / response_s, self.dead_band)
