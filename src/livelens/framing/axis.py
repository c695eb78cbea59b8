"""One axis of a virtual camera: where to go next, by receding-horizon control.

At each tick the camera's way over the next seconds is planned as a quadratic program and the
first step of the plan is taken (model predictive control: Rawlings, Mayne and Diehl, "Model
Predictive Control", 2017). The camera is a chain of three integrators driven by its jerk, so
that position, speed and acceleration are continuous whatever the subject does. Edges of the
picture and limits of speed and acceleration are constraints of the plan: a camera that is
stopped at an edge afterwards jerks there. The quadratic program is solved by DAQP (Arnström,
Bemporad and Axehill, "A Dual Active-Set Solver for Embedded Quadratic Programming", 2022).
"""

import daqp
import numpy as np

from livelens.framing.cost import CUT_OFF, Aims, Vector
from livelens.framing.motion import Limits

STEPS = 20
# Ticks are so many to a response: the horizon is always as many responses long.
_TICKS_A_RESPONSE = 7
_LEAST_TICK_S = 0.05

_OVER_THE_EDGE = (1e4, 100.0)
_FAR = 1e9
# The first state of a shot costs nothing; DAQP wants a little.
_FREE = 1e-6
_SOFT = 8  # DAQP's mark of a constraint that may be breached
# Speed and acceleration, of a response, that are standing; and that cannot be seen, and end.
_STILL = (0.015, 0.025)
_STOPPED = 1e-5
# Who stands lets the subject go so many bands far.
_REST = 1.5
PLAN_BAND = 0.02


def tick_s(limits: Limits) -> float:
    """How often to plan."""
    return max(limits.response_s / _TICKS_A_RESPONSE, _LEAST_TICK_S)


