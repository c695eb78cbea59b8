from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livelens.models import zoo
from livelens.picture import Pixels
from livelens.stages.mask import Mask, MaskStage, calmed
from livelens.types import Frame, Item


@pytest.fixture(scope="module")
def stage() -> Iterator[MaskStage]:
    opened = Mask().open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def man() -> Pixels:
    """A head and shoulders in the lower middle, hills behind."""
    picture = cv2.imread(str(zoo.clip("faces").parent / "single_face.jpg"))
    assert picture is not None
    return np.asarray(picture, np.uint8)


def masked(stage: MaskStage, picture: Pixels, pts_ns: int = 0) -> np.ndarray:
    (item,) = stage.process([Item(Frame.of(picture.copy(), pts_ns=pts_ns))])
    assert item.mask is not None
    return item.mask


def test_a_man_is_told_from_what_is_behind_him(stage: MaskStage, man: Pixels) -> None:
    mask = masked(stage, man)
    assert mask.shape == (256, 256)
    assert mask.dtype == np.uint8
    assert mask[110:250, 100:156].mean() > 240
    assert mask[:40].mean() < 15
    assert mask[40:120, :50].mean() < 30
    # There are edges, but not many: most is certain.
    assert ((mask > 40) & (mask < 215)).mean() < 0.1


def test_it_follows_the_picture(stage: MaskStage, man: Pixels) -> None:
    mask, mirrored = masked(stage, man), masked(stage, man[:, ::-1])
    assert np.abs(mask[:, ::-1].astype(int) - mirrored).mean() < 12


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (3840, 2160)])
def test_pictures_of_any_size(size: tuple[int, int], stage: MaskStage, man: Pixels) -> None:
    picture = np.asarray(cv2.resize(man, size, interpolation=cv2.INTER_AREA), np.uint8)
    assert masked(stage, picture).shape == (256, 256)


def test_nobody_leaves_no_mask(stage: MaskStage) -> None:
    assert masked(stage, np.full((240, 320, 3), 90, np.uint8)).mean() < 25


def test_what_is_not_sure_stays_as_it_was() -> None:
    before = np.array([[0.0, 1.0, 1.0]], np.float32)
    now = np.array([[0.5, 0.5, 0.0]], np.float32)
    assert calmed(now, before, 1.0).tolist() == [[0.0, 1.0, 0.0]]
    assert calmed(now, before, 0.0).tolist() == now.tolist()


def test_a_gap_forgets_the_mask_before(stage: MaskStage, man: Pixels) -> None:
    alone = masked(stage, man, pts_ns=0)
    masked(stage, np.zeros_like(man), pts_ns=10**10)
    assert np.array_equal(masked(stage, man, pts_ns=2 * 10**10), alone)
    masked(stage, np.zeros_like(man), pts_ns=3 * 10**10)
    assert not np.array_equal(masked(stage, man, pts_ns=3 * 10**10 + 40_000_000), alone)


def test_workers_would_mix_up_the_order() -> None:
    with pytest.raises(ValueError, match="workers must be 1"):
        Mask(workers=2)
