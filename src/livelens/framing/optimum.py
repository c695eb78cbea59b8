"""The best path of a whole clip: what a camera would do that knew the future.

Between cuts the path of least cost is a convex quadratic program, sparse as its frames are linked
to their neighbours alone; Clarabel solves it (Goulart and Chen, "Clarabel: An interior-point
solver for conic programs with quadratic objectives", 2024). That camera paths are found by convex
optimisation is from Grundmann, Kwatra and Essa, "Auto-directed video stabilization with robust L1
optimal camera paths", 2011. Which cuts are best is no convex question: none, and those of the
operator at several look-aheads are tried.
"""

from collections.abc import Sequence
from dataclasses import replace

import clarabel
import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from livelens.clock import NS_PER_S
from livelens.framing.camera import Camera
from livelens.framing.cost import CUT_OFF, Axis, Clip, Vector, cost, shots_between, speed_weight
from livelens.framing.geometry import Field, Shot, Target
from livelens.framing.motion import Motion
from livelens.framing.operator import Operator

# The operator is tried with these.
_LOOKAHEADS_S = (0.0, 0.25, 0.5, 1.0)


def best_path(
    fields: Field | Sequence[Field], targets: Sequence[Target], motion: Motion
) -> list[Shot]:
    """The path of least cost, among those that cut where the operator does or nowhere.

    Args:
        fields: of each target, or one for all.
        targets: one for each frame, in the order of time.

    Raises:
        ValueError: there is not one field for each target, or time does not go on.
    """
    clip = Clip.of(fields, targets)
    if not targets:
        return []
    runs = [filmed(Operator(motion), clip.fields, targets, each) for each in _LOOKAHEADS_S]
    # What no camera can help: the picture has changed.
    steady = filmed(Operator(replace(motion, cuts=False)), clip.fields, targets)
    needed = {i for i, each in enumerate(targets) if i and each.cut and motion.cuts}
    paths: dict[tuple[int, ...], list[Shot]] = {}
    for run in (steady, *runs):
        cuts = tuple(sorted(needed.union(i for i, shot in enumerate(run) if i and shot.cut)))
        if cuts not in paths:
            paths[cuts] = _path(clip, motion, cuts, None)
            sizes = clip.sizes(run)
            if np.ptp(sizes) > 0:
                # The best sizes may leave the middle no good way.
                runs.append(_path(clip, motion, cuts, sizes))
    candidates = [*paths.values(), *runs]
    return min(candidates, key=lambda shots: cost(clip.fields, targets, shots, motion))


def _path(clip: Clip, motion: Motion, cuts: Sequence[int], sizes: Vector | None) -> list[Shot]:
    """The best one with these cuts: size first, since it says where edges are."""
    if sizes is None:
        sizes = np.exp(_solved(clip, clip.zoom(motion), cuts))
    x = _solved(clip, clip.pan(motion, "x", sizes), cuts)
    y = _solved(clip, clip.pan(motion, "y", sizes), cuts)
    views = map(Field.view, clip.fields, x.tolist(), y.tolist(), sizes.tolist())
    return [Shot(view, i == 0 or i in cuts) for i, view in enumerate(views)]


def _solved(clip: Clip, axis: Axis, cuts: Sequence[int]) -> Vector:
    """The best path of one axis; between cuts it is on its own."""
    aims = axis.aims
    path = np.empty_like(aims.want)
    lasts_s = clip.lasts_s
    for start, end in shots_between(cuts, len(path)):
        part = slice(start, end)
        if np.ptp(aims.want[part]) == 0:
            path[part] = aims.want[part]
        else:
            path[part] = _shot(clip.times_s[part], lasts_s[part], axis, part)
    return path


# The blocks of unknowns of a shot: one for each frame, or for the steps between frames.
_BLOCKS = ("position", "speed", "acceleration", "jerk", "gone", "out")


