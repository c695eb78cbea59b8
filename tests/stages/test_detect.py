from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import supervision as sv

from livelens import plugins
from livelens.errors import ConfigError, DownloadError
from livelens.models import zoo
from livelens.models.decoders.boxes import Thresholds
from livelens.picture import ArrayPicture, Pixels
from livelens.stages.detect import Detect, DetectStage
from livelens.types import Frame, Item, no_detections

CLIP = Path(__file__).parents[3] / "shared" / "data" / "tracking" / "TUD-Stadtmitte"


class Planned:
    """A detector that finds what it is told, and keeps what it was given."""

    labels = ("person", "", "car")

    def __init__(self, *found: sv.Detections) -> None:
        self.found = list(found)
        self.given: list[tuple[tuple[int, ...], tuple[int, int]]] = []
        self.warm = self.closed = False
        self.thresholds = Thresholds()

    def resized_px(self, frame_px: tuple[int, int]) -> tuple[int, int]:
        return 64, 64 * frame_px[1] // frame_px[0]

    def detect(
        self, resized: Sequence[Pixels], frame_sizes_px: Sequence[tuple[int, int]]
    ) -> list[sv.Detections]:
        self.given += [
            (image.shape, size) for image, size in zip(resized, frame_sizes_px, strict=True)
        ]
        return self.found[: len(resized)]

    def warm_up(self) -> None:
        self.warm = True

    def close(self) -> None:
        self.closed = True


def found(*class_ids: int, first_score: float = 0.9) -> sv.Detections:
    count = len(class_ids)
    return sv.Detections(
        xyxy=np.array([[10 * i, 0, 10 * i + 5, 5] for i in range(count)], dtype=np.float32),
        confidence=np.array([first_score - 0.1 * i for i in range(count)], dtype=np.float32),
        class_id=np.array(class_ids),
        data={"class_name": np.array([Planned.labels[i] for i in class_ids])},
    )


def frame(width: int = 320, height: int = 240) -> Frame:
    return Frame.of(np.zeros((height, width, 3), np.uint8))


def opened(monkeypatch: pytest.MonkeyPatch, detector: Planned, **settings: object) -> DetectStage:
    asked: dict[str, Any] = {}

    def load(model: str, **options: object) -> Planned:
        asked.update(options, model=model)
        return detector

    monkeypatch.setattr(zoo, "load", load)
    stage = plugins.stage({"type": "detect", **settings}).open()
    assert isinstance(stage, DetectStage)
    stage.asked = asked  # type: ignore[attr-defined]
    return stage


def test_pictures_are_made_small_before_they_are_converted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Planes(ArrayPicture):
        def bgr(self) -> Pixels:
            raise AssertionError("the whole picture was converted")

    detector = Planned(found(0), found(2))
    stage = opened(monkeypatch, detector)
    wide = Frame("a", 0, 0, 0, Planes(np.zeros((240, 320, 3), np.uint8)))
    done = stage.process([Item(wide), Item(frame(200, 400))])
    assert detector.given == [((48, 64, 3), (320, 240)), ((128, 64, 3), (200, 400))]
    names = [list(item.detections.data["class_name"]) for item in done if item.detections]
    assert names == [["person"], ["car"]]


def test_it_is_warm_when_open_and_closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Planned()
    stage = opened(monkeypatch, detector)
    assert detector.warm
    stage.close()
    assert detector.closed


def test_all_options_reach_the_zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "confidence": 0.3,
        "iou": 0.4,
        "threads": 2,
        "runtime": "onnxruntime",
        "device": "cuda:1",
        "precision": "f32",
        "decoder": "yolox",
        "labels": ("a", "b"),
    }
    stage = opened(monkeypatch, Planned(), model="own.onnx", **options)
    assert stage.asked == {**options, "model": "own.onnx"}  # type: ignore[attr-defined]


def test_only_the_chosen_classes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Planned(found(0, 2, 0))
    stage = opened(monkeypatch, detector, classes=["person"])
    assert detector.thresholds.classes == (0,)  # the others do not even compete
    (done,) = stage.process([Item(frame())])
    assert done.detections is not None
    assert list(done.detections.data["class_name"]) == ["person", "person"]


def test_an_unknown_class_tells_which_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Planned()
    with pytest.raises(ConfigError, match=r"has no class 'cra'; it has: person, car$"):
        opened(monkeypatch, detector, classes=["person", "cra"])
    assert detector.closed


def test_the_most_confident_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = opened(monkeypatch, Planned(found(0, 2, 0, 0)), max_objects=2)
    (done,) = stage.process([Item(frame())])
    assert done.detections is not None
    assert done.detections.confidence is not None
    assert done.detections.confidence.tolist() == pytest.approx([0.9, 0.8])


