"""A picture for each clip: where the subject and the cameras are, and how they jerk."""

from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from livelens.bench.framing.metrics import Path, derivative
from livelens.bench.framing.subjects import Subject

# Of an SVG that text can be searched in, and that is the same from run to run.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "livelens",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# By method: told apart without colours too.
_LINES: Mapping[str, dict[str, Any]] = {
    "ema": {"color": "#b3b3b3", "linestyle": "-"},
    "one-euro": {"color": "#d08c2f", "linestyle": ":"},
    "operator": {"color": "#1f6fb4", "linestyle": "-", "linewidth": 1.8},
    "operator, 1 s ahead": {"color": "#1f6fb4", "linestyle": "--"},
    "optimum": {"color": "#2a9d5c", "linestyle": "-."},
}


def plot(file: File, title: str, subject: Subject, paths: Mapping[str, Path]) -> None:
    """Write where each method's viewport was, sideways, and its jerk, as SVG.

    Args:
        file: to write.
        paths: by method; a cut breaks the line.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8, 5), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        figure.suptitle(title, fontsize=10)
        begin_ns = subject.times_ns[0]
        times_s = (subject.times_ns - begin_ns) / 1e9
        left, right = subject.truth[:, 0], subject.truth[:, 2]
        above.fill_between(times_s, left, right, color="#000000", alpha=0.08, linewidth=0)
        middle = (left + right) / 2
        above.plot(times_s, middle, color="black", linewidth=0.8, label="subject, and its box")
        for name, path in paths.items():
            line = _LINES.get(name, {})
            x = np.where(path.cuts & (times_s > 0), np.nan, path.middles[:, 0])
            above.plot(times_s, x, label=name, **line)
            jerk, at_s = derivative(path, 3)
            below.plot(at_s - begin_ns / 1e9, np.maximum(jerk, 1e-3), **line)
        above.set_ylabel("x of the middle, px")
        above.legend(fontsize=8, ncols=3, frameon=False, loc="best")
        below.set_yscale("log")
        below.set_ylabel("jerk, widths/s³")
        below.set_xlabel("s")
        figure.savefig(file, format="svg", metadata={"Date": None})
