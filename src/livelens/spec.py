"""What a pipeline is made of, as frozen data.

A spec is the configuration file, the body of the HTTP API and the Python API at
once: ``{type: detect, model: coco-ssd}`` in YAML is ``Detect(model="coco-ssd")``
in Python. A spec `open()`s into the thing itself.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit, urlunsplit

import msgspec

from livelens.types import Captured, Item

if TYPE_CHECKING:
    from livelens.descriptor import Descriptor


@runtime_checkable
class Source(Protocol):
    """Makes pictures. Belongs to one thread, except for `close`."""

    def frames(self) -> Iterator[Captured]:
        """Pictures in order, until the end.

        A live source paces itself by what arrives. It does not reconnect: it raises, also
        when its stream ends, and the pipeline opens its spec again. To return is to say
        that nothing more will ever come.

        Raises:
            SourceError: the source broke; the message is one line without passwords.
        """

    def close(self) -> None:
        """Ends `frames` soon. Callable from any thread, more than once."""


@runtime_checkable
class Stage(Protocol):
    """Does something to pictures. Plain synchronous code; owned by one worker thread."""

    def process(self, items: Sequence[Item]) -> list[Item]:
        """One changed item for every given one, in the same order."""

    def close(self) -> None:
        """Releases what `open` took."""


@runtime_checkable
class Renewable(Protocol):
    """A stage whose settings may change while it is open; see `StageSpec.continues`."""

    def renew(self, spec: "StageSpec") -> None:
        """Go on with other settings. Called between two frames, on the worker's thread."""


@runtime_checkable
class Sink(Protocol):
    """Takes what a pipeline makes. Belongs to one thread, except for `wanted`."""

    @property
    def wanted(self) -> bool:
        """Whether anybody looks; nothing is drawn or given while this is False."""

    def put(self, item: Item) -> None:
        """Take an item. May block: the sink has its own thread and a bounded queue.

        Raises:
            SinkError: the sink broke, a full disk say; the pipeline closes it and goes on.
        """

    def close(self) -> None:
        """Finish and release everything."""


class SourceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every source's settings.

    Attributes:
        live: a live source is reopened when it ends, and its frames may be dropped;
            any other is read to its end without loss.
    """

    @property
    def live(self) -> bool:
        return True

    @property
    def label(self) -> str:
        """What to show and log: the URL without its password."""
        raise NotImplementedError

    @classmethod
    def from_url(cls, url: str) -> "SourceSpec":
        """The spec that a URL of one of this source's schemes means.

        Raises:
            ConfigError: the URL lacks something; the message never holds its password.
        """
        raise NotImplementedError

    def open(self) -> Source:
        """Open it. May block; the pipeline calls it on a thread that can be abandoned.

        Raises:
            SourceError: it cannot be opened.
        """
        raise NotImplementedError


class StageSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every stage's settings.

    Class attributes:
        needs: fields of `Item` that must have been given by an earlier stage.
        gives: fields of `Item` that this stage fills.
        scope: a `shared` stage is opened once for all streams with equal settings and
            batches across them; a `stream` stage keeps state for one stream.
        models: names of the zoo's models that it computes with unless told otherwise, for those
            who want to know licences and downloads.

    Attributes:
        name: what results and metrics call it; its type unless given.
        workers: threads that work on it at once. A `stream` stage with state has one.
        batch: most frames in one call.
        timeout_s: a call that takes longer is given up and the stage opened anew.
        lane: workers are threads, or processes that get frames through shared memory; these
            are for Python code that would keep other threads waiting.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset()
    scope: ClassVar[Literal["stream", "shared"]] = "stream"
    models: ClassVar[tuple[str, ...]] = ()

    name: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    batch: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    lane: Literal["thread", "process"] = "thread"

    @property
    def passes_over(self) -> bool:
        """Whether a frame that finds all workers busy goes on untouched instead of being lost."""
        return False

    @property
    def lookahead_s(self) -> float:
        """How long frames are held before the stage, that it may see what follows them."""
        return 0.0

    def passed_over(self, item: Item) -> Item:
        """What becomes of a frame that the stage does not work on."""
        return item

    def continues(self, before: "StageSpec") -> bool:
        """Whether a stage that was opened with other settings can take these, as a `Renewable`.

        What it knows then outlives the change. Only asked of `stream` stages on one thread.
        """
        return False

    def open(self) -> "Stage | Descriptor":
        """Open it; loads models. Called on the worker's thread, once for each worker.

        Raises:
            ConfigError, ModelError: it cannot be opened as configured.
        """
        raise NotImplementedError


class SinkSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every sink's settings.

    Class attributes:
        capacity: items that wait at most while the sink is busy and the source is live. 1
            for what is looked at now; more for a recorder, which wants every frame.

    Attributes:
        name: unique among the sinks of a pipeline.
        overlay: a stage that draws on the picture for this sink alone. With it the sink
            takes items when their analysis is done; without, video sinks take every
            picture at once and never wait for analysis.
        viewport: name of a `reframe` stage: a video sink shows what its virtual camera shows
            instead of the whole picture, and takes items when their analysis is done.
    """

    capacity: ClassVar[int] = 1

    name: str = ""
    overlay: StageSpec | None = None
    viewport: str | None = None

    @property
    def takes(self) -> Literal["picture", "item"]:
        """Pictures as they come from the source, or items at the end of the stages."""
        return "picture" if self.overlay is None and self.viewport is None else "item"

    def open(self, stream_id: str) -> Sink:
        """Open it.

        Raises:
            SinkError: it cannot be opened, the folder is missing say.
        """
        raise NotImplementedError


class PipelineSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream: a source, stages in order, sinks.

    Attributes:
        source: where pictures come from.
        stages: what is done to them, in order.
        sinks: who takes them.
        max_delay_s: a frame older than this is dropped before the next stage, and counted.
            None: never, which only files may want. Time that it was held so that a stage could
            look ahead does not count.
        on_error: a stage that raises loses its frames and is opened anew (`restart`),
            or ends the pipeline (`stop`).
    """

    source: SourceSpec
    stages: tuple[StageSpec, ...] = ()
    sinks: tuple[SinkSpec, ...] = ()
    max_delay_s: Annotated[float, msgspec.Meta(gt=0)] | None = 1.0
    on_error: Literal["restart", "stop"] = "restart"


def redacted(url: str) -> str:
    """The URL without its password, user name kept, and without its query."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "(malformed URL)"
    if not parts.netloc:
        return url
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if port is not None:
        host = f"{host}:{port}"
    user = f"{parts.username}:***@" if parts.password else (parts.username or "")
    user = f"{user}@" if user and not user.endswith("@") else user
    query = "…" if parts.query else ""
    return urlunsplit((parts.scheme, user + host, parts.path, query, ""))
