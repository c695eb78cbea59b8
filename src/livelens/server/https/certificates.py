"""Certificates for HTTPS: makes one for this machine, and judges those that are given."""

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from livelens.clock import NS_PER_S, wall_ns
from livelens.errors import ConfigError
from livelens.server.private_file import write_private

# The most that browsers take is 398 days.
_VALID = timedelta(days=396)
_RENEW_BEFORE = timedelta(days=30)
# Clocks of phones differ.
_BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that can be used.

    Attributes:
        cert, key: the files; one file may hold both.
        fingerprint: SHA-256, as browsers show it.
        expires: when it ends.
    """

    cert: Path
    key: Path
    fingerprint: str
    expires: datetime


def own_certificate(file: Path, names: Iterable[str]) -> Certificate:
    """The certificate that this server made for itself, made anew when it does not serve.

    That is: when it is not there or damaged, ends within a month, or lacks one of the names.
    IPv6 addresses do not count for that: they change every day, and with each new certificate
    people have to be asked again whether they trust it.

    Args:
        file: holds key and certificate, readable by its owner alone.
        names: host names and addresses that it must be for.

    Raises:
        ConfigError: it cannot be kept.
    """
    wanted = _general(names)
    found = _found(file)
    if found is not None and _serves(found, wanted):
        return _described(found, file, file)
    made, pem = _made(wanted)
    try:
        write_private(file, pem)
    except OSError as error:
        raise ConfigError(
            f"the certificate {file} cannot be kept: {error.strerror}; see server.tls"
        ) from None
    return _described(made, file, file)


def given_certificate(cert: Path, key: Path) -> Certificate:
    """A certificate that was made elsewhere.

    Raises:
        ConfigError: it cannot be used; says why, and which file it is about.
    """
    try:
        first = x509.load_pem_x509_certificates(_read(cert))[0]
    except ValueError:
        raise ConfigError(f"{cert}: there is no certificate in PEM form in it") from None
    try:
        private = serialization.load_pem_private_key(_read(key), password=None)
    except TypeError:
        raise ConfigError(
            f"{key}: the key is encrypted; openssl pkey -in OLD -out NEW decrypts it"
        ) from None
    except ValueError:
        raise ConfigError(f"{key}: there is no private key in PEM form in it") from None
    if _public(private.public_key()) != _public(first.public_key()):
        raise ConfigError(f"{key} is not the key of the first certificate in {cert}")
    now = _now()
    if first.not_valid_after_utc <= now:
        raise ConfigError(f"{cert}: the certificate expired on {first.not_valid_after_utc:%F}")
    if first.not_valid_before_utc > now:
        raise ConfigError(f"{cert}: it is valid only from {first.not_valid_before_utc:%F} on")
    return _described(first, cert, key)


def own_names() -> list[str]:
    """Names and addresses under which this machine may be asked for."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname()}
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            # IPv6 comes with scope and flow; link-local ones mean nothing in a URL.
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            if not ipaddress.ip_address(text).is_link_local:
                names.add(text)
    return sorted(names)


def _made(names: set[x509.GeneralName]) -> tuple[x509.Certificate, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Livelens")])
    begins = _now() - _BACKDATED
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + _VALID)
        .add_extension(x509.SubjectAlternativeName(sorted(names, key=str)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate, pem + certificate.public_bytes(serialization.Encoding.PEM)


def _found(file: Path) -> x509.Certificate | None:
    """The certificate in our file, if file and key are whole."""
    try:
        data = file.read_bytes()
        certificate = x509.load_pem_x509_certificate(data)
        private = serialization.load_pem_private_key(data, password=None)
    except (OSError, ValueError, TypeError):
        return None
    return (
        certificate if _public(private.public_key()) == _public(certificate.public_key()) else None
    )


def _serves(certificate: x509.Certificate, names: set[x509.GeneralName]) -> bool:
    if certificate.not_valid_after_utc - _now() < _RENEW_BEFORE:
        return False
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    lasting = {name for name in names if not isinstance(name.value, ipaddress.IPv6Address)}
    return lasting <= set(extension.value)


def _general(names: Iterable[str]) -> set[x509.GeneralName]:
    found: set[x509.GeneralName] = set()
    for name in names:
        try:
            found.add(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            # Of a machine with an odd name its addresses remain.
            with suppress(UnicodeError, ValueError):
                found.add(x509.DNSName(name.encode("idna").decode("ascii")))
    return found


def _described(certificate: x509.Certificate, cert: Path, key: Path) -> Certificate:
    digest = certificate.fingerprint(hashes.SHA256())
    return Certificate(cert, key, digest.hex(":").upper(), certificate.not_valid_after_utc)


def _public(key: object) -> bytes:
    to_bytes = getattr(key, "public_bytes")  # noqa: B009 - of a union that has it in common
    return bytes(
        to_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _read(file: Path) -> bytes:
    try:
        if file.exists() and not file.is_file():  # a device need not have an end
            raise ConfigError(f"{file}: is no file")
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None


def _now() -> datetime:
    return datetime.fromtimestamp(wall_ns() / NS_PER_S, UTC)
