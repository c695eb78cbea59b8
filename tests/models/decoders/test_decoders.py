"""Every decoder, on graphs with known outputs, through both runtimes."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray

from livelens.errors import ModelError
from livelens.models import zoo
from livelens.models.decoders import DECODERS, decoder_named
from livelens.models.runner import RuntimeName
from tests.models.graphs import constant_model

# (width, height): input 64×64 is stretched by 2 and 1, or letterboxed by 2.
FRAME = (128, 64)
RUNTIMES: tuple[RuntimeName, ...] = ("openvino", "onnxruntime")

Detect = Callable[..., list[sv.Detections]]
Array = NDArray[np.float32]


@pytest.fixture(params=RUNTIMES)
def detect(request: pytest.FixtureRequest, tmp_path: Path, cache: Path) -> Detect:
    """Runs a decoder on a model that gives known outputs, for `count` pictures."""

    def run(
        decoder: str,
        outputs: Sequence[NDArray[Any]],
        labels: Sequence[str],
        *,
        side: int = 64,
        count: int = 1,
        confidence: float | None = None,
    ) -> list[sv.Detections]:
        path = constant_model(tmp_path / "m.onnx", outputs, input_shape=("N", 3, side, side))
        detector = zoo.load(
            path,
            decoder=decoder,
            labels=labels,
            runtime=request.param,
            precision="f32",
            confidence=confidence,
        )
        picture = np.zeros((FRAME[1], FRAME[0], 3), np.uint8)
        try:
            return detector([picture] * count)
        finally:
            detector.close()

    return run


def names(found: sv.Detections) -> list[str]:
    return [str(name) for name in found.data["class_name"]]


def scores_of(found: sv.Detections) -> NDArray[np.floating[Any]]:
    assert found.confidence is not None
    return found.confidence


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


class TestSsd:
    BOXES = np.array(  # ymin, xmin, ymax, xmax
        [[0.25, 0.25, 0.75, 0.5], [0.25, 0.26, 0.75, 0.51], [0, 0.5, 1, 1.5], [0.1, 0.1, 0.2, 0.2]],
        np.float32,
    )

    def test_raw_scores(self, detect: Detect) -> None:
        scores = np.array(
            [[0.9, 0.1, 0], [0.8, 0.1, 0], [0.2, 0.7, 0], [0.1, 0.1, 0.95]], np.float32
        )
        for found in detect("ssd", [scores, self.BOXES], ["cat", "dog", ""], count=2):
            assert names(found) == ["cat", "dog"], "one cat is suppressed, class 2 has no name"
            np.testing.assert_allclose(found.xyxy, [[32, 16, 64, 48], [64, 0, 128, 64]], atol=1e-3)
            np.testing.assert_allclose(scores_of(found), [0.9, 0.7], atol=1e-6)
            assert found.class_id is not None
            assert found.class_id.tolist() == [0, 1]
            assert found.xyxy.dtype == np.float32

    def test_boxes_of_two_classes_may_overlap(self, detect: Detect) -> None:
        scores = np.array([[0.9, 0], [0, 0.8], [0, 0], [0, 0]], np.float32)
        (found,) = detect("ssd", [self.BOXES, scores], ["cat", "dog"])
        assert names(found) == ["cat", "dog"]

    def test_suppressed_in_the_graph(self, detect: Detect) -> None:
        outputs = [
            self.BOXES,
            np.array([1, 1, 2, 9], np.float32),
            np.array([0.6, 0.9, 0.55, 0.99], np.float32),
            np.float32(4),
        ]
        (found,) = detect("ssd", outputs, ["cat", "dog"])
        assert names(found) == ["cat", "cat", "dog"], "best first, unknown class left out"
        np.testing.assert_allclose(scores_of(found), [0.9, 0.6, 0.55], atol=1e-6)

    def test_nothing_found(self, detect: Detect) -> None:
        (found,) = detect("ssd", [np.zeros((4, 2), np.float32), self.BOXES], ["cat", "dog"])
        assert len(found) == 0
        assert names(found) == []
        assert found.xyxy.shape == (0, 4)


class TestYolox:
    def head(self) -> Array:
        """Cells of strides 8 (8×8), 16 (4×4) and 32 (2×2), for two classes."""
        return np.zeros((64 + 16 + 4, 7), np.float32)

    def test_boxes(self, detect: Detect) -> None:
        head = self.head()
        # Stride 16, cell x = 2, y = 1: centre (2.5, 1.25) cells, 2 × 1 cells big.
        head[64 + 4 + 2] = [0.5, 0.25, math.log(2), 0, 0.9, 0.1, 0.8]
        head[0] = [0.5, 0.5, 0, 0, 0.6, 0.6, 0.5]  # 0.36 in the end: too weak
        (found,) = detect("yolox", [head], ["cat", "dog"])
        assert names(found) == ["dog"]
        np.testing.assert_allclose(scores_of(found), [0.72], atol=1e-5)
        # In the input: centre (40, 20), 32 × 16. The frame is twice as big.
        np.testing.assert_allclose(found.xyxy, [[48, 24, 112, 56]], atol=1e-3)

    def test_nothing_found(self, detect: Detect) -> None:
        assert len(detect("yolox", [self.head()], ["cat", "dog"])[0]) == 0


class TestUltralytics:
    def test_raw(self, detect: Detect) -> None:
        head = np.zeros((6, 84), np.float32)
        head[:, 3] = [32, 32, 16, 8, 0.1, 0.9]
        head[:, 4] = [33, 32, 16, 8, 0.1, 0.8]
        head[:, 5] = [10, 32, 8, 8, 0.7, 0.1]
        (found,) = detect("ultralytics", [head], ["cat", "dog"])
        assert names(found) == ["dog", "cat"]
        # Centred letterbox: the frame fills rows 16 to 48, at half its size.
        np.testing.assert_allclose(found.xyxy, [[48, 24, 80, 40], [12, 24, 28, 40]], atol=1e-3)

    def test_end_to_end(self, detect: Detect) -> None:
        rows = np.zeros((300, 6), np.float32)
        rows[0] = [24, 28, 40, 36, 0.6, 0]
        rows[1] = [24, 28, 40, 36, 0.9, 1]
        rows[2] = [24, 28, 40, 36, 0.9, 7]
        for found in detect("ultralytics", [rows], ["cat", "dog"], count=3):
            assert names(found) == ["dog", "cat"]
            np.testing.assert_allclose(found.xyxy[0], [48, 24, 80, 40], atol=1e-3)


class TestRfdetr:
    def test_queries(self, detect: Detect) -> None:
        boxes = np.array([[0.5, 0.5, 0.25, 0.5], [0.25, 0.5, 0.5, 1.0]], np.float32)
        logits = np.full((2, 3), -9, np.float32)
        logits[0, 1], logits[1, 2], logits[1, 1] = logit(0.9), logit(0.7), logit(0.3)
        (found,) = detect("rfdetr", [boxes, logits], ["", "cat", "dog"])
        assert names(found) == ["cat", "dog"]
        np.testing.assert_allclose(scores_of(found), [0.9, 0.7], atol=1e-5)
        np.testing.assert_allclose(found.xyxy, [[48, 16, 80, 48], [0, 0, 64, 64]], atol=1e-3)

    def test_threshold(self, detect: Detect) -> None:
        boxes = np.array([[0.5, 0.5, 0.25, 0.5]], np.float32)
        logits = np.array([[logit(0.3)]], np.float32)
        assert len(detect("rfdetr", [boxes, logits], ["cat"])[0]) == 0
        assert len(detect("rfdetr", [boxes, logits], ["cat"], confidence=0.25)[0]) == 1


class TestNanodet:
    LEVELS = (64, 16, 4)

    def side(self, distance: int) -> Array:
        """A side whose distribution is all on one distance."""
        bins = np.full(8, -50, np.float32)
        bins[distance] = 50
        return bins

    def test_levels(self, detect: Detect) -> None:
        scores = [np.zeros((count, 2), np.float32) for count in self.LEVELS]
        sides = [np.zeros((count, 32), np.float32) for count in self.LEVELS]
        # Stride 16, cell x = 1, y = 2: centre (24, 40); left 1, top 0, right 1, bottom 0.5.
        scores[1][2 * 4 + 1] = [0.2, 0.8]
        bottom = np.full(8, -50, np.float32)
        bottom[[0, 1]] = 50
        sides[1][2 * 4 + 1] = np.concatenate([self.side(1), self.side(0), self.side(1), bottom])
        (found,) = detect("nanodet", [*scores, *sides], ["cat", "dog"])
        assert names(found) == ["dog"]
        # In the input: 8..40 × 40..48; the frame begins at row 16, at half its size.
        np.testing.assert_allclose(found.xyxy, [[16, 48, 80, 64]], atol=1e-3)

    def test_plus_has_one_tensor_and_anchors_at_corners(self, detect: Detect) -> None:
        head = np.zeros((64 + 16 + 4 + 1, 2 + 32), np.float32)
        sides = np.concatenate([self.side(1)] * 4)
        head[2 * 8 + 3] = [0.9, 0, *sides]  # stride 8, cell x = 3, y = 2: (24, 16)
        (found,) = detect("nanodet", [head], ["cat", "dog"])
        assert names(found) == ["cat"]
        np.testing.assert_allclose(found.xyxy, [[32, 0, 64, 16]], atol=1e-3)

    def test_nothing_found(self, detect: Detect) -> None:
        head = np.zeros((84, 2 + 32), np.float32)
        assert len(detect("nanodet", [head], ["cat", "dog"])[0]) == 0


class TestBlazeface:
    def outputs(self) -> tuple[Array, Array]:
        return np.zeros((2304, 16), np.float32), np.full((2304, 1), -20, np.float32)

    def test_box_and_keypoints(self, detect: Detect) -> None:
        boxes, scores = self.outputs()
        # Cell x = 24, y = 20 of stride 4: centre (98, 82), moved to (96, 96).
        row = 20 * 48 + 24
        boxes[row] = [-2, 14, 24, 12, *(-8, 10, 8, 10), *[0] * 8]
        scores[row] = logit(0.9)
        (found,) = detect("blazeface", [boxes, scores], ["face"], side=192)
        assert names(found) == ["face"]
        # 192 / 128 = 1.5 input pixels for one of the frame, which begins at row 48.
        np.testing.assert_allclose(found.xyxy, [[56, 28, 72, 36]], atol=1e-3)
        points = np.asarray(found.data["keypoints"])
        assert points.shape == (1, 6, 2)
        np.testing.assert_allclose(
            points[0, :3], [[60, 88 / 3], [212 / 3, 88 / 3], [196 / 3, 68 / 3]], atol=1e-3
        )

    def test_overlapping_boxes_are_blended_by_score(self, detect: Detect) -> None:
        boxes, scores = self.outputs()
        row = 20 * 48 + 24
        for offset, score, width in ((0, 0.9, 24), (1, 0.6, 30)):
            boxes[row + offset] = [-2 - 4 * offset, 14, width, 12, *[0] * 12]
            scores[row + offset] = logit(score)
        (found,) = detect("blazeface", [boxes, scores], ["face"], side=192)
        assert len(found) == 1
        np.testing.assert_allclose(scores_of(found), [0.9], atol=1e-5)
        width = found.xyxy[0, 2] - found.xyxy[0, 0]
        assert width == pytest.approx((24 * 0.6 + 30 * 0.4) / 1.5, abs=1e-3)

    @pytest.mark.parametrize(
        ("side", "anchors", "row", "centre"),
        [
            (192, 2016, 2 * (24 * 12 + 5) + 1, (5.5 * 8, 12.5 * 8)),
            (192, 2016, 1152 + 6 * (12 * 6 + 5) + 4, (5.5 * 16, 6.5 * 16)),
            (224, 2254, 1568 + 2 * (14 * 7 + 5), (5.5 * 16, 7.5 * 16)),
            (224, 2254, 1568 + 392 + 6 * (7 * 3 + 5) + 5, (5.5 * 32, 3.5 * 32)),
        ],
        ids=["palms, fine", "palms, coarse", "bodies, middle", "bodies, coarse"],
    )
    def test_anchors_of_palms_and_bodies(
        self, side: int, anchors: int, row: int, centre: tuple[float, float], detect: Detect
    ) -> None:
        boxes, scores = np.zeros((anchors, 12), np.float32), np.full((anchors, 1), -20, np.float32)
        boxes[row, 2:4] = 16
        scores[row] = logit(0.9)
        (found,) = detect("blazeface", [boxes, scores], ["palm"], side=side)
        # The frame is 128 wide, and begins a quarter down the input.
        point = np.asarray(found.data["keypoints"])[0, 0] * side / 128
        assert point == pytest.approx([centre[0], centre[1] - side / 4])

    def test_no_face_keeps_the_shape_of_keypoints(self, detect: Detect) -> None:
        (found,) = detect("blazeface", self.outputs(), ["face"], side=192)
        assert len(found) == 0
        assert np.asarray(found.data["keypoints"]).shape == (0, 6, 2)


class TestCenterface:
    def test_peak(self, detect: Detect) -> None:
        heat, size, offset, marks = (np.zeros((n, 16, 16), np.float32) for n in (1, 2, 2, 10))
        heat[0, 7, 8] = 0.9
        heat[0, 7, 9] = 0.6  # the same face
        for column in (8, 9):
            size[:, 7, column] = [math.log(4), math.log(2)]  # 16 high, 8 wide
        offset[:, 7, 8] = [0.5, -0.5]  # centre (32, 32)
        offset[:, 7, 9] = [0.5, -1.0]  # centre (34, 32)
        marks[:2, 7, 8] = [0.25, 0.5]
        (found,) = detect("centerface", [heat, size, offset, marks], ["face"])
        assert names(found) == ["face"]
        # In the input: 28..36 × 24..40; the frame begins at row 16, at half its size.
        np.testing.assert_allclose(found.xyxy, [[56, 16, 72, 48]], atol=1e-3)
        points = np.asarray(found.data["keypoints"])
        np.testing.assert_allclose(points[0, :2], [[64, 24], [56, 16]], atol=1e-3)


@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_outputs_that_do_not_fit_are_refused(decoder: str, tmp_path: Path, cache: Path) -> None:
    path = constant_model(tmp_path / "m.onnx", [np.zeros((5, 7, 3), np.float32)])
    detector = zoo.load(path, decoder=decoder)
    with pytest.raises(ModelError, match=rf"^decoder {decoder} needs .*; the model gives 1x5x7x3$"):
        detector.warm_up()


@pytest.mark.parametrize(
    ("decoder", "outputs"),
    [
        ("ssd", [np.zeros((4, 3), np.float32), np.zeros((4, 4), np.float32)]),
        ("yolox", [np.zeros((84, 8), np.float32)]),
        ("ultralytics", [np.zeros((7, 84), np.float32)]),
        ("rfdetr", [np.zeros((4, 4), np.float32), np.zeros((4, 3), np.float32)]),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    decoder: str, outputs: list[Array], tmp_path: Path, cache: Path
) -> None:
    path = constant_model(tmp_path / "m.onnx", outputs)
    detector = zoo.load(path, decoder=decoder, labels=["cat", "dog"])
    with pytest.raises(ModelError, match="the model has 3 classes, 2 labels"):
        detector.warm_up()


def test_unknown_decoder_names_the_known() -> None:
    with pytest.raises(ModelError, match=r"no decoder 'yolo'; there are blazeface, .*yolox"):
        decoder_named("yolo")
