"""Glasses drawn onto faces."""

from dataclasses import replace

import numpy as np
import pytest

from livelens.train.eyewear import Eyewear, Head, random_eyewear, wear

SKIN = (200, 160, 140)


def mesh(turn_deg: float = 0.0) -> np.ndarray:
    """The six points of a face mesh that matter; eyes 100 px apart, turned to its left."""
    points = np.zeros((468, 3))
    points[[33, 133, 362, 263]] = [(-65, 0, 0), (-35, 0, 0), (35, 0, 0), (65, 0, 0)]
    points[10], points[152] = (0, -100, 0), (0, 150, 0)
    turn = np.deg2rad(turn_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    points = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return np.asarray(points + np.array([160, 100, 0]))


def face() -> np.ndarray:
    return np.full((200, 320, 3), SKIN, np.uint8)


def eyewear(*, dark: bool, seed: int = 0) -> Eyewear:
    made = random_eyewear(np.random.default_rng(seed), dark=dark)
    return replace(made, mirror=0.0, drop=0.05, shadow=0.0)


def worn(head: Head, pair: Eyewear) -> np.ndarray:
    return wear(face(), head, pair, np.random.default_rng(0))


def test_a_head_seen_from_the_front_faces_the_camera() -> None:
    head = Head.from_mesh(mesh())
    assert head.middle == pytest.approx([160, 100])
    assert head.eye_distance_px == pytest.approx(100)
    assert head.axes == pytest.approx(np.eye(3))


def test_a_turned_head_keeps_its_size() -> None:
    head = Head.from_mesh(mesh(40))
    assert head.eye_distance_px == pytest.approx(100)
    assert np.ptp(head.project(np.array([[-0.5, 0, 0], [0.5, 0, 0]]))[:, 0]) < 80


def test_moving_the_head_moves_what_it_wears() -> None:
    head = Head.from_mesh(mesh(25))
    points = np.random.default_rng(1).normal(size=(9, 3))
    matrix = np.array([[0.6, -0.3, 12.0], [0.3, 0.6, -7.0]])
    moved = head.project(points) @ matrix[:, :2].T + matrix[:, 2]
    assert head.moved(matrix).project(points) == pytest.approx(moved)


@pytest.mark.parametrize("seed", range(8))
def test_sunglasses_hide_the_eyes_and_glasses_do_not(seed: int) -> None:
    head = Head.from_mesh(mesh())
    eyes = (slice(95, 108), slice(104, 116))
    dark = replace(eyewear(dark=True, seed=seed), lens=(15.0, 15.0, 18.0))
    clear = replace(eyewear(dark=False, seed=seed), opacity=(0.0, 0.0))
    assert worn(head, dark)[eyes].mean() < 0.55 * face()[eyes].mean()
    assert worn(head, clear)[eyes].mean() > 0.85 * face()[eyes].mean()


def test_frames_go_around_the_lenses_only() -> None:
    black = replace(
        eyewear(dark=False), rim="full", thickness=0.08, opacity=(0.0, 0.0), frame=(0.0, 0.0, 0.0)
    )
    picture = worn(Head.from_mesh(mesh()), black)
    painted = (picture.astype(int).sum(axis=2) < 200).any(axis=0)
    assert painted[60:260].mean() > 0.5
    assert not (picture[:30] != face()[:30]).any(), "the forehead"
    assert not (picture[180:] != face()[180:]).any(), "the mouth"


def test_the_temple_behind_the_face_is_not_drawn() -> None:
    pair = replace(
        eyewear(dark=False), rim="none", temple=0.08, reach=1.0, opacity=(0.0, 0.0), frame=(0, 0, 0)
    )
    picture = worn(Head.from_mesh(mesh(35)), pair).astype(int).sum(axis=2)
    dark = np.flatnonzero((picture < 200).any(axis=0))
    left, right = 160 - dark.min(), dark.max() - 160
    assert max(left, right) > 1.25 * min(left, right)


def test_the_picture_that_is_given_stays_as_it_is() -> None:
    picture = face()
    wear(picture, Head.from_mesh(mesh()), eyewear(dark=True), np.random.default_rng(0))
    assert (picture == SKIN).all()


def test_the_same_seed_gives_the_same_glasses() -> None:
    def draw() -> np.ndarray:
        random = np.random.default_rng(5)
        return wear(face(), Head.from_mesh(mesh()), random_eyewear(random, dark=False), random)

    assert (draw() == draw()).all()


def test_a_head_outside_the_picture_changes_nothing() -> None:
    head = Head.from_mesh(mesh() + np.array([5000, 0, 0]))
    assert (worn(head, eyewear(dark=True)) == face()).all()
