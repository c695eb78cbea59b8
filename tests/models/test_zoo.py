"""The zoo: names, status, own models, faults."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from livelens.errors import Conflict, DownloadError, ModelError, NotFound
from livelens.models import zoo
from livelens.models.decoders import DECODERS
from livelens.models.fetch import package_folder
from livelens.models.manifest import manifest
from tests.models.graphs import constant_model

HEAD = np.zeros((6, 84), np.float32)
HEAD[:, 3] = [32, 32, 16, 8, 0.1, 0.9]


def model_file(folder: Path) -> Path:
    return constant_model(folder / "own.onnx", [HEAD])


# The one model that Livelens trained itself.
COMES_ALONG = "glasses"


def test_the_manifest_is_sound() -> None:
    names = [card.name for card in manifest().models] + [card.name for card in manifest().clips]
    assert len(set(names)) == len(names)
    assert {"coco-ssd", "nanodet", "person-ssdlite", "face-blaze", "face-centerface", "bikes"} <= {
        *names
    }
    for card in manifest().models:
        assert card.decoder in DECODERS if card.task == "detect" else not card.decoder
        assert card.licence
        # A network of our own has no package, it comes along.
        assert card.package is not None or Path(card.file).is_file()
    packages = [card.package for card in manifest().models if card.package is not None]
    for package in [*packages, *(card.package for card in manifest().clips)]:
        assert package.version in package.archive
        assert all(len(file.sha256) == 64 for file in package.files)
        assert len({file.name for file in package.files}) == len(package.files)
    assert len([name for name in manifest().labels["coco90"] if name]) == 80
    assert manifest().labels["coco91"][1] == "person"


def test_an_empty_cache_has_no_models(cache: Path) -> None:
    fetched = [model for model in zoo.list_models() if model.card.package is not None]
    assert not any(model.cached for model in fetched)
    assert not any(clip.cached for clip in zoo.list_clips())
    assert zoo.cached_names() == [COMES_ALONG]
    assert "nanodet" not in zoo.default_names()
    assert {"coco-ssd", "bikes"} <= set(zoo.default_names())


def test_an_unknown_name_lists_the_known(cache: Path) -> None:
    for act in (zoo.pull, zoo.verify, zoo.load, zoo.model_card):
        with pytest.raises(NotFound, match=r"no model 'cocossd'; there are .*coco-ssd, "):
            act("cocossd")
    with pytest.raises(NotFound, match="no clip 'coco-ssd'; there are bikes"):
        zoo.clip("coco-ssd")


def test_verify_names_the_file_and_the_remedy(cache: Path) -> None:
    card = zoo.model_card("face-blaze")
    assert card.package is not None
    folder = package_folder(card.name, card.package)
    folder.mkdir(parents=True)
    (folder / card.package.files[0].name).write_bytes(b"short")
    with pytest.raises(DownloadError, match=r"sparse\.tflite: 5 bytes.*models pull face-blaze"):
        zoo.verify("face-blaze")


def test_an_own_model_by_name(cache: Path, tmp_path: Path) -> None:
    path = model_file(tmp_path)
    card = zoo.add(path, "mine", "ultralytics", ["cat", "dog"], licence="MIT")
    assert (card.input.width_px, card.input.height_px) == (64, 64)
    assert "mine" in zoo.cached_names()
    zoo.verify("mine")
    detector = zoo.load("mine")
    assert detector.labels == ("cat", "dog")
    (found,) = detector([np.zeros((64, 64, 3), np.uint8)])
    assert found.data["class_name"].tolist() == ["dog"]  # type: ignore[union-attr]
    detector.close()
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"own\.onnx has changed"):
        zoo.verify("mine")
    path.unlink()
    with pytest.raises(ModelError, match=r"own\.onnx is missing"):
        zoo.load("mine")


def test_names_that_are_taken(cache: Path, tmp_path: Path) -> None:
    path = model_file(tmp_path)
    with pytest.raises(Conflict, match="'coco-ssd' is one of the zoo's own"):
        zoo.add(path, "coco-ssd", "ultralytics", ["cat", "dog"])
    zoo.add(path, "mine", "ultralytics", ["cat", "dog"])
    with pytest.raises(Conflict, match="'mine' is there already"):
        zoo.add(path, "mine", "ultralytics", ["cat", "dog"])
    zoo.add(path, "mine", "ultralytics", ["cow", "dog"], replace=True)
    assert zoo.model_card("mine").labels == ("cow", "dog")
    zoo.add(path, "other", "ultralytics", ["cow", "dog"])
    assert zoo.model_card("mine").labels == ("cow", "dog")


@pytest.mark.parametrize("name", ["", "Own", "a b", "../x", "own.onnx"])
def test_names_that_cannot_be(name: str, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot name a model"):
        zoo.add(model_file(tmp_path), name, "ultralytics", ["cat", "dog"])


def test_an_own_model_that_does_not_fit_is_not_added(cache: Path, tmp_path: Path) -> None:
    path = model_file(tmp_path)
    with pytest.raises(ModelError, match="decoder ssd needs"):
        zoo.add(path, "mine", "ssd")
    with pytest.raises(ModelError, match="the model has 2 classes, 80 labels"):
        zoo.add(path, "mine", "ultralytics")
    with pytest.raises(ModelError, match="no decoder 'x'"):
        zoo.add(path, "mine", "x")
    with pytest.raises(NotFound, match="no label set or file 'pets'"):
        zoo.add(path, "mine", "ultralytics", "pets")
    flat = constant_model(tmp_path / "flat.onnx", [HEAD], input_shape=("N", 1, 64, 64))
    with pytest.raises(ModelError, match=r"flat\.onnx: the input must be Nx3xHxW"):
        zoo.add(flat, "mine", "ultralytics", ["cat", "dog"])
    assert zoo.cached_names() == [COMES_ALONG]


def test_labels_from_a_file_and_an_open_size(cache: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    path = constant_model(tmp_path / "open.onnx", [HEAD], input_shape=("N", 3, "H", "W"))
    card = zoo.add(path, "mine", "ultralytics", str(labels), size_px=(96, 32))
    assert card.labels == ("cat", "dog")
    detector = zoo.load("mine")
    assert detector.input_size_px == (96, 32)
    assert detector.letterbox
    detector.close()


def test_a_file_wants_a_decoder(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name the decoder"):
        zoo.load(model_file(tmp_path))
    with pytest.raises(ModelError, match="no model file"):
        zoo.load("nowhere.onnx", decoder="ssd")


def test_a_damaged_list_of_own_models_is_one_line(cache: Path) -> None:
    cache.mkdir()
    (cache / "user-models.json").write_text("[{]")
    with pytest.raises(ModelError, match=r"user-models\.json cannot be read"):
        zoo.list_models()


class Entry:
    """An entry point that gives what the test says."""

    name = "entry"

    def __init__(self, target: object) -> None:
        self.target = target

    def load(self) -> object:
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


def test_models_of_plug_ins(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = zoo.add(model_file(tmp_path), "mine", "ultralytics", ["cat", "dog"])
    theirs = msgspec.structs.replace(card, name="theirs")
    entries = [
        Entry(RuntimeError("no luck")),
        Entry("not a card"),
        Entry(theirs),
        Entry(msgspec.structs.replace(card, name="coco-ssd")),
    ]
    monkeypatch.setattr("livelens.models.added.entry_points", lambda group: entries)
    names = [model.card.name for model in zoo.list_models()]
    assert names[-2:] == ["theirs", "mine"]
    assert zoo.model_card("coco-ssd").package is not None, "the manifest keeps its names"
    detector = zoo.load("theirs")
    detector.warm_up()
    detector.close()
    with pytest.raises(Conflict, match="'theirs' is one of the zoo's own"):
        zoo.add(tmp_path / "own.onnx", "theirs", "ultralytics", ["cat", "dog"])
