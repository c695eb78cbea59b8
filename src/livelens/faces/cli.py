"""``livelens faces``: enroll, list, remove."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from livelens.models.fetch import Progress

app = typer.Typer(no_args_is_help=True)

GalleryOption = Annotated[
    Path | None,
    typer.Option("--gallery", help="The gallery file; by default in your data folder."),
]


@app.command()
def enroll(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    pictures: Annotated[
        list[Path], typer.Argument(help="Photographs with one face each, or folders of them.")
    ],
    gallery: GalleryOption = None,
) -> None:
    """Learn a face from photographs. Only with the consent of whose face it is."""
    from livelens.errors import PictureError
    from livelens.faces import gallery as store
    from livelens.faces import picture
    from livelens.faces.embedding import KIND, likeness
    from livelens.faces.enroll import Enroller

    name = store.checked_name(name)
    path = gallery or store.default_path()
    # Before any model is loaded: a gallery that cannot be used is told at once.
    known = store.read(path, KIND).people.get(name)
    files = _files(pictures)
    enroller = Enroller(progress=_told())
    embeddings = []
    for file in files:
        try:
            embedding = enroller.embedding(picture.load(file), str(file))
        except PictureError as error:
            typer.echo(f"livelens: {error}", err=True)
            continue
        if known is not None and (alike := likeness(float(known.mean @ embedding))) < 0.5:
            typer.echo(
                f"livelens: {file} is little like the other pictures of {name} "
                f"({alike:.2f} of 1): is it the same person?",
                err=True,
            )
        embeddings.append(embedding)
    enroller.close()
    if not embeddings:
        raise PictureError(f"none of {len(files)} pictures could be used: nobody was enrolled")
    person = store.add(path, name, embeddings, KIND)
    left_out = f", {len(files) - len(embeddings)} left out" if len(embeddings) < len(files) else ""
    typer.echo(
        f"{name}: {_pictures(len(embeddings))} enrolled{left_out}; "
        f"{_pictures(len(person.embeddings))} in {path}"
    )


@app.command("list")
def list_(gallery: GalleryOption = None) -> None:
    """Show who is enrolled, with how many pictures, since when."""
    from rich.console import Console
    from rich.table import Table

    from livelens.faces import gallery as store

    path = gallery or store.default_path()
    people = store.read(path).people
    if not people:
        typer.echo(f"nobody is enrolled in {path}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "pictures", "enrolled", "changed"):
        table.add_column(column, justify="right" if column == "pictures" else "left")
    for person in people.values():
        table.add_row(person.name, str(len(person.embeddings)), person.enrolled, person.changed)
    Console().print(table)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Whom to forget.")],
    gallery: GalleryOption = None,
) -> None:
    """Delete everything that the gallery holds of a person."""
    from livelens.faces import gallery as store

    path = gallery or store.default_path()
    store.remove(path, name)
    typer.echo(f"{name}: removed from {path}")


def _files(pictures: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in pictures:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.is_file())
            files += [each for each in inside if not each.name.startswith(".")]
        else:
            files.append(path)
    return files


def _pictures(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"


def _told() -> "Progress":
    """One line when a download begins."""
    begun: set[str] = set()

    def show(what: str, done: int, total: int) -> None:
        if what not in begun:
            begun.add(what)
            typer.echo(f"{what}: fetching {total / 1_000_000:.1f} MB", err=True)

    return show