class Axis:
    """The state of one axis, and the plan for what comes next.

    Inside, time is in responses and lengths in the unit: one plan fits all cameras.

    Attributes:
        planned: (STEPS,) positions at the following ticks, as far as is known now.
    """

    def __init__(self, limits: Limits, tick_s: float) -> None:
        self._limits = limits
        self._scale = np.array([1.0, limits.response_s, limits.response_s**2])
        self._tick = tick_s / limits.response_s
        self._most = (limits.speed * self._scale[1], limits.acceleration * self._scale[2])
        self._state: Vector = np.zeros(3)
        self._jerk = 0.0
        self._resting = True
        self.planned: Vector = np.zeros(STEPS)
        self._step = _step(self._tick)
        self._free, self._driven = _dynamics(self._tick)
        self._solver = _solver(self._driven, self._tick)
        # To begin a shot, where and how fast it begins is free too.
        whole = np.concatenate((self._free, self._driven), axis=2)
        now = np.eye(3, STEPS + 3)[np.newaxis]
        self._entry = _solver(np.concatenate((now, whole)), self._tick)

    def at(self, since_tick_s: float) -> float:
        """The position so long after the last tick."""
        t = since_tick_s / self._limits.response_s
        x, v, a = self._state.tolist()
        return float(x + t * (v + t * (a / 2 + t * self._jerk / 6)))

    def advance(self) -> None:
        """Go on to the next tick."""
        own, driven = self._step
        self._state = own @ self._state + driven * self._jerk

    def stand(self, position: float) -> None:
        """Be there, at rest."""
        self._state = np.array([position, 0.0, 0.0])
        self._jerk, self._resting = 0.0, True
        self.planned = np.full(STEPS, position)

    def enter(self, aims: Aims, unit: float) -> None:
        """Begin a shot in the best way, as if the camera had been following before.

        Args:
            aims: (STEPS + 1,) each, now and at the following ticks.
            unit: the length that limits are measured by.
        """
        here = float(aims.want[0])
        self.stand(here)
        if np.abs(aims.want - here).max() <= self._limits.band * unit:
            return
        want, low, high, first, last = (self._goals(aims) - here) / unit
        band = self._limits.band
        still = np.zeros(STEPS + 1)
        speed, acceleration = still + self._most[0], still + self._most[1]
        upper = np.concatenate((last, want + band, high, speed, acceleration))
        lower = np.concatenate((first, want - band, low, -speed, -acceleration))
        self._entry.update(bupper=upper, blower=lower)
        solution, _, flag, _ = self._entry.solve()
        if flag > 0 and np.isfinite(solution).all():
            self._state = solution[:3] * unit
            self._state[0] += here
            self._resting = False

    @staticmethod
    def _goals(aims: Aims) -> Vector:
        return np.stack((aims.want, aims.low, aims.high, aims.first, aims.last))

    def plan(self, aims: Aims, unit: float) -> None:
        """Choose the jerk until the next tick.

        Args:
            aims: (STEPS,) each, at the following ticks.
            unit: the length that limits are measured by.
        """
        state = self._state / unit
        goals = self._goals(aims) / unit
        if self._rests(state, goals):
            self._rest(state, unit)
            return
        free = self._free @ state
        want, low, high, first, last = goals - free[:, 0]
        v, a = free[:, 1], free[:, 2]
        band = PLAN_BAND
        # Whoever is too fast, since the viewport has become smaller say, becomes no faster.
        speed = max(self._most[0], abs(state[1]))
        acceleration = max(self._most[1], abs(state[2]))
        upper = np.concatenate((last, want + band, high, speed - v, acceleration - a))
        lower = np.concatenate((first, want - band, low, -speed - v, -acceleration - a))
        self._solver.update(bupper=upper, blower=lower)
        jerks, _, flag, _ = self._solver.solve()
        if flag > 0 and np.isfinite(jerks).all():
            self._jerk = float(jerks[0]) * unit
            self.planned = (free[:, 0] + self._driven[:, 0] @ jerks) * unit
        else:
            self._brake(state, unit)

    def _rests(self, state: Vector, goals: Vector) -> bool:
        """Who stands stays until the subject has gone some way, who moves goes all of it."""
        x, v, a = state.tolist()
        band = self._limits.band
        if self._resting:
            band *= _REST
        elif abs(v) > _STILL[0] or abs(a) > _STILL[1]:
            return False
        want, low, high = goals[:3, : STEPS // 2]
        self._resting = bool(np.abs(want - x).max() <= band and low.max() <= x <= high.min())
        return self._resting

    def _rest(self, state: Vector, unit: float) -> None:
        _, v, a = state.tolist()
        if abs(v) < _STOPPED and abs(a) < _STOPPED:
            self.stand(float(self._state[0]))
        else:
            self._brake(state, unit)

    def _brake(self, state: Vector, unit: float) -> None:
        """Come to rest."""
        _, v, a = state.tolist()
        self._jerk = -3 * (a + v) * unit
        own, driven = self._step
        self.planned = np.full(STEPS, (own @ self._state + driven * self._jerk)[0])


def _step(t: float) -> tuple[Vector, Vector]:
    """What a state becomes by itself, and by one unit of jerk."""
    return (
        np.array([[1, t, t * t / 2], [0, 1, t], [0, 0, 1.0]]),
        np.array([t**3 / 6, t * t / 2, t]),
    )


def _dynamics(tick: float) -> tuple[Vector, Vector]:
    """States at the following ticks: (STEPS, 3, 3) of the state now, (STEPS, 3, STEPS) of jerks."""
    own, driven = _step(tick)
    free = np.zeros((STEPS, 3, 3))
    by_jerks = np.zeros((STEPS, 3, STEPS))
    power = np.eye(3)
    effects = []
    for k in range(STEPS):
        effects.append(power @ driven)
        power = own @ power
        free[k] = power
    for k in range(STEPS):
        for i in range(k + 1):
            by_jerks[k, :, i] = effects[k - i]
    return free, by_jerks


def _solver(states: Vector, tick: float) -> daqp.Model:
    """Of a plan: edges, distance, what is cut off, and the limits.

    Args:
        states: (n, 3, k) at ticks, of what is free: jerks at last, maybe the first state before.
        tick: in responses.
    """
    count, _, free = states.shape
    solver = daqp.Model()
    # A plan that cannot keep an edge, since the picture has shrunk say, is still a plan.
    soft = np.zeros(5 * count, np.int32)
    soft[: 3 * count] = _SOFT
    far = np.full(5 * count, _FAR)
    rows = np.ascontiguousarray(np.concatenate([states[:, k] for k in (0, 0, 0, 1, 2)]))
    jerks = np.full(free, 2 * tick)
    jerks[: free - STEPS] = _FREE
    solver.setup(np.diag(jerks), np.zeros(free), rows, far, -far, soft)
    squares = np.repeat([_OVER_THE_EDGE[0], 1.0, CUT_OFF[0]], count)
    amounts = np.repeat([_OVER_THE_EDGE[1], 0.0, CUT_OFF[1]], count)
    # DAQP wants one for each constraint.
    rho = np.concatenate((1 / (2 * tick * squares), np.ones(2 * count)))
    linear = np.concatenate((tick * amounts, np.zeros(2 * count)))
    solver.soft_weights(rho_l=rho, rho_u=rho, w_l=linear, w_u=linear)
    return solver
