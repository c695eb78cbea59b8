"""Plots that show what is said of them."""

from pathlib import Path
from xml.etree import ElementTree

from livelens.bench.framing.cameras import camera, follow
from livelens.bench.framing.plots import plot
from tests.bench.framing.test_cameras import TALL, WALK


def test_a_plot_shows_every_method(tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    paths = {
        "ema": follow(camera("ema"), WALK, TALL).path,
        "operator": follow(camera("operator"), WALK, TALL).path,
    }
    plot(file, "made & walker", WALK, paths)
    root = ElementTree.parse(file).getroot()
    texts = {"".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("}text")}
    assert {"made & walker", "ema", "operator", "subject, and its box", "s"} <= texts
    assert file.stat().st_size < 200_000
    before = file.read_bytes()
    plot(file, "made & walker", WALK, paths)
    assert file.read_bytes() == before
