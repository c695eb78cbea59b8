"""What a browser publishes by WHIP.

The server answers the publisher and pushes his pictures into a `WhipFeed`, which it
gives to the pipeline as an open source. The feed outlives its publisher: one who
comes back goes on in the same pipeline, and viewers keep their sessions.
"""

from collections.abc import Iterator
from contextlib import suppress

from livelens.channel import Channel
from livelens.errors import Closed, SourceError
from livelens.spec import SourceSpec
from livelens.types import Captured

# The pipeline takes a picture within a fraction of a frame interval; more than two
# waiting means that this process stands still, and old pictures help nobody then.
_WAITING = 2


class Whip(SourceSpec, frozen=True, kw_only=True):
    """A camera that is published to the server at ``/whip/{stream}``."""

    @property
    def label(self) -> str:
        return "whip"

    @classmethod
    def from_url(cls, url: str) -> "Whip":
        return cls()

    def open(self) -> "WhipFeed":
        """Never opens by itself.

        Raises:
            SourceError: always; only the server can give a pipeline what is published to it.
        """
        raise SourceError("a whip source needs the server: publish to its /whip/{stream}")


class WhipFeed:
    """An open source into which a publisher's pictures are pushed.

    Attributes:
        dropped: pictures that the pipeline did not take in time.
    """

    def __init__(self) -> None:
        self._channel: Channel[Captured] = Channel(_WAITING)

    @property
    def dropped(self) -> int:
        return self._channel.dropped

    def push(self, captured: Captured) -> None:
        """Hand a picture over. Any thread; never waits, and does nothing once closed."""
        with suppress(Closed):
            self._channel.put(captured)

    def frames(self) -> Iterator[Captured]:
        """Pictures as they are published, until `close`."""
        with suppress(Closed):
            while True:
                yield self._channel.get()

    def close(self) -> None:
        """End `frames`. Any thread, more than once."""
        self._channel.close(discard=True)
