"""What only the ffmpeg program opens, SRT say: it copies the packets into a pipe."""

import os
import re
import select
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Final
from urllib.parse import unquote, urlsplit

import av
import msgspec

from livelens.clock import nanoseconds, now_ns, seconds
from livelens.errors import ConfigError, SourceError
from livelens.sources.reading import ContainerReader, ReadCounts, reason
from livelens.spec import SourceSpec, redacted
from livelens.types import Captured

_ANALYSE_S: Final = 0.5
_OPTION: Final = re.compile(r"[a-z][a-z0-9_:]*", re.I)
# Lines of ffmpeg that follow the one that says what is wrong, and say nothing.
_EMPTY_WORDS: Final = re.compile(
    r"^(Conversion failed|Exiting|Error opening input files?|Received signal|$)", re.I
)
_ADDRESS: Final = re.compile(r" @ 0x[0-9a-f]+")


class Ffmpeg(SourceSpec, frozen=True, kw_only=True):
    """Anything that the ffmpeg program on this machine opens, a live source.

    It reads whatever ffmpeg may read, files of this machine too: never take one from a
    stranger.

    Attributes:
        url: what stands behind ``-i``, ``srt://host:port?mode=caller`` say.
        input_options: by name without the dash: ``{"f": "lavfi", "re": ""}``; an empty
            value is a bare switch.
        open_timeout_s: until the stream is known.
        read_timeout_s: longest silence before the stream counts as broken.
        program: ffmpeg, by name or path.
    """

    url: str
    input_options: dict[str, str] = msgspec.field(default_factory=dict)
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    program: str = "ffmpeg"

    def __post_init__(self) -> None:
        if not self.url or "\0" in self.url:
            raise ValueError("url names nothing")
        for name in self.input_options:
            if not _OPTION.fullmatch(name) or name.lower() == "i":
                raise ValueError(f"{name!r} is no input option of ffmpeg")
        for name in ("open_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= 3600:
                raise ValueError(f"{name} is above 0 and at most 3600")

    @property
    def label(self) -> str:
        return redacted(self.url)

    @classmethod
    def from_url(cls, url: str) -> "Ffmpeg":
        try:
            parts = urlsplit(url)
            if parts.scheme == "srt" and parts.port is None:
                raise ConfigError(f"{redacted(url)} names no port")
            return cls(url=url)
        except ValueError:
            raise ConfigError(f"{redacted(url)}: the URL is malformed") from None

    def open(self) -> "FfmpegSource":
        given: list[str] = []
        for name, value in self.input_options.items():
            given += [f"-{name}", value] if value else [f"-{name}"]
        return FfmpegSource(
            [*given, "-i", self.url],
            label=self.label,
            secrets=secrets_of(self.url),
            program=self.program,
            open_timeout_s=self.open_timeout_s,
            read_timeout_s=self.read_timeout_s,
        )


class FfmpegSource:
    """Runs ffmpeg and decodes what it copies.

    Args:
        arguments: of the input, ``-i`` included.
        label: for errors.
        secrets: texts that must not appear in errors, with what stands for them.

    Raises:
        SourceError: there is no ffmpeg, or it fails; with its own last words.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        label: str,
        secrets: dict[str, str],
        program: str = "ffmpeg",
        open_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._label = label
        self._read_timeout_s = read_timeout_s
        deadline_ns = now_ns() + nanoseconds(open_timeout_s)
        analyse_s = _ANALYSE_S
        while True:
            self._process = _Process(arguments, label, secrets, program, analyse_s)
            try:
                self._pipe = _Pipe(self._process.output, seconds(deadline_ns - now_ns()))
                self._reader = self._opened()
                break
            except (av.FFmpegError, OSError, ValueError) as error:
                self._process.end()
                self._pipe.close()
                if self._pipe.timed_out:
                    raise SourceError(f"{label}: no answer within {open_timeout_s:g} s") from None
                left_s = seconds(deadline_ns - now_ns())
                # No keyframe came while ffmpeg looked for the size: look longer, once.
                if not (self._process.said("dimensions not set") and left_s > 2 * analyse_s):
                    raise self._broken(reason(error)) from None
                analyse_s = 0.8 * left_s
            except SourceError:
                self._process.end()
                self._pipe.close()
                raise
        self._pipe.timeout_s = read_timeout_s

    def _opened(self) -> ContainerReader:
        container = av.open(
            self._pipe,
            mode="r",
            format="nut",
            options={"analyzeduration": "500000", "fpsprobesize": "0", "flags": "low_delay"},
            buffer_size=65536,
            metadata_errors="replace",
        )
        return ContainerReader(container, self._label, live=True)

    @property
    def codec(self) -> str:
        """FFmpeg's name of what it sends."""
        return self._reader.codec

    @property
    def counts(self) -> ReadCounts:
        """What became of the packets."""
        return self._reader.decoder.counts

    def frames(self) -> Iterator[Captured]:
        """Pictures as they come.

        Raises:
            SourceError: ffmpeg ended, or was silent for too long.
        """
        try:
            yield from self._reader.frames()
            if self._pipe.timed_out:
                raise SourceError(f"{self._label}: nothing came for {self._read_timeout_s:g} s")
            if not self._reader.stop.is_set():
                raise self._broken("the stream ended")
        finally:
            self._process.end()
            self._pipe.close()

    def close(self) -> None:
        self._reader.stop.set()
        # Its death ends the read that `frames` may hang in.
        self._process.end()
        if self._reader.close():
            self._pipe.close()

    def _broken(self, otherwise: str) -> SourceError:
        words = self._process.last_words().removeprefix(f"{self._label}: ")
        if self._process.said("Incorrect passphrase") or self._process.said("BADSECRET"):
            words = "the passphrase is wrong"
        return SourceError(f"{self._label}: {words or otherwise}")


class _Process:
    """A running ffmpeg whose standard error is read along."""

    def __init__(
        self,
        arguments: Sequence[str],
        label: str,
        secrets: dict[str, str],
        program: str,
        analyse_s: float,
    ) -> None:
        found = shutil.which(program)
        if found is None:
            raise SourceError(
                f"{label}: this needs the program {program}, which is not installed "
                "(Debian, Ubuntu: sudo apt-get install ffmpeg)"
            )
        self._secrets = secrets
        self._lines: deque[str] = deque(maxlen=20)
        self._lock = threading.Lock()
        command = [found, "-nostdin", "-hide_banner", "-loglevel", "error", "-nostats"]
        # Left to itself ffmpeg looks at 5 s of MPEG-TS before it passes anything on.
        command += [
            "-analyzeduration",
            str(round(analyse_s * 1_000_000)),
            *arguments,
            "-map",
            "0:v:0",
            "-c",
            "copy",
            "-copyts",
        ]
        command += ["-f", "nut", "-flush_packets", "1", "-write_index", "0", "pipe:1"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # Ctrl-C in the terminal is Livelens's to act upon.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.output: IO[bytes] = self._process.stdout
        self._listener = threading.Thread(
            target=self._listen, args=(self._process.stderr,), name="ffmpeg-errors", daemon=True
        )
        self._listener.start()

    def _listen(self, errors: IO[bytes]) -> None:
        with errors:
            for line in errors:
                self._lines.append(line.decode(errors="replace").strip())

    def end(self) -> None:
        """Kill it and wait for it. Callable from any thread, more than once."""
        with self._lock:
            if self._process.poll() is None:
                # The whole session: `program` may be a script that started others.
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._listener.join(timeout=1.0)

    def said(self, words: str) -> bool:
        """Whether these words are among its last lines."""
        self._listener.join(timeout=1.0)
        return any(words in line for line in list(self._lines))

    def last_words(self) -> str:
        """What it said last that means something, without secrets, in one line."""
        self._listener.join(timeout=1.0)
        for line in reversed(list(self._lines)):
            if not _EMPTY_WORDS.match(line):
                text = _ADDRESS.sub("", line)
                for secret, stand_in in self._secrets.items():
                    text = text.replace(secret, stand_in)
                return text
        return ""


class _Pipe:
    """The reading end of a pipe, with a time-out, as PyAV wants a file.

    Attributes:
        timeout_s: longest wait for a byte; the pipe seems to end then.
        timed_out: whether it did.
    """

    def __init__(self, pipe: IO[bytes], timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.timed_out = False
        self.name = "pipe"
        self._pipe = pipe
        self._poll = select.poll()
        self._poll.register(pipe.fileno(), select.POLLIN)

    def read(self, size: int) -> bytes:
        self.timed_out = self.timed_out or not self._poll.poll(max(self.timeout_s, 0) * 1000)
        return b"" if self.timed_out else os.read(self._pipe.fileno(), size)

    def close(self) -> None:
        self._pipe.close()


def secrets_of(url: str) -> dict[str, str]:
    """Everything of a URL that must not be shown, longest first, and what to show instead."""
    secrets = {url: redacted(url)}
    try:
        parts = urlsplit(url)
    except ValueError:
        return secrets
    if parts.password:
        secrets |= {parts.password: "***", unquote(parts.password): "***"}
    if parts.query:
        secrets |= {f"?{parts.query}": "?…"}
        for pair in parts.query.split("&"):
            name, _, value = pair.partition("=")
            if re.search("pass|token|key|secret|streamid", name, re.I) and value:
                secrets |= {value: "***", unquote(value): "***"}
    return {secret: secrets[secret] for secret in sorted(secrets, key=len, reverse=True)}
