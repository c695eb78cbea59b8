"""Every error that Livelens raises on purpose.

::

    LivelensError                what happened and where, in one line
    ├── ConfigError              a configuration that cannot mean anything; names the path
    ├── NotFound                 no such stream, session, model, rendition
    ├── Conflict                 the name is taken, or the state forbids it
    ├── Forbidden                an address or action that the rules do not allow
    ├── CapacityError            a limit is reached; try again later
    ├── Unavailable              something that the server needs does not answer; try again later
    ├── BadSdp                   an SDP or trickle fragment that cannot be used
    ├── SourceError              a source that cannot be opened or read
    ├── SinkError                a sink that cannot write
    ├── StageError               a stage that breaks its contract
    ├── ModelError               a model file or decoder that cannot be used
    │   └── DownloadError        a package that cannot be had, or is not what the manifest says
    ├── PictureError             a picture that does not serve its purpose
    ├── UploadError              a clip that cannot be kept
    ├── GalleryError             a gallery of faces that cannot be read or written
    ├── Interrupted              somebody has stopped the work on a file
    └── Closed                   the other end of a channel has been closed
"""


class LivelensError(Exception):
    """Base of every error raised on purpose. ``str(error)`` is one line for the user."""


class ConfigError(LivelensError):
    """A configuration that cannot mean anything. The message names the path, `$.stages[1]`."""


class NotFound(LivelensError):
    """No such stream, session, model or rendition."""


class Conflict(LivelensError):
    """The name is taken, or the present state forbids the action."""


class Forbidden(LivelensError):
    """An address or an action that the rules do not allow."""


class CapacityError(LivelensError):
    """A limit is reached.

    Attributes:
        retry_after_s: when to try again, in seconds.
    """

    def __init__(self, message: str, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(LivelensError):
    """Something that the server needs does not answer, a database say. It may come back."""


class BadSdp(LivelensError):
    """An SDP offer or trickle fragment that cannot be used."""


class SourceError(LivelensError):
    """A source that cannot be opened or read. Never holds a URL's password."""


class SinkError(LivelensError):
    """A sink that cannot write."""


class StageError(LivelensError):
    """A stage that breaks its contract."""


class ModelError(LivelensError):
    """A model file or decoder that cannot be used."""


class DownloadError(ModelError):
    """A package that cannot be had, or is not what the manifest says."""


class PictureError(LivelensError):
    """A picture that does not serve its purpose: damaged, or no face, or two, in it."""


class UploadError(LivelensError):
    """A clip that was uploaded and cannot be kept: it is no video."""


class GalleryError(LivelensError):
    """A gallery of faces that cannot be read or written, or is another model's."""


class Interrupted(LivelensError):
    """Somebody has stopped the work on a file."""


class Closed(LivelensError):
    """The other end of a channel has been closed."""


def one_line(error: BaseException) -> str:
    """What to tell of any error; those of foreign code are called by their type."""
    text = " ".join(str(error).split())
    if isinstance(error, LivelensError):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
