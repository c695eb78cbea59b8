"""One axis of a virtual camera: where to go next, by receding-horizon control.

At each tick the camera's way over the next seconds is planned as a quadratic program and the
first step of the plan is taken (model predictive control: Rawlings, Mayne and Diehl, "Model
Predictive Control", 2017). The camera is a chain of three integrators driven by its jerk, so
that position, speed and acceleration are continuous whatever the subject does. Edges of the
picture and limits of speed and acceleration are constraints of the plan: a camera that is
stopped at an edge afterwards jerks there. The quadratic program is solved by DAQP (Arnström,
Bemporad and Axehill, "A Dual Active-Set Solver for Embedded Quadratic Programming", 2022).
"""

from collections.abc import Sequence

import daqp
import numpy as np
from scipy.linalg import solve_discrete_are  # type: ignore[import-untyped]

from livelens.framing.cost import CUT_OFF, Aims, Vector, speed_weight
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
# Beside its amount: DAQP wants it strictly convex.
_SPEED_SQUARE = 1e-3
# Speed and acceleration, of a response, that cannot be seen.
_STOPPED = 1e-5


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
        tick = tick_s / limits.response_s
        self._limits = limits
        self._most = (limits.speed * limits.response_s, limits.acceleration * limits.response_s**2)
        self._state: Vector = np.zeros(3)
        self._jerks: list[float] = []
        self.planned: Vector = np.zeros(STEPS)
        self._plan: tuple[Vector, Vector, Vector] | None = None
        self._step = _step(tick)
        free, driven = _dynamics(tick)
        self._going_on = _Plan(free, driven, tick, limits)
        # To begin a shot, where and how fast it begins is free too.
        now = np.eye(3, STEPS + 3)[np.newaxis]
        begun = np.concatenate((now, np.concatenate((free, driven), axis=2)))
        self._beginning = _Plan(np.zeros((STEPS + 1, 3, 3)), begun, tick, limits)

    @property
    def _jerk(self) -> float:
        return self._jerks[0] if self._jerks else 0.0

    def at(self, since_tick_s: float) -> float:
        """The position so long after the last tick."""
        t = since_tick_s / self._limits.response_s
        x, v, a = self._state.tolist()
        return float(x + t * (v + t * (a / 2 + t * self._jerk / 6)))

    def advance(self, by_s: float | None = None) -> None:
        """Go on to the next tick, or to a time before that is one from then on."""
        own, driven = self._step if by_s is None else _step(by_s / self._limits.response_s)
        self._state = own @ self._state + driven * self._jerk
        if by_s is None:
            self._jerks = self._jerks[1:]

    def stand(self, position: float) -> None:
        """Be there, at rest."""
        self._state = np.array([position, 0.0, 0.0])
        self._jerks = []
        self.planned = np.full(STEPS, position)
        self._plan = None

    def enter(self, aims: Aims, unit: float) -> None:
        """Begin a shot in the best way, as if the camera had been following before.

        Args:
            aims: (STEPS + 1,) each, now and at the following ticks.
            unit: the length that limits are measured by.
        """
        here = float(aims.want[0])
        self.stand(here)
        if np.ptp(aims.want) <= self._limits.band * unit:
            return
        goals = (_goals(aims) - here) / unit
        found = self._beginning.least(np.zeros(3), goals, self._most)
        if found is not None:
            self._state = found[:3] * unit
            self._state[0] += here

    def planned_cost(self) -> float:
        """Of the last plan, but for speed."""
        if self._plan is None:
            return 0.0
        return self._going_on.cost(*self._plan) * self._limits.response_s

    def saved_by_cut(self, aims: Aims, unit: float) -> float:
        """What going on costs more than beginning a shot, over the time that is planned for.

        Args:
            aims: (STEPS + 1,) each, now and at the following ticks.
            unit: the length that limits are measured by.
        """
        on, now, _ = self.ways(aims, unit, ())
        return on - now

    def ways(self, aims: Aims, unit: float, later: Sequence[int]) -> tuple[float, float, Vector]:
        """What it costs to go on, to begin a shot now, and to begin one after so many ticks.

        Over the time that is planned for, and without the price of the cut. All the same where
        there is no plan.

        Args:
            aims: (STEPS + 1,) each, now and at the following ticks.
            unit: the length that limits are measured by.
            later: ticks, from 2 to STEPS.
        """
        state, goals = self._seen_from(aims, unit)
        costs = [self._going(state, goals, STEPS + 1), self._begun(goals, 0)]
        costs += [self._going(state, goals, each) + self._begun(goals, each) for each in later]
        found = np.array(costs) * self._limits.response_s
        if not np.isfinite(found).all():
            return 0.0, 0.0, np.zeros(len(later))
        return float(found[0]), float(found[1]), found[2:]

    def _going(self, state: Vector, goals: Vector, until: int) -> float:
        """What it costs to go on to a tick, at which a shot begins: all before it counts."""
        aims = goals[:, 1:].copy()
        aims[0, until - 1 :] = aims[0, until - 2]
        aims[1, until - 1 :], aims[2, until - 1 :] = -_FAR, _FAR
        jerks = self._going_on.least(state, aims, self._most)
        if jerks is None:
            return np.inf
        return self._going_on.cost(state, aims, jerks, until - 1)

    def _begun(self, goals: Vector, since: int) -> float:
        """What it costs to begin a shot at a tick."""
        left = goals[:, since:]
        aims = np.concatenate((left, np.repeat(left[:, -1:], since, axis=1)), axis=1)
        start = self._beginning.least(np.zeros(3), aims, self._most)
        if start is None:
            return np.inf
        return self._beginning.cost(np.zeros(3), aims, start, left.shape[1])

    def _seen_from(self, aims: Aims, unit: float) -> tuple[Vector, Vector]:
        """The state and the aims from where the axis is, in units."""
        here = self._state[0]
        state = self._state / unit
        state[0] = 0.0
        return state, (_goals(aims) - here) / unit

    def plan(self, aims: Aims, unit: float) -> None:
        """Choose the jerk until the next tick.

        Args:
            aims: (STEPS,) each, at the following ticks.
            unit: the length that limits are measured by.
        """
        here = self._state[0]
        state, goals = self._seen_from(aims, unit)
        if _stands(state, goals, self._limits.band):
            self.stand(here)
            return
        # Whoever is too fast, since the viewport has become smaller say, becomes no faster.
        most = max(self._most[0], abs(state[1])), max(self._most[1], abs(state[2]))
        jerks = self._going_on.least(state, goals, most)
        if jerks is None:
            # No plan keeps all limits: come to rest.
            jerks = np.full(STEPS, -3 * (state[1] + state[2]))
        self._jerks = (jerks * unit).tolist()
        self.planned = here + self._going_on.positions(state, jerks) * unit
        self._plan = (state, goals, jerks)


