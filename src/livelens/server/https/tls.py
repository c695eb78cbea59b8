"""HTTPS as configured: which certificate is shown, also after it has changed."""

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from platformdirs import user_config_path
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livelens.errors import ConfigError
from livelens.server.access.evidence import is_loopback
from livelens.server.config import CertificateFiles, Listening
from livelens.server.https.certificates import (
    Certificate,
    given_certificate,
    own_certificate,
    own_names,
)

log = structlog.get_logger(__name__)

_ALL_ADDRESSES = frozenset({"", "0.0.0.0", "::"})
_HALF_A_YEAR_S = 15_768_000


class Tls:
    """What a server needs to speak HTTPS.

    Attributes:
        context: for new connections; another one after the certificate has changed.
        certificate: the one that is shown.
        given: whether somebody else made it, so that browsers may trust it.

    Raises:
        ConfigError: the certificate cannot be used, or ours cannot be kept.
    """

    def __init__(self, read: Callable[[], Certificate], *, given: bool) -> None:
        self.given = given
        self._read = read
        self.certificate = read()
        self.context = _context(self.certificate)
        self._stamps = self._stamped()

    def look(self) -> None:
        """Take the certificate as it is now, if it has changed or must be renewed. Blocks.

        A given one that cannot be used is told to the log, and the former stays.
        """
        stamps = self._stamped()
        if self.given and stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            certificate = self._read()
            if certificate != self.certificate:
                self.context, self.certificate = _context(certificate), certificate
                log.info("another certificate", fingerprint=certificate.fingerprint)
        except ConfigError as error:
            log.warning("the former certificate stays", why=str(error))

    def _stamped(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(file) for file in (self.certificate.cert, self.certificate.key))


def wanted_tls(listening: Listening, names: Sequence[str] = ()) -> Tls | None:
    """What the configuration says about HTTPS; None for plain HTTP. Blocks.

    Args:
        listening: where.
        names: that our own certificate is for besides those of this machine.

    Raises:
        ConfigError: the certificate cannot be used, or ours cannot be kept.
    """
    if isinstance(listening.tls, CertificateFiles):
        cert, key = (Path(each).expanduser() for each in (listening.tls.cert, listening.tls.key))
        return Tls(lambda: given_certificate(cert, key), given=True)
    if not speaks_tls(listening):
        return None
    further = [*listening.hosts, *names]
    if listening.host not in _ALL_ADDRESSES:
        further.append(listening.host)
    return Tls(lambda: own_certificate(own_file(), [*own_names(), *further]), given=False)


def speaks_tls(listening: Listening) -> bool:
    """Whether the server is reached by HTTPS."""
    if isinstance(listening.tls, CertificateFiles):
        return True
    return listening.tls == "auto" and not is_loopback(listening.host)


def own_file() -> Path:
    """Where the key and certificate that we make are kept."""
    return user_config_path("livelens") / "https.pem"


class StrictTransport:
    """ASGI middleware: browsers shall never come by plain HTTP again.

    Only for certificates that they trust: with another one they would be locked out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Strict-Transport-Security"] = (
                    f"max-age={_HALF_A_YEAR_S}"
                )
            await send(message)

        await self._app(scope, receive, sending if scope.get("scheme") == "https" else send)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate.cert, certificate.key)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", None) or error.strerror or error
        raise ConfigError(f"{certificate.cert} cannot be used: {why}") from None
    return context


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
