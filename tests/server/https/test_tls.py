"""HTTPS with real TLS clients: certificates of ours and of others, and who comes without TLS."""

import socket
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from livelens.clock import NS_PER_S, wall_ns
from livelens.errors import ConfigError
from livelens.server.app import create_app
from livelens.server.config import Listening, read_config
from livelens.server.greeting import Greeting, base_url, qr_code
from livelens.server.https import certificates, tls
from livelens.server.https.certificates import given_certificate, own_certificate, own_names
from livelens.server.https.tls import speaks_tls, wanted_tls
from livelens.server.run import Server
from tests.server.running import PATTERN, Running, running

TOKEN = "correct-horse-battery-staple"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def written(
    folder: Path, *, days: tuple[int, int] = (-1, 100), key: Key | None = None, password: str = ""
) -> tuple[Path, Path]:
    """The files of a certificate for this machine that is valid so many days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera.test")])
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        how = serialization.BestAvailableEncryption(password.encode())
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    )
    return cert_file, key_file


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    cert, key = written(tmp_path_factory.mktemp("tls"))
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    with running(config, token=TOKEN, tls={"cert": str(cert), "key": str(key)}) as one:
        yield one, cert


def trusting(cert: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(cert))


def test_pages_events_and_sockets_come_by_tls(secure: tuple[Running, Path]) -> None:
    one, cert = secure
    assert one.url.startswith("https://127.0.0.1:")
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=one.url, verify=trusting(cert), headers=bearer) as http:
        response = http.get("/api/streams")
        assert response.status_code == 200
        assert response.headers["strict-transport-security"].startswith("max-age=")
        with http.stream("GET", "/api/streams/pat/results") as events:
            assert any(line.startswith("data:") for line in events.iter_lines())
    where = one.url.replace("https", "wss") + "/api/streams/pat/results/ws"
    with connect(where, additional_headers=bearer, ssl=trusting(cert)) as channel:
        assert '"result"' in str(channel.recv(timeout=20))


def test_cookies_are_for_https_alone(secure: tuple[Running, Path]) -> None:
    one, cert = secure
    page = httpx.get(one.url, params={"token": TOKEN}, verify=trusting(cert))
    assert "Secure" in page.headers["set-cookie"]


def test_nobody_who_checks_is_deceived(secure: tuple[Running, Path]) -> None:
    one, _ = secure
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(one.url)
    # And the server goes on.
    assert httpx.get(f"{one.url}/healthz", verify=False).status_code == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_tls(secure: tuple[Running, Path], version: ssl.TLSVersion) -> None:
    one, cert = secure
    context = trusting(cert)
    context.minimum_version = context.maximum_version = version
    assert httpx.get(f"{one.url}/healthz", verify=context).status_code == 200


def test_plain_http_is_sent_on(secure: tuple[Running, Path]) -> None:
    one, _ = secure
    plain = one.url.replace("https", "http")
    page = httpx.get(f"{plain}/some/page?a=1")
    assert page.status_code == 307
    assert page.headers["location"] == f"{one.url}/some/page?a=1"
    assert "HTTPS" in page.json()["error"]
    posted = httpx.post(f"{plain}/api/streams", json={"id": "a"})
    assert posted.status_code == 400
    assert "https://" in posted.json()["error"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\x00\x05hello",
        b"\x00" * 99,
        b'GET / HTTP/1.1\r\nHost: evil.example/"x\r\n\r\n',
    ],
)
def test_who_talks_nonsense_disturbs_nobody(secure: tuple[Running, Path], said: bytes) -> None:
    one, _ = secure
    port = int(one.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as odd:
        odd.sendall(said)
        odd.shutdown(socket.SHUT_WR)
        answer = b""
        while part := odd.recv(4096):
            answer += part
    assert b"Location" not in answer
    assert httpx.get(f"{one.url}/healthz", verify=False).status_code == 200


def test_silent_connections_do_not_keep_others_out(secure: tuple[Running, Path]) -> None:
    one, cert = secure
    port = int(one.url.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(400)]
    try:
        assert httpx.get(f"{one.url}/healthz", verify=trusting(cert)).status_code == 200
    finally:
        for each in silent:
            each.close()


def test_auto_means_plain_http_on_loopback_alone() -> None:
    assert not speaks_tls(Listening())
    assert speaks_tls(Listening(host="0.0.0.0"))
    assert not speaks_tls(Listening(host="0.0.0.0", tls="off"))
    # YAML's unquoted `off`.
    assert not speaks_tls(read_config({"server": {"host": "0.0.0.0", "tls": False}}).server)
    with pytest.raises(ConfigError, match=r"tls is auto, off, or the files"):
        read_config({"server": {"tls": True}})
    with pytest.raises(ConfigError, match=r"\$\.server\.tls"):
        read_config({"server": {"tls": {"cert": "a.pem"}}})


def test_beyond_loopback_a_certificate_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with running({}, host="0.0.0.0", token=TOKEN, hosts=["lens.internal"]) as one:
        assert one.url.startswith("https://")
        assert one.server.tls is not None
        file = one.server.tls.certificate.cert
        assert tmp_path in file.parents
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        port = one.url.rpartition(":")[2]
        response = httpx.get(f"https://localhost:{port}/healthz", verify=trusting(file))
        assert response.status_code == 200
        # It would lock people out when the certificate is made anew.
        assert "strict-transport-security" not in response.headers
        shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", int(port))))
        made = x509.load_der_x509_certificate(shown)
        assert (
            made.fingerprint(hashes.SHA256()).hex(":").upper()
            == one.server.tls.certificate.fingerprint
        )
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = names.get_values_for_type(x509.DNSName)
        assert {"localhost", "lens.internal", socket.gethostname()} <= set(dns)
        addresses = {str(each) for each in names.get_values_for_type(x509.IPAddress)}
        assert {"127.0.0.1", "::1"} <= addresses
        assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=397)


def test_our_certificate_is_kept_while_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "deep" / "https.pem"
    first = own_certificate(file, own_names())
    assert own_certificate(file, own_names()) == first
    assert own_certificate(file, ["localhost", "2001:db8::7"]) == first
    wider = own_certificate(file, [*own_names(), "192.0.2.9"])
    assert wider.fingerprint != first.fingerprint
    assert own_certificate(file, own_names()) == wider
    # A month before it ends, and when it is damaged.
    later_ns = wall_ns() + 370 * 86_400 * NS_PER_S
    monkeypatch.setattr(certificates, "wall_ns", lambda: later_ns)
    renewed = own_certificate(file, own_names())
    assert renewed.expires > wider.expires
    file.write_text(file.read_text()[:-400])
    assert own_certificate(file, own_names()) != renewed
    assert [each.name for each in file.parent.iterdir()] == ["https.pem"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be kept.*server\.tls"):
        own_certificate(tmp_path / "file" / "https.pem", ["localhost"])


def test_given_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    cert, key = written(tmp_path / "good")
    assert given_certificate(cert, key).fingerprint
    _, other = written(tmp_path / "other")
    expired, its_key = written(tmp_path / "old", days=(-30, -1))
    future, future_key = written(tmp_path / "new", days=(5, 30))
    _, locked = written(tmp_path / "locked", password="secret")
    short, short_key = written(tmp_path / "short", key=rsa.generate_private_key(65537, 1024))
    (tmp_path / "text.pem").write_text("no certificate")
    text = tmp_path / "text.pem"
    for one, its, what in (
        (tmp_path / "none.pem", key, "none.pem: No such file"),
        (cert, Path("/dev/zero"), "/dev/zero: is no file"),
        (cert, tmp_path / "none.pem", "none.pem: No such file"),
        (text, key, "no certificate in PEM form"),
        (cert, text, "no private key in PEM form"),
        (cert, other, "is not the key of"),
        (expired, its_key, "expired on 20"),
        (future, future_key, "valid only from 20"),
        (cert, locked, "the key is encrypted"),
        (short, short_key, "EE_KEY_TOO_SMALL|KEY"),
    ):
        config = read_config({"server": {"port": 0, "tls": {"cert": str(one), "key": str(its)}}})
        with pytest.raises(ConfigError, match=what) as refused:
            Server(create_app(config), config.server)
        assert "\n" not in str(refused.value)


def test_a_changed_certificate_is_taken_without_a_restart(tmp_path: Path) -> None:
    cert, key = written(tmp_path)
    with running({}, token=TOKEN, tls={"cert": str(cert), "key": str(key)}) as one:
        assert one.server.tls is not None
        before = one.server.tls.certificate.fingerprint
        cert.write_text("half a file")
        one.server.tls.look()
        assert one.server.tls.certificate.fingerprint == before
        assert httpx.get(f"{one.url}/healthz", verify=False).status_code == 200
        written(tmp_path, key=rsa.generate_private_key(65537, 2048))
        one.server.tls.look()
        assert one.server.tls.certificate.fingerprint != before
        assert httpx.get(f"{one.url}/healthz", verify=trusting(cert)).status_code == 200


def test_what_the_terminal_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tls, "own_file", lambda: tmp_path / "https.pem")
    everywhere = Listening(host="0.0.0.0", token=TOKEN)
    made = wanted_tls(everywhere)
    assert made is not None
    Greeting(everywhere, tls=made).tell("https://10.0.0.5:8080/")
    printed = capsys.readouterr().out
    assert made.certificate.fingerprint in printed
    assert "█" not in printed  # nobody sits at a terminal
    camera = "https://x/#/camera"
    Greeting(everywhere, tls=made, qr=True).tell("https://x/")
    printed = capsys.readouterr().out
    assert camera in printed
    assert qr_code(camera) in printed
    Greeting(Listening(), qr=True).tell("http://127.0.0.1:8080/")
    alone = capsys.readouterr()
    assert "█" not in alone.out
    assert "only this machine" in alone.err


def test_addresses_of_the_server() -> None:
    assert base_url("::1", 80, tls=False) == "http://[::1]:80/"
    assert base_url("lens.internal", 8443, tls=True) == "https://lens.internal:8443/"
    assert not base_url("0.0.0.0", 80, tls=True).startswith("https://0")