class _Plan:
    """The quadratic program: what is least, and between which bounds.

    Args:
        free, driven: (n, 3, 3) and (n, 3, k) states at ticks, of the first state and what is free.
        tick: in responses.
    """

    def __init__(self, free: Vector, driven: Vector, tick: float, limits: Limits) -> None:
        count, _, size = driven.shape
        self._free, self._driven, self._tick = free, driven, tick
        self._x = np.ascontiguousarray(driven[:, 0])
        own, pushed = _step(tick)
        # What comes after the plan costs as much as an axis that nothing hinders pays.
        after = solve_discrete_are(own, pushed[:, None], np.diag([tick, 0, 0]), [[tick]])
        self._after = np.ascontiguousarray(2 * driven[-1].T @ after)
        jerks = np.full(size, tick)
        jerks[: size - STEPS] = _FREE
        hessian = 2 * (np.diag(jerks) + tick * self._x.T @ self._x) + self._after @ driven[-1]
        rows = np.ascontiguousarray(np.concatenate([driven[:, k] for k in (0, 0, 1, 1, 2)]))
        soft = np.repeat([_SOFT, _SOFT, _SOFT, 0, 0], count).astype(np.int32)
        far = np.full(5 * count, _FAR)
        self._solver = daqp.Model()
        self._solver.setup(hessian, np.zeros(size), rows, far, -far, soft)
        # A plan that cannot keep an edge, since the picture has shrunk say, is still a plan.
        squares = np.repeat([_OVER_THE_EDGE[0], CUT_OFF[0], _SPEED_SQUARE, 1, 1], count)
        amounts = np.repeat(
            [_OVER_THE_EDGE[1], CUT_OFF[1], speed_weight(limits) / limits.response_s, 0, 0], count
        )
        rho = 1 / (2 * tick * squares)
        self._solver.soft_weights(rho_l=rho, rho_u=rho, w_l=tick * amounts, w_u=tick * amounts)

    def least(self, state: Vector, goals: Vector, most: tuple[float, float]) -> Vector | None:
        """What is free; None if there is no way."""
        free = self._free @ state
        x, v, a = free.T
        want, low, high, first, last = goals
        error = x - want
        end = free[-1] - (want[-1], (want[-1] - want[-2]) / self._tick, 0.0)
        linear = 2 * self._tick * (error @ self._x) + self._after @ end
        upper = np.concatenate((last - x, high - x, -v, most[0] - v, most[1] - a))
        lower = np.concatenate((first - x, low - x, -v, -most[0] - v, -most[1] - a))
        self._solver.update(f=linear, bupper=upper, blower=lower)
        solution, _, flag, _ = self._solver.solve()
        if flag <= 0 or not np.isfinite(solution).all():
            return None
        return np.asarray(solution)

    def cost(
        self, state: Vector, goals: Vector, solution: Vector, ticks: int | None = None
    ) -> float:
        """Of what is free, as in `cost.py` but for speed; of the first ticks, if not all count."""
        x, goals = self.positions(state, solution)[:ticks], goals[:, :ticks]
        want, low, high = goals[:3]
        out = np.maximum(np.maximum(low - x, x - high), 0.0)
        square, amount = CUT_OFF
        each = (x - want) ** 2 + square * out**2 + amount * out
        jerks = solution[-STEPS:][:ticks]
        return self._tick * float(each.sum() + jerks @ jerks)

    def positions(self, state: Vector, jerks: Vector) -> Vector:
        """At the following ticks."""
        return np.asarray(self._free[:, 0] @ state + self._x @ jerks)


def _goals(aims: Aims) -> Vector:
    return np.stack((aims.want, aims.low, aims.high, aims.first, aims.last))


def _stands(state: Vector, goals: Vector, band: float) -> bool:
    """Whether who stands has no reason to move."""
    if abs(state[1]) > _STOPPED or abs(state[2]) > _STOPPED:
        return False
    want, low, high = goals[:3]
    return bool(np.abs(want).max() <= band and low.max() <= 0 <= high.min())


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