def _shot(times_s: Vector, lasts_s: Vector, axis: Axis, part: slice) -> Vector:
    """One shot, solved in responses and units, so that the numbers are near 1."""
    limits, aims = axis.limits, axis.aims
    unit = float(np.median(axis.unit[part]))
    relative = axis.unit[part] / unit
    want, low, high, first, last = (
        column[part] / unit for column in (aims.want, aims.low, aims.high, aims.first, aims.last)
    )
    count = len(want)
    sizes = (*(max(count - order, 0) for order in range(4)), max(count - 1, 0), count)
    chain, spans = _chain(times_s / limits.response_s, sizes)
    square, amount = CUT_OFF
    squares = [np.zeros(size) for size in sizes]
    squares[0] = lasts_s / relative**2
    squares[3] = spans * limits.response_s / relative[: sizes[3]] ** 2
    squares[5] = square * lasts_s / relative**2
    amounts = [np.zeros(size) for size in sizes]
    amounts[0] = -2 * squares[0] * want
    amounts[4] = speed_weight(limits) * np.diff(times_s) / limits.response_s / relative[: sizes[4]]
    amounts[5] = amount * lasts_s / relative

    def rows(**signs: float) -> sparse.csc_matrix:
        height = sizes[_BLOCKS.index(next(iter(signs)))]
        blocks = zip(_BLOCKS, sizes, strict=True)
        each = [signs.get(name, 0.0) * sparse.eye(height, size) for name, size in blocks]
        return sparse.hstack(each, "csc")

    speed = limits.speed * limits.response_s * relative[: sizes[1]]
    acceleration = limits.acceleration * limits.response_s**2 * relative[: sizes[2]]
    below = (
        (rows(position=1), last),
        (rows(position=-1), -first),
        (rows(speed=1, gone=-1), np.zeros(sizes[1])),
        (rows(speed=-1, gone=-1), np.zeros(sizes[1])),
        (rows(position=1, out=-1), high),
        (rows(position=-1, out=-1), -low),
        (rows(out=-1), np.zeros(count)),
        (rows(speed=1), speed),
        (rows(speed=-1), speed),
        (rows(acceleration=1), acceleration),
        (rows(acceleration=-1), acceleration),
    )
    solution = _minimum(
        np.concatenate(squares),
        np.concatenate(amounts),
        chain,
        sparse.vstack([left for left, _ in below], "csc"),
        np.concatenate([right for _, right in below]),
    )
    return np.asarray(np.clip(solution[:count], first, last) * unit)


def _chain(times: Vector, sizes: tuple[int, ...]) -> tuple[sparse.csc_matrix, Vector]:
    """What links positions, speeds, accelerations and jerks by divided differences.

    Returns:
        rows that are 0; the time that each jerk stands for.
    """
    grid: list[list[sparse.csc_matrix]] = []
    spans = np.zeros(0)
    for order in (1, 2, 3):
        spans = (times[order:] - times[:-order]) / order
        size = len(spans)
        row = [sparse.csc_matrix((size, each)) for each in sizes]
        if size:
            row[order - 1] = sparse.diags([-1.0, 1.0], [0, 1], shape=(size, size + 1))
            row[order] = -sparse.diags(spans)
        grid.append(row)
    return sparse.bmat(grid, "csc"), spans


def _minimum(
    squares: Vector,
    amounts: Vector,
    zero: sparse.csc_matrix,
    left: sparse.csc_matrix,
    right: Vector,
) -> Vector:
    """x of the least squares·x² + amounts·x where zero·x = 0 and left·x <= right."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    rows = sparse.vstack([zero, left], "csc")
    bounds = np.concatenate([np.zeros(zero.shape[0]), right])
    cones = [clarabel.ZeroConeT(zero.shape[0]), clarabel.NonnegativeConeT(left.shape[0])]
    quadratic = sparse.diags(2 * squares, format="csc")
    solution = clarabel.DefaultSolver(quadratic, amounts, rows, bounds, cones, settings).solve()
    return np.asarray(np.nan_to_num(np.array(solution.x)))


def filmed(
    camera: Camera, fields: Sequence[Field], targets: Sequence[Target], lookahead_s: float = 0.0
) -> list[Shot]:
    """What a camera shows of a clip if it sees so far ahead."""
    shots: list[Shot] = []
    seen = 0
    for target in targets:
        latest_ns = target.pts_ns + lookahead_s * NS_PER_S
        while seen < len(targets) and targets[seen].pts_ns <= latest_ns:
            camera.see(fields[seen], targets[seen])
            seen += 1
        shots.append(camera.at(target.pts_ns))
    return shots
