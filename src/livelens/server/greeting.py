"""What the terminal shows when the server listens: its address, and a QR code for a phone."""

import io
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from livelens.server.auth import is_loopback, token_file
from livelens.server.config import Listening
from livelens.server.tls import Tls, own_file

_CAMERA_PAGE = "#/camera"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What is told when the server listens.

    Attributes:
        listening: as configured.
        token: what clients must show, if anything.
        made: the token is new.
        tls: the certificate, where HTTPS is spoken.
        qr: show the QR code also where nobody sits at a terminal.
        camera_url: makes the address that the QR code holds of the server's; by default that
            of the camera page.
    """

    listening: Listening
    token: str | None = None
    made: bool = False
    tls: Tls | None = None
    qr: bool = False
    camera_url: Callable[[str], str] | None = None

    def tell(self, url: str) -> None:
        """Print it."""
        print(f"Livelens is on {url}", flush=True)
        if self.token is not None and self.made:
            print(f"Open {url}?token={self.token}", flush=True)
            print(f"The token is kept in {token_file()}", flush=True)
        elif self.token is not None:
            kept = "the configuration" if self.listening.token is not None else str(token_file())
            print(f"Clients must show the token in {kept}", flush=True)
        alone = is_loopback(self.listening.host)
        if self.tls is not None:
            self._tell_certificate(self.tls)
        elif not alone:
            print(
                "Connections are not encrypted, and browsers give no camera to this page:"
                " see server.tls",
                file=sys.stderr,
            )
        if alone and self.qr:
            print("No QR code: only this machine reaches a loopback address", file=sys.stderr)
        elif not alone and (self.qr or sys.stdout.isatty()):
            camera = (self.camera_url or _camera_page)(url)
            print(f"\nA phone's camera: {camera}\n\n{qr_code(camera)}", flush=True)

    def _tell_certificate(self, tls: Tls) -> None:
        if tls.given:
            return
        print(
            "Browsers warn of its certificate, which this server made for itself"
            f" ({own_file()}). Compare:\n  SHA-256 {tls.certificate.fingerprint}",
            flush=True,
        )


def base_url(host: str, port: int, *, tls: bool) -> str:
    """Under which a server is reached that listens there."""
    if host in ("", "0.0.0.0", "::"):  # all addresses: tell the one that others reach
        host = _own_address()
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def qr_code(text: str) -> str:
    """A QR code in half blocks, two modules in each character's height."""
    import segno

    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()


def _camera_page(url: str) -> str:
    return url + _CAMERA_PAGE


def _own_address() -> str:
    """The address by which other machines reach this one; its name when there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it asks the routing table. The address is one for documentation.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
