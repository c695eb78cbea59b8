"""What a server is told about recordings."""

from pathlib import Path

import msgspec
import platformdirs


class Recordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recordings that the page and the API start.

    Attributes:
        enabled: False refuses them.
        folder: where they are kept; None is a folder in the user's data folder.
        max_age_s: ended ones are deleted when they are older; None keeps them.
        max_bytes: of all together: the oldest ended ones are deleted above it; None: no limit.
        min_free_bytes: nothing is recorded when the disk has less than this left.
        max_length_s: a recording ends after so long.
    """

    enabled: bool = True
    folder: str | None = None
    max_age_s: float | None = 7 * 86_400.0
    max_bytes: int | None = 10 * 1024**3
    min_free_bytes: int = 1024**3
    max_length_s: float = 4 * 3600.0

    def __post_init__(self) -> None:
        for name in ("max_age_s", "max_bytes", "max_length_s"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0")
        if self.min_free_bytes < 0:
            raise ValueError("min_free_bytes must not be below 0")
        if self.folder is not None and (not self.folder or {"{", "\0"} & set(self.folder)):
            raise ValueError("folder must be the path of a folder, without braces")

    @property
    def path(self) -> Path:
        """The folder."""
        if self.folder is not None:
            return Path(self.folder).expanduser()
        return platformdirs.user_data_path("livelens") / "recordings"
