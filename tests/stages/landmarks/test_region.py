import math

import cv2
import numpy as np
import pytest

from livelens.stages.landmarks.region import Region, angle_right, angle_up, around, turned
from livelens.types import Frame


def test_points_come_back_from_where_the_region_was_cut() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(picture, (180, 60), 3, (255, 255, 255), -1)
    region = Region(150, 80, 160, math.radians(25))
    cut = region.cut(Frame.of(picture), 128)
    y, x = np.argwhere(cut[:, :, 0] > 128).mean(axis=0) + 0.5
    (back,) = region.to_frame(np.array([[x, y]], np.float32), 128)
    assert back == pytest.approx([180.5, 60.5], abs=0.7)


def test_what_points_up_in_the_frame_stands_upright_in_the_region() -> None:
    low, high = np.array([100.0, 100.0], np.float32), np.array([140.0, 60.0], np.float32)
    region = Region(100, 100, 100, angle_up(low, high))
    assert math.degrees(region.angle) == pytest.approx(45)
    (there,) = region.to_frame(np.array([[50, 0]], np.float32), 100)
    assert there[0] - 100 == pytest.approx(100 - there[1])
    assert there[0] > 100


def test_depth_has_the_scale_of_the_frame() -> None:
    region = Region(50, 50, 200)
    (point,) = region.to_frame(np.array([[64, 64, -10]], np.float32), 128)
    assert point == pytest.approx([50, 50, -10 * 200 / 128])


@pytest.mark.parametrize("degrees", [-170, -90, 0, 30, 90])
def test_angles_turn_back(degrees: float) -> None:
    way = turned(np.array([[1, 0]], np.float32), math.radians(degrees))[0]
    assert math.degrees(angle_right(np.zeros(2, np.float32), way)) == pytest.approx(degrees)


def test_a_region_holds_the_points_it_is_around() -> None:
    points = np.array([[10, 20], [90, 40], [50, 10]], np.float32)
    region = around(points, math.radians(20), scale=1.0)
    inside = turned(points - np.array([region.x, region.y], np.float32), -region.angle)
    assert np.abs(inside).max() == pytest.approx(region.size / 2, rel=1e-5)
    raised = around(points, 0.0, scale=1.0, up=0.5)
    assert raised.y == pytest.approx(around(points, 0.0, scale=1.0).y - 0.5 * 30)


def test_overlap() -> None:
    one = Region(50, 50, 20)
    assert one.overlap(one) == pytest.approx(1)
    assert one.overlap(Region(60, 50, 20)) == pytest.approx(1 / 3)
    assert one.overlap(Region(80, 50, 20)) == 0


def test_no_region_is_cut_of_nothing() -> None:
    assert not Region(math.nan, 1, 20).sound
    assert not Region(1, 1, 0.5).sound
    assert Region(1, 1, 20).sound


def test_a_region_outside_the_frame_shows_its_edge() -> None:
    picture = np.full((50, 50, 3), 77, np.uint8)
    assert (Region(500, -300, 60, 1.0).cut(Frame.of(picture), 32) == 77).all()
