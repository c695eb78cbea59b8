"""The documentation says what the code does."""

import ast
import re
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
import supervision as sv

from livelens import Crop, Item, plugins
from livelens.descriptor import DescriptorSpec
from livelens.models.manifest import manifest
from livelens.server.config import ServerConfig, read_config
from livelens.server.routes import ENDPOINTS, SOCKETS
from livelens.spec import SinkSpec, StageSpec
from livelens.types import Frame

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
METRIC = re.compile(r'"(livelens_\w+)"')
QUESTION = re.compile(r'Question\("([^"]+)"')
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Every stage, descriptor or sink has these; the page about plug-ins explains them.
COMMON = {"name", "workers", "batch", "timeout_s", "lane", "overlay", "viewport"}
COMMON |= {"classes", "refresh_s", "window_s", "min_size_px", "max_objects"}
TOP = {field.name for field in msgspec.structs.fields(ServerConfig)}


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}:{match.start()}", match[2])
        for page in PAGES
        for match in FENCE.finditer(page.read_text("utf-8"))
        if match[1] == language
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        target
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target
        and not target.startswith("#")
        and not (page.parent / target.partition("#")[0]).exists()
    ]
    assert dead == []


@pytest.mark.parametrize(("where", "text"), blocks("yaml"))
def test_configurations_can_be_read(where: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    data = plugins.read_yaml(file)
    assert isinstance(data, dict), where
    if set(data) <= TOP:
        read_config(data)
    else:  # a part of a stream
        plugins.pipeline({"source": "pattern://", **data})


@pytest.mark.parametrize(("where", "text"), blocks("python"))
def test_python_parses_and_imports_what_exists(where: str, text: str) -> None:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("livelens"):
            exec(compile(ast.Module([node], []), where, "exec"), {})
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "livelens"
        ):
            import livelens

            assert hasattr(livelens, node.attr), f"{where}: livelens.{node.attr}"


def shown(name: str) -> ModuleType:
    """The module that docs/plugins.md shows and that defines this class."""
    (text,) = [
        text
        for where, text in blocks("python")
        if where.startswith("docs/plugins.md") and f"class {name}(" in text
    ]
    module = ModuleType("shown")
    exec(text, vars(module))
    return module


def test_the_stage_of_the_documentation_works() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    box = np.array([[8, 8, 40, 40]], np.float32)
    item = Item(Frame.of(pixels), detections=sv.Detections(xyxy=box))
    stage = shown("BlurFaces").BlurFaces(strength_px=15).open()
    (blurred,) = stage.process([item])
    assert blurred.frame.image[8:40, 8:40].std() < pixels[8:40, 8:40].std() / 2
    assert np.array_equal(blurred.frame.image[40:], pixels[40:])
    assert np.array_equal(item.frame.image, pixels)


def test_the_descriptor_of_the_documentation_works() -> None:
    def person(*rgb: int) -> Crop:
        pixels = np.full((120, 60, 3), rgb[::-1], np.uint8)
        return Crop(Frame.of(pixels), (5.0, 5.0, 55.0, 115.0), "person")

    describer = shown("TopColour").TopColour(least=0.1).open()
    told = describer.describe([person(200, 60, 40), person(20, 60, 200), person(90, 90, 92)])
    describer.close()
    assert [each["top_colour"].value for each in told] == ["warm", "cold", "neither"]
    assert all(0 <= each["top_colour"].score <= 1 for each in told)


def test_the_table_of_models_says_what_their_cards_say() -> None:
    text = (ROOT / "docs/models.md").read_text("utf-8")
    rows = [f"| `{card.name}` | {card.description} | " for card in manifest().models]
    assert [row for row in rows if row not in text] == []
    wrong = [
        card.name
        for card in manifest().models
        if f" | {card.licence} |" not in text.partition(f"| `{card.name}` |")[2].partition("\n")[0]
    ]
    assert wrong == []


def test_every_attribute_is_listed_with_the_results() -> None:
    text = (ROOT / "docs/results.md").read_text("utf-8")
    specs = [entry.load() for entry in plugins.installed("descriptors").values()]
    built_in = [spec for spec in specs if spec.__module__.startswith("livelens.")]
    assert built_in
    named = [name for spec in built_in for name in spec.measures]
    assert [name for name in named if f"`{name}`" not in text] == []


@pytest.mark.parametrize("group", ["sources", "stages", "descriptors", "sinks"])
def test_every_setting_is_documented(group: str) -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES if page.parent.name == "docs")
    missing = [
        f"{name}.{field.name}"
        for name, entry in plugins.installed(group).items()
        for field in msgspec.structs.fields(entry.load())
        if field.name not in COMMON and f"`{field.name}`" not in text
    ]
    assert missing == []
    assert all(f"`{name}`" in text for name in plugins.installed(group))


def test_what_every_plug_in_has_is_explained_where_authors_look() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    bases = (StageSpec, DescriptorSpec, SinkSpec)
    fields = {field.name for base in bases for field in msgspec.structs.fields(base)}
    assert fields == COMMON
    assert [name for name in sorted(COMMON) if f"`{name}`" not in text] == []


def test_every_question_of_the_test_of_plug_ins_is_explained() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    sources = (ROOT / "src" / "livelens" / "authoring").glob("*.py")
    names = {name for file in sources for name in QUESTION.findall(file.read_text("utf-8"))}
    assert len(names) > 12
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_setting_of_the_server_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    text += (ROOT / "docs" / "webrtc.md").read_text("utf-8")
    missing = [
        f"{section.name}.{field.name}"
        for section in msgspec.structs.fields(ServerConfig)
        if isinstance(section.type, type) and issubclass(section.type, msgspec.Struct)
        for field in msgspec.structs.fields(section.type)
        if f"`{field.name}`" not in text and f"`{section.name}.{field.name}`" not in text
    ]
    assert missing == []


def test_every_route_is_documented() -> None:
    text = (ROOT / "docs" / "http-api.md").read_text("utf-8")
    shown = [(each.method, each.path) for each in ENDPOINTS if not each.hidden]
    wanted = [f"`{method} {path}" for method, path in shown if method != "OPTIONS"]
    wanted += [f"`GET {path}" for path in (each.path for each in SOCKETS)]
    assert [route for route in wanted if route not in text] == []


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "http-api.md").read_text("utf-8")
    sources = (ROOT / "src" / "livelens").rglob("metrics.py")
    names = {name for file in sources for name in METRIC.findall(file.read_text("utf-8"))}
    assert len(names) > 10
    assert [name for name in sorted(names) if name not in text] == []