def test_two_detectors_add_to_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(monkeypatch, Planned(found(0, 0)), name="people")
    second = opened(monkeypatch, Planned(found(2)), name="cars")
    items = second.process(first.process([Item(frame())]))
    both = items[0].detections
    assert both is not None
    assert list(both.data["class_name"]) == ["person", "person", "car"]
    assert list(both.data["detector"]) == ["people", "people", "cars"]


def test_nothing_found_is_not_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = opened(monkeypatch, Planned(no_detections()))
    (done,) = stage.process([Item(frame())])
    assert done.detections is not None
    assert len(done.detections) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", 1.2),
        ("iou", -0.1),
        ("threads", -1),
        ("threads", 1025),
        ("max_objects", 0),
        ("model", ""),
        ("runtime", "abacus"),
        ("classes", "person"),
    ],
)
def test_impossible_settings_name_their_path(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf" - at \$.stages\[0\].{field}"):
        plugins.stage({"type": "detect", field: value}, "$.stages[0]")


@pytest.mark.skipif(not CLIP.is_dir(), reason="needs the tracking data set")
def test_people_in_the_street_are_found() -> None:
    try:
        stage = Detect(model="coco-ssd", classes=("person",), confidence=0.4, threads=1).open()
    except DownloadError as error:
        pytest.skip(str(error))
    image = cv2.imread(str(CLIP / "img1" / "000001.jpg"))
    assert image is not None
    (done,) = stage.process([Item(Frame.of(np.asarray(image, dtype=np.uint8)))])
    stage.close()
    people = done.detections
    assert people is not None
    rows = [line.split(",") for line in (CLIP / "gt" / "gt.txt").read_text().splitlines()]
    truth = np.array([[float(value) for value in row[2:6]] for row in rows if row[0] == "1"])
    truth[:, 2:] += truth[:, :2]
    overlaps = sv.box_iou_batch(truth, people.xyxy)
    assert (overlaps.max(axis=0) > 0.5).sum() >= 3


def item(stream: str, seq: int) -> Item:
    image = np.zeros((240, 320, 3), np.uint8)
    return Item(Frame.of(image, stream_id=stream, seq=seq, pts_ns=seq * 40_000_000))


def test_it_looks_at_every_third_frame_of_each_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Planned(found(0), found(0))
    stage = opened(monkeypatch, detector, every=3, name="eye")
    looked = []
    for seq in range(7):
        done = stage.process([item("a", seq), item("b", seq + 1)])
        for name, each in zip("ab", done, strict=True):
            assert each.detections is not None
            assert len(each.detections) == (0 if each.undetected else 1)
            assert each.undetected in (frozenset(), frozenset({"eye"}))
            if not each.undetected:
                looked.append((name, seq))
    assert looked == [(name, seq) for seq in (0, 3, 6) for name in "ab"]
    assert len(detector.given) == 6  # the others never reached the model


def test_drops_do_not_delay_the_next_look_and_a_new_beginning_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = opened(monkeypatch, Planned(found(0)), every=4)
    looked = [
        seq for seq in (0, 2, 7, 8, 11, 0, 1) if not stage.process([item("a", seq)])[0].undetected
    ]
    assert looked == [0, 7, 11, 0]


def test_what_others_found_stays_on_a_frame_it_does_not_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = opened(monkeypatch, Planned(found(0)), every=2)
    stage.process([item("a", 0)])
    given = item("a", 1).with_(detections=found(2, 2), undetected=frozenset({"other"}))
    (done,) = stage.process([given])
    assert done.undetected == {"other", "coco-ssd"}
    assert done.detections is given.detections


def test_as_often_as_there_is_time_lets_frames_pass_over() -> None:
    auto = plugins.stage({"type": "detect", "every": "auto", "name": "eye"})
    assert auto.passes_over
    assert not plugins.stage("detect").passes_over
    passed = auto.passed_over(item("a", 0))
    assert passed.undetected == {"eye"}
    assert passed.detections is not None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"every": 0}, r"at \$.every"),
        ({"every": "often"}, r"at \$.every"),
        ({"every": 2, "workers": 2}, r"workers must be 1"),
    ],
)
def test_impossible_cadences_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plugins.stage({"type": "detect", **settings})


def test_what_is_half_a_car_and_half_a_truck_is_found_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twice = sv.Detections(
        xyxy=np.array([[10, 10, 90, 60], [11, 9, 91, 60], [12, 10, 91, 61]], np.float32),
        confidence=np.array([0.4, 0.6, 0.5], np.float32),
        class_id=np.array([0, 1, 2]),
        data={"class_name": np.array(["car", "truck", "person"])},
    )
    (done,) = opened(monkeypatch, Planned(twice)).process([Item(frame())])
    assert done.detections is not None
    assert list(done.detections.data["class_name"]) == ["truck", "person"]
