"""Text and logos at the edge: found where the picture moves behind them, and nothing else is."""

import cv2
import numpy as np
import pytest

from livelens.framing.geometry import Rect
from livelens.framing.scenery import Scenery
from tests.framing.views import Image, place, seen, walking

LOGO = Rect(540.0, 20.0, 610.0, 50.0)


def with_logo(image: Image) -> Image:
    image = image.copy()
    cv2.rectangle(image, (540, 20), (609, 49), (250, 250, 250), -1)
    cv2.putText(image, "LIVE", (546, 43), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 160), 2)
    return image


FPS = 5.0


def moving(seconds: float, step: float = 36.0) -> list[Image]:
    frames = round(seconds * FPS)
    return walking(place(5, (round(640 + step * frames + 10), 360), detail=14), frames, step)


def test_a_logo_over_a_moving_picture_is_found_and_stays_the_same() -> None:
    views = seen([with_logo(each) for each in moving(12)], Scenery(protect="auto"), FPS)
    [found] = views[-1].protected
    for side in ("left", "top", "right", "bottom"):
        assert getattr(found, side) == pytest.approx(getattr(LOGO, side), abs=8), side
    later = {view.protected for view in views[-10:]}
    assert later == {(found,)}


def test_a_logo_over_one_scene_after_another_is_found() -> None:
    images = [with_logo(place(n // 2)) for n in range(50)]
    [found] = seen(images, Scenery(protect="auto"), FPS)[-1].protected
    assert found.holds(LOGO.x, LOGO.y)


def test_a_picture_that_moves_has_none() -> None:
    assert {view.protected for view in seen(moving(10), Scenery(protect="auto"), FPS)} == {()}


def test_a_camera_that_stands_still_makes_nothing_a_logo() -> None:
    images = []
    for n in range(60):
        image = with_logo(place(8))
        image[100:300, 12 * n % 500 : 12 * n % 500 + 60] = (30, 30, 200)
        images.append(image)
    assert {view.protected for view in seen(images, Scenery(protect="auto"), FPS)} == {()}


def test_the_edge_of_a_border_is_no_logo() -> None:
    images = []
    for each in moving(10):
        image = each.copy()
        image[:45] = image[315:] = 0
        images.append(image)
    view = seen(images, Scenery(protect="auto"), FPS)[-1]
    assert view.area.top == 45
    assert view.protected == ()


def test_none_are_looked_for_unless_told_so() -> None:
    images = [with_logo(each) for each in moving(10)]
    scenery = Scenery(protect="off")
    assert {view.protected for view in seen(images, scenery, FPS)} == {()}
    scenery.renew(borders=True, protect="auto")
    assert len(seen(images, scenery, FPS)[-1].protected) == 1
    scenery.renew(borders=True, protect="off")
    assert seen(images[:1], scenery)[0].protected == ()


def test_given_boxes_are_parts_of_any_picture() -> None:
    scenery = Scenery(protect=((0.5, 0.0, 1.0, 0.25), (0.3, 0.3, 0.3, 0.9)))
    assert seen([place(1)], scenery)[0].protected == (Rect(320.0, 0.0, 640.0, 90.0),)
    small = np.zeros((20, 40, 3), np.uint8)
    assert seen([small], scenery)[0].protected == (Rect(20.0, 0.0, 40.0, 5.0),)
