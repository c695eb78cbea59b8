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
_MOST_SEEN = 64


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
        seconds = np.array([(pts_ns - self.seen_ns) / NS_PER_S for pts_ns, _ in self._seen])
        boxes = np.array([box for _, box in self._seen])
        seconds -= seconds.mean()
        boxes -= boxes.mean(axis=0)
        prior = np.array([_SPEED_PER_S, _SPEED_PER_S, _GROWTH_PER_S, _GROWTH_PER_S])
        slope: NDArray[np.float64] = (seconds @ boxes) / (
            seconds @ seconds + (_JITTER / prior) ** 2
        )
        return slope

    def predicted(self, pts_ns: int) -> NDArray[np.float64]:
        """The box at that time, x_min, y_min, x_max, y_max, if it goes on as it did."""
        ahead_s = (pts_ns - self.seen_ns) / NS_PER_S
        now = self._seen[-1][1]
        then = now + self.velocity() * ahead_s
        size = np.clip(then[2:], now[2:] / 2, now[2:] * 2)
        return np.concatenate([then[:2] - size / 2, then[:2] + size / 2])
