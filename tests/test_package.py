"""The package as others meet it: its names, its weight, what is in the wheel."""

import email
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import livelens
from livelens.models.manifest import manifest

ROOT = Path(__file__).parents[1]

PUBLIC = [
    "AgeGender",
    "Attribute",
    "Clothing",
    "Crop",
    "Descriptor",
    "DescriptorSpec",
    "Detect",
    "Emotion",
    "Engine",
    "File",
    "FindLandmarks",
    "Flux",
    "Frame",
    "Glasses",
    "HeadPose",
    "Identity",
    "Item",
    "Landmarks",
    "LivelensError",
    "Mask",
    "Overlay",
    "Pattern",
    "PipelineSpec",
    "Pose",
    "Reading",
    "Record",
    "Reframe",
    "Result",
    "Results",
    "Rtp",
    "Simulate",
    "SinkSpec",
    "SourceSpec",
    "StageSpec",
    "Track",
    "Url",
    "Vehicle",
    "Viewport",
    "Viewports",
    "Whep",
    "__version__",
    "run",
]

# Weight or windows that no default install may bring.
UNWANTED = {
    "gradio", "jax", "jaxlib", "opencv-contrib-python", "opencv-python", "paddlepaddle", "pyqt5",
    "pyqt6", "pyside2", "pyside6", "streamlit", "tensorflow", "torch", "torchvision",
}  # fmt: skip


def test_the_public_names_are_these_and_all_can_be_imported() -> None:
    assert sorted(livelens.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(livelens, name) is not None


@pytest.mark.parametrize("heavy", ["openvino", "onnxruntime", "av", "aiortc", "cv2", "supervision"])
def test_importing_it_loads_nothing_heavy(heavy: str) -> None:
    code = f"import livelens, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_default_install_brings_no_torch_and_no_windows() -> None:
    brought = _dependencies("livelens")
    assert "aiortc" in brought, "the walk is broken"
    assert not brought & UNWANTED


def test_the_version_is_written_once() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert livelens.__version__ == version
    copies = [
        path.relative_to(ROOT)
        for path in (ROOT / "src").rglob("*.py")
        if f'"{version}"' in path.read_text("utf-8")
    ]
    assert copies == []
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("livelens-*.whl")
    return made


@pytest.mark.e2e
def test_the_wheel_holds_the_page_the_manifest_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        notes = next(name for name in names if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(notes))
        page = archive.read("livelens/web/index.html").decode()
    assert "livelens/models/cards/objects.toml" in names
    assert "livelens/py.typed" in names
    templates = "livelens/authoring/templates/{0}/{1}"
    for kind in ("descriptor", "detector", "stage"):
        for file in ("pyproject.toml", "config.yaml", f"src/blank_{kind}/py.typed"):
            assert templates.format(kind, file) in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    scripts = [name for name in names if name.startswith("livelens/web/") and name.endswith(".js")]
    assert scripts
    assert {"livelens/web/client/livelens.js", "livelens/web/client/livelens.d.ts"} <= set(names)
    assert "<script" in page
    assert told["Version"] == livelens.__version__
    assert told["License-Expression"] == "Apache-2.0"
    strays = [name for name in names if "node_modules" in name or name.startswith("tests")]
    assert strays == []


@pytest.mark.e2e
def test_the_page_fetches_nothing_from_elsewhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = [n for n in archive.namelist() if n.startswith("livelens/web/")]
        pages = [n for n in inside if n.endswith((".html", ".css"))]
        assert pages
        for name in pages:
            text = archive.read(name).decode()
            assert "//" not in text.replace("http://www.w3.org", ""), name


def _dependencies(root: str) -> set[str]:
    """Names of everything that installing `root` without extras brings."""
    found: set[str] = set()
    left = [(root, frozenset[str]())]
    seen = set()
    while left:
        name, extras = left.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for text in metadata.requires(name) or []:
            wanted = Requirement(text)
            if wanted.marker is None or any(
                wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}
            ):
                key = canonicalize_name(wanted.name)
                found.add(key)
                left.append((key, frozenset(wanted.extras)))
    return found


def test_every_direct_dependency_and_every_model_has_its_licence_written_down() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    wanted = [Requirement(line) for line in metadata.requires("livelens") or []]
    names = [str(canonicalize_name(each.name)) for each in wanted]
    names += [model.name for model in manifest().models] + [clip.name for clip in manifest().clips]
    assert [name for name in names if name not in text] == []
