"""The section `access` of the configuration."""

import os
from typing import Annotated

import msgspec

LEAST_PASSWORD = 8
LEAST_SECRET = 32


class AccessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets in.

    Attributes:
        password: the administrator's; None makes one at the first start, whose hash is kept.
        secret: signs sessions and tokens; None makes one at the first start, which is kept.
            Servers that share sessions or tokens need the same.
        session_s: seconds after which who logged in has to do so again.
        redis_url: where sessions and tokens are recorded, for servers that share them; None
            keeps sessions in memory and records of tokens in a file.
        trust_loopback: whoever asks from this machine is the administrator.
        max_failures: wrong passwords from one address before it has to wait.
        lockout_s: how long it waits then; twice as long after each further one.
    """

    password: str | None = None
    secret: str | None = None
    session_s: Annotated[float, msgspec.Meta(ge=60)] = 604_800.0
    redis_url: str | None = None
    trust_loopback: bool = False
    max_failures: Annotated[int, msgspec.Meta(ge=1)] = 5
    lockout_s: Annotated[float, msgspec.Meta(ge=1)] = 60.0

    def __post_init__(self) -> None:
        if self.password is not None and len(self.password) < LEAST_PASSWORD:
            raise ValueError(f"password must have {LEAST_PASSWORD} characters or more")
        if self.secret is not None and len(self.secret) < LEAST_SECRET:
            raise ValueError(f"secret must have {LEAST_SECRET} characters or more")
        if self.redis_url is not None and "://" not in self.redis_url:
            raise ValueError("redis_url must be a URL, as redis://127.0.0.1:6379/0")


def from_environment() -> dict[str, str]:
    """What the environment says about access, which takes precedence over the file."""
    names = {"password": "PASSWORD", "secret": "SECRET", "redis_url": "REDIS_URL"}
    return {
        key: text
        for key, name in names.items()
        if (text := os.environ.get(f"LIVELENS_{name}")) is not None
    }
