import numpy as np
import pytest
import supervision as sv

from livelens import plugins
from livelens.errors import ConfigError
from livelens.picture import ArrayPicture, Pixels
from livelens.stages.overlay import PALETTE, Overlay
from livelens.types import Attribute, Frame, Item, Landmarks, no_detections

GREY = np.full((240, 320, 3), 90, np.uint8)
BOX = (100, 80, 200, 180)


def item(*, ids: list[int] | None = None, class_id: int = 0, box: tuple[int, ...] = BOX) -> Item:
    found = sv.Detections(
        xyxy=np.array([box], dtype=np.float32),
        confidence=np.array([0.87], dtype=np.float32),
        class_id=np.array([class_id]),
        tracker_id=None if ids is None else np.array(ids),
        data={"class_name": np.array(["person"])},
    )
    return Item(Frame.of(GREY), detections=found)


def drawn(given: Item, **settings: object) -> Pixels:
    spec = plugins.stage({"type": "overlay", **settings})
    assert isinstance(spec, Overlay)
    (done,) = spec.open().process([given])
    return done.frame.image


def changed(image: Pixels) -> np.ndarray:
    return np.asarray((image != GREY).any(axis=2))


def test_a_box_is_drawn_along_its_edges_only() -> None:
    where = changed(drawn(item(), labels=False))
    assert where[80, 100:200].all()
    assert where[80:180, 100].all()
    assert not where[95:165, 115:185].any()
    assert not where[:70].any()


def test_a_label_is_written_above_the_box() -> None:
    where = changed(drawn(item()))
    assert where[60:78, 100:140].any()
    more = changed(drawn(item(ids=[3]), confidence=True))
    assert more.sum() > where.sum()


def test_a_label_at_the_upper_edge_can_be_read() -> None:
    where = changed(drawn(item(box=(100, 0, 200, 100)), boxes=False))
    assert where.sum() > 100


def test_the_frame_itself_stays_as_it_was() -> None:
    given = item()
    drawn(given)
    assert (given.frame.image == 90).all()


@pytest.mark.parametrize(
    "given",
    [Item(Frame.of(GREY)), Item(Frame.of(GREY), detections=no_detections())],
    ids=["no detector", "nothing found"],
)
def test_nothing_to_draw_converts_nothing(given: Item) -> None:
    class Unread(ArrayPicture):
        def bgr(self) -> Pixels:
            raise AssertionError("the picture was converted")

    frame = Frame("street", 0, 0, 0, Unread(GREY))
    unread = given.with_(frame=frame)
    (done,) = Overlay().open().process([unread])
    assert done.frame.picture is frame.picture
    off = Overlay(boxes=False, labels=False).open()
    (done,) = off.process([item().with_(frame=frame)])
    assert done.frame.picture is frame.picture


def color_of(image: Pixels) -> tuple[int, ...]:
    """RGB on the lower edge of the box."""
    return tuple(int(value) for value in image[180, 150][::-1])


def test_a_track_keeps_its_colour_and_a_class_its_own() -> None:
    by_track = [color_of(drawn(item(ids=[n]), labels=False)) for n in (1, 2, 1)]
    assert by_track[0] == by_track[2] != by_track[1]
    by_class = [
        color_of(drawn(item(ids=[n], class_id=4), labels=False, color="class")) for n in (1, 2)
    ]
    assert by_class[0] == by_class[1] == PALETTE.by_idx(4).as_rgb()


def test_what_has_no_track_yet_is_drawn_as_its_class() -> None:
    image = drawn(item(ids=[-1], class_id=4), labels=False, trace=10)
    assert color_of(image) == PALETTE.by_idx(4).as_rgb()


def test_a_trace_follows_the_track() -> None:
    stage = Overlay(boxes=False, labels=False, trace=10).open()
    for n in range(6):
        box = (20 + 40 * n, 80, 60 + 40 * n, 180)
        (done,) = stage.process([item(ids=[1], box=box)])
    where = changed(done.frame.image)
    assert where[180, 45:230].all()  # the way of the middle of the lower edge
    assert not where[100:170].any()


def test_lines_grow_with_the_picture() -> None:
    large = np.full((1440, 1920, 3), 90, np.uint8)
    scaled = item(box=(600, 480, 1200, 1080)).with_(frame=Frame.of(large))
    (done,) = Overlay(labels=False).open().process([scaled])
    thick = (done.frame.image[460:500, 900] != 90).any(axis=1).sum()
    thin = changed(drawn(item(), labels=False))[70:90, 150].sum()
    assert thick > thin >= 1


