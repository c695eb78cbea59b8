"""Writes what was found in each frame as text: JSON Lines or MOT."""

import sys
from pathlib import Path
from typing import Annotated, Literal, TextIO

import msgspec

from livelens.converters import to_mot
from livelens.errors import SinkError
from livelens.events import encoded, result_of
from livelens.sinks.paths import check_template, filled_in, parent_checked
from livelens.spec import SinkSpec
from livelens.types import Item


class Results(SinkSpec, frozen=True, kw_only=True):
    """Writes one message for each frame, line by line.

    Attributes:
        path: the file, replaced if it is there; `-` is standard output. `{stream}` and `{time}`
            (UTC, at the start) are filled in.
        format: `jsonl` is `events.Result` as JSON, one a line; `mot` is
            "frame,id,x,y,w,h,conf,class,vis", one object a line, frames counted from 1.
    """

    path: Annotated[str, msgspec.Meta(min_length=1)]
    format: Literal["jsonl", "mot"] = "jsonl"

    def __post_init__(self) -> None:
        check_template(self.path)

    @property
    def takes(self) -> Literal["picture", "item"]:
        return "item"

    def open(self, stream_id: str) -> "ResultsFile":
        """Create the file.

        Raises:
            SinkError: the folder is missing, or the file cannot be written.
        """
        if self.path == "-":
            return ResultsFile(sys.stdout, "standard output", self.format)
        path = parent_checked(filled_in(Path(self.path), stream_id))
        try:
            return ResultsFile(path.open("w", encoding="utf-8"), str(path), self.format)
        except OSError as error:
            raise SinkError(f"cannot write {path}: {error.strerror}") from None


class ResultsFile:
    """An open results file; every line is handed to the system as soon as it is complete."""

    wanted = True

    def __init__(self, file: TextIO, label: str, form: Literal["jsonl", "mot"]) -> None:
        self._file = file
        self._label = label
        self._form = form
        self._lost = False

    def put(self, item: Item) -> None:
        """Write what is known about a frame.

        Raises:
            SinkError: the disk is full, or the reader of standard output has gone.
        """
        result = result_of(item, dict(item.dropped))
        if self._form == "jsonl":
            text = encoded(result).decode() + "\n"
        else:
            found = item.detections
            # Once a tracker ran, what has no id is not yet an object to MOT's evaluators.
            untracked = found is None or found.tracker_id is None
            text = "".join(f"{line}\n" for line in to_mot(result, untracked=untracked))
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError) as error:
            # What could not be written would be tried, and fail, again when the file closes.
            self._lost = True
            raise self._broken(error) from None

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._file is sys.stdout:
            return
        try:
            self._file.close()
        except OSError as error:
            if not self._lost:
                raise self._broken(error) from None

    def _broken(self, error: OSError | ValueError) -> SinkError:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return SinkError(f"cannot write results to {self._label}: {reason}")
