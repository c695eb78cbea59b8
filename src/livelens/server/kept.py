"""Streams that outlive the server, in a file that only its owner may read.

It holds what `POST /api/streams` was told, passwords in URLs among it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import yaml

from livelens import plugins
from livelens.errors import ConfigError
from livelens.server.private_file import write_private
from livelens.server.threads import in_thread
from livelens.sources.upload import Upload
from livelens.spec import PipelineSpec

log = structlog.get_logger(__name__)

_HEADING = "# Streams that were added while Livelens ran. Written by Livelens, as a whole.\n"


@dataclass(frozen=True, slots=True)
class KeptStream:
    """A stream that outlived the server: its pipeline as plain data."""

    data: Mapping[str, Any]
    stopped: bool = False


class KeptStreams:
    """The streams in the file, and those that come and go. On the event loop.

    One that could not be started stays in the file: its camera may only be away.

    Raises:
        ConfigError: the file is there and cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _read(file)
        self._writing = asyncio.Lock()

    def __contains__(self, stream_id: str) -> bool:
        return stream_id in self._entries

    def entries(self) -> dict[str, KeptStream]:
        """The streams by id."""
        return dict(self._entries)

    async def put(self, stream_id: str, spec: PipelineSpec, *, stopped: bool) -> None:
        """Keep a stream as it is now."""
        data = plugins.as_data(spec)
        if isinstance(spec.source, Upload):
            del data["source"]["folder"]  # the server's to choose, each time it starts
        self._entries[stream_id] = KeptStream(data, stopped)
        await self._write()

    async def drop(self, stream_id: str) -> None:
        """Keep a stream no longer; unknown ones are ignored."""
        if self._entries.pop(stream_id, None) is not None:
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            streams = {
                stream_id: {**entry.data, **({"stopped": True} if entry.stopped else {})}
                for stream_id, entry in sorted(self._entries.items())
            }
            try:
                await in_thread(_save, self._file, streams)
            except OSError as error:
                # The streams run; who looks after the server must know that they end with it.
                log.warning("streams are not kept", file=str(self._file), why=error.strerror)


def _save(file: Path, streams: Mapping[str, Any]) -> None:
    text = yaml.safe_dump({"streams": dict(streams)}, sort_keys=False, allow_unicode=True)
    write_private(file, (_HEADING + text).encode())


def _read(file: Path) -> dict[str, KeptStream]:
    if not file.exists():
        return {}
    data = plugins.read_yaml(file)
    streams = data.get("streams") if isinstance(data, dict) else None
    if not isinstance(streams, dict) or not all(
        isinstance(each, dict) for each in streams.values()
    ):
        raise ConfigError(f"{file}: these are no kept streams; name another file, or move it away")
    return {
        str(stream_id): KeptStream(
            {key: value for key, value in each.items() if key != "stopped"},
            each.get("stopped") is True,
        )
        for stream_id, each in streams.items()
    }