def test_impossible_settings_name_their_path() -> None:
    with pytest.raises(ConfigError, match=r" - at \$.trace"):
        plugins.stage({"type": "overlay", "trace": -1})
    with pytest.raises(ConfigError, match=r" - at \$.color"):
        plugins.stage({"type": "overlay", "color": "mood"})


def test_attributes_are_written_under_the_label() -> None:
    given = item(ids=[3]).with_(
        attributes={3: {"gender": Attribute("female", 0.9, 0), "age": Attribute(34.2, 0.9, 0)}}
    )
    without = changed(drawn(given, attributes=False))
    assert np.array_equal(without, changed(drawn(item(ids=[3]))))
    assert changed(drawn(given))[:80].sum() > 1.5 * without[:80].sum()
    other = given.with_(attributes={4: given.attributes[3]})
    assert np.array_equal(changed(drawn(other)), without)


def test_a_long_label_at_the_upper_edge_stays_inside() -> None:
    many = {name: Attribute("word", 0.9, 0) for name in ("shoes", "hat", "bag", "coat", "belt")}
    low = item(ids=[3], box=(100, 150, 200, 230)).with_(attributes={3: many})
    high = item(ids=[3], box=(100, 0, 200, 80)).with_(attributes={3: many})
    whole = changed(drawn(low, boxes=False)).sum()
    assert changed(drawn(high, boxes=False)).sum() == pytest.approx(whole, rel=0.02)


def test_of_a_predicted_box_only_the_corners_are_drawn() -> None:
    given = item(ids=[1])
    assert given.detections is not None
    given.detections.data["predicted"] = np.array([True])
    where = changed(drawn(given, labels=False))
    assert where[80, 100:105].all()
    assert not where[80, 140:160].any()
    given.detections.data["predicted"] = np.array([False])
    assert changed(drawn(given, labels=False))[80, 140:160].all()


def hand(x: float, person: int = 0) -> Landmarks:
    points = np.zeros((21, 3), np.float32)
    points[:, 0] = x
    points[:, 1] = np.linspace(60, 160, 21)
    return Landmarks("left_hand", points, 0.9, person)


def test_landmarks_are_drawn_on_pictures_without_objects() -> None:
    given = Item(Frame.of(GREY), landmarks=(hand(100), hand(220, person=1)))
    where = changed(drawn(given))
    assert where[60:160, 97:104].any(axis=1).all()
    assert where[60:160, 217:224].any(axis=1).all()
    assert not where[:, 110:210].any()
    one, other = (drawn(given)[108, x - 1].tolist() for x in (100, 220))
    assert one != other
    assert drawn(given, landmarks=False) is given.frame.image


def test_what_is_hidden_of_a_body_is_not_drawn() -> None:
    points = np.full((33, 3), 150, np.float32)
    points[[11, 13, 15]] = [[50, 50, 0], [50, 120, 0], [50, 190, 0]]
    visibility = np.zeros(33, np.float32)
    visibility[[11, 13]] = 0.9
    body = Landmarks("body", points, 0.9, visibility=visibility)
    where = changed(drawn(Item(Frame.of(GREY), landmarks=(body,))))
    assert where[60:110, 50].all()
    assert not where[130:].any()


def test_points_far_outside_or_not_finite_do_no_harm() -> None:
    far = Landmarks("face", np.full((478, 3), 1e9, np.float32), 0.9)
    lost = Landmarks("right_hand", np.full((21, 3), np.nan, np.float32), 0.9)
    assert not changed(drawn(Item(Frame.of(GREY), landmarks=(far, lost)))).any()


def test_the_background_goes_where_nobody_is() -> None:
    mask = np.zeros((24, 32), np.uint8)
    mask[:, :16] = 255
    image = drawn(Item(Frame.of(GREY), mask=mask), background="#00ff00")
    assert (image[:, :140] == 90).all()
    assert (image[:, 180:] == (0, 255, 0)).all()
    given = Item(Frame.of(GREY), mask=mask)
    assert drawn(given) is given.frame.image


def test_a_background_that_is_none() -> None:
    with pytest.raises(ConfigError, match="background must be none, blur or #rrggbb"):
        plugins.stage({"type": "overlay", "background": "green"})
