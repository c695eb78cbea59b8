"""The 1 € filter as a camera."""

import numpy as np
import pytest

from livelens.framing.one_euro import OneEuro
from tests.framing.subjects import filmed, moving


def test_it_calms_what_rests_and_follows_what_moves() -> None:
    noise = np.random.default_rng(1).normal(0, 3, 300)
    rests = moving(lambda t: 300 + noise[round(t * 30)], 5.0)
    path = [shot.view.x for shot in filmed(OneEuro(), rests)]
    assert np.std(np.diff(path)) < 0.15 * np.std(np.diff([each.x for each in rests]))
    runs = moving(lambda t: 200 + 60 * t, 4.0)
    assert filmed(OneEuro(), runs)[-1].view.x == pytest.approx(runs[-1].x, abs=40)
