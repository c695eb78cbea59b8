"""What the terminal shows when the server listens: its address, and a QR code for a phone."""

import io
import socket
import sys
from dataclasses import dataclass

from livelens.server.access.desk import CODE_S, Access
from livelens.server.access.evidence import is_loopback
from livelens.server.config import Listening
from livelens.server.https.tls import Tls, own_file
from livelens.server.identity import Grant

_CAMERA_PAGE = "#/camera"
CAMERA_S = 3600
# What the camera page calls its streams, unless somebody wants another name.
CAMERA_GRANT = Grant("phone-*", ("publish", "view"))


@dataclass(frozen=True, slots=True)
class Greeting:
    """What is told when the server listens.

    Attributes:
        listening: as configured.
        access: makes links to sign in with; None tells nothing of signing in.
        made: the password, if it has just been made: it is told this once.
        tls: the certificate, where HTTPS is spoken.
        qr: show the QR code also where nobody sits at a terminal.
        links: show a link to sign in with also where nobody sits at a terminal.
        camera: a token for the phone: who photographs the screen shall not get the whole server.
    """

    listening: Listening
    access: Access | None = None
    made: str | None = None
    tls: Tls | None = None
    qr: bool = False
    links: bool = False
    camera: str | None = None

    def tell(self, url: str) -> None:
        """Print it."""
        print(f"Livelens is on {url}", flush=True)
        if self.access is not None:
            self._tell_access(self.access, url)
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
        elif self.shows_camera:
            shown = f"?token={self.camera}" if self.camera is not None else ""
            if _can_show(qr := qr_code(url + shown + _CAMERA_PAGE)):
                print(f"\n{qr}", flush=True)
            print(f"A phone's camera, for {CAMERA_S // 60} min: {url}{shown}{_CAMERA_PAGE}\n")

    @property
    def shows_camera(self) -> bool:
        """Whether the address of the camera page is told."""
        return not is_loopback(self.listening.host) and (self.qr or sys.stdout.isatty())

    def _tell_access(self, access: Access, url: str) -> None:
        if self.links or sys.stdout.isatty():
            print(f"Sign in: {url}{self._code()}  (once, within {CODE_S // 60} min)", flush=True)
        if self.made is not None:
            print(f"Password: {self.made}", flush=True)
            print("  It is told this once; `livelens access password` makes another.", flush=True)
        elif access.password.configured:
            print("The password is the one in the configuration.", flush=True)
        else:
            kept = access.password.file
            print(f"The password was told at the first start; its hash is in {kept}")
            print("  Is it lost? `livelens access password` makes another.", flush=True)
        if access.settings.trust_loopback:
            print("Whoever asks from this machine needs none: access.trust_loopback", flush=True)

    def _code(self) -> str:
        return f"?login={self.access.code()}" if self.access is not None else ""

    def _tell_certificate(self, tls: Tls) -> None:
        if tls.given:
            return
        print(
            "Browsers warn of its certificate, which this server made for itself"
            f" ({own_file()}). Compare:\n  SHA-256 {tls.certificate.fingerprint}",
            flush=True,
        )


def _can_show(text: str) -> bool:
    """Whether standard output has these characters: not every locale does."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


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


def _own_address() -> str:
    """The address by which other machines reach this one; its name when there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it asks the routing table. The address is one for documentation.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
