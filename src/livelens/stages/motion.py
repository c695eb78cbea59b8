"""How a box moves, from where it was seen: for tracks without a detection, speed and direction."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S

# What is believed of a box before it is seen to move, in its own sizes: detections jitter by
# 3 % of it, and few things move by more than 1.5 of it in a second or grow by a third.
_JITTER = 0.03
_SPEED_PER_S = 1.5
_GROWTH_PER_S = 0.3
_PRIOR_PER_S = np.array([_SPEED_PER_S, _SPEED_PER_S, _GROWTH_PER_S, _GROWTH_PER_S])
_MOST_SEEN = 64
_EDGE_PX = 2.0


class Motion:
    """The latest boxes of one object and the straight line that fits them.

    The line is a Bayesian linear regression (Bishop, "Pattern Recognition and Machine
    Learning", 3.3): with few boxes, or boxes close in time, it tends to standing still instead
    of to their jitter, so that a prediction cannot run away.

    Args:
        window_ns: how far back boxes count.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._seen: deque[tuple[int, NDArray[np.float64]]] = deque(maxlen=_MOST_SEEN)

    @property
    def seen_ns(self) -> int:
        """The pts of the latest box."""
        return self._seen[-1][0]

    @property
    def span_ns(self) -> int:
        """The time between the first box that counts and the latest."""
        return self._seen[-1][0] - self._seen[0][0]

    @property
    def size_px(self) -> float:
        """The longer side of the latest box."""
        return float(self._seen[-1][1][2:].max())

    def see(self, box: NDArray[np.floating], pts_ns: int) -> None:
        """Take a detected box, x_min, y_min, x_max, y_max."""
        if self._seen and pts_ns <= self._seen[-1][0]:
            self._seen.clear()
        left, top, right, bottom = (float(side) for side in box)
        centred = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
        self._seen.append((pts_ns, centred))
        while self._seen[0][0] < pts_ns - self._window_ns:
            self._seen.popleft()

    def velocity(self) -> NDArray[np.float64]:
        """Per second, how centre x, centre y, width and height grow, in pixels."""
        if len(self._seen) < 2:
            return np.zeros(4)
        return self._fitted(np.array([box for _, box in self._seen]), _PRIOR_PER_S)

    def flow(self, size_px: tuple[int, int]) -> tuple[float, float]:
        """Pixels per second to the right and down.

        Of a box that the picture's edge cuts, only the free sides move as the object does.
        """
        if len(self._seen) < 2:
            return 0.0, 0.0
        boxes = np.array([box for _, box in self._seen])
        near, far = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
        speed_per_s = np.full(6, _SPEED_PER_S)
        centre, low, high = np.split(
            self._fitted(np.hstack([boxes[:, :2], near, far]), speed_per_s), 3
        )
        cut_low = (near <= _EDGE_PX).any(axis=0)
        cut_high = (far >= np.array(size_px) - _EDGE_PX).any(axis=0)
        flow = np.where(cut_low & ~cut_high, high, np.where(cut_high & ~cut_low, low, centre))
        return float(flow[0]), float(flow[1])

    def _fitted(
        self, values: NDArray[np.float64], prior_per_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Growth per second of each column of values, one row for each box."""
        seconds = np.array([(pts_ns - self.seen_ns) / NS_PER_S for pts_ns, _ in self._seen])
        seconds -= seconds.mean()
        slope: NDArray[np.float64] = (seconds @ (values - values.mean(axis=0))) / (
            seconds @ seconds + (_JITTER / prior_per_s) ** 2
        )
        return slope

    def predicted(self, pts_ns: int) -> NDArray[np.float64]:
        """The box at that time, x_min, y_min, x_max, y_max, if it goes on as it did."""
        ahead_s = (pts_ns - self.seen_ns) / NS_PER_S
        now = self._seen[-1][1]
        then = now + self.velocity() * ahead_s
        size = np.clip(then[2:], now[2:] / 2, now[2:] * 2)
        return np.concatenate([then[:2] - size / 2, then[:2] + size / 2])
