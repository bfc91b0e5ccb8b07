"""A certificate made on the spot, for trying the product with a phone. Nobody vouches for it: browsers warn."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIVES: Final = timedelta(days=30)
STILL_GOOD: Final = timedelta(days=1)
"""One that has less than this left is made anew: a try should not end in the middle."""
CLOCKS_DIFFER: Final = timedelta(hours=1)
"""How much a phone's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`tls` is what a server serves with; `fingerprint` what a browser shows of it, SHA-256 as `AB:CD:…`."""

    tls: ssl.SSLContext
    fingerprint: str


def certificate_for(address: str, file: Path, now: datetime) -> Certificate:
    """The certificate kept in `file`, if it names `address` and is good for a day; or a new one, kept there.

    A browser that was told to trust it asks again only after a new one was made.

    Raises:
        OSError: the file cannot be read or written.
    """
    made = _kept(address, file, now) or _make(address, file, now)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(file)
    return Certificate(tls, made.fingerprint(SHA256()).hex(":").upper())


def _kept(address: str, file: Path, now: datetime) -> x509.Certificate | None:
    try:
        kept = x509.load_pem_x509_certificate(file.read_bytes())
        names = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return None
    if names.get_values_for_type(x509.IPAddress) != [ipaddress.ip_address(address)]:
        return None
    good = kept.not_valid_before_utc <= now <= kept.not_valid_after_utc - STILL_GOOD
    return kept if good else None


def _make(address: str, file: Path, now: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Copage, to try it")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + LIVES)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        # It vouches for this one address: whoever trusts it and loses the key has lost no more than that.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(file, secret + made.public_bytes(Encoding.PEM))
    return made


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and for its owner's eyes only from the first byte."""
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(content)
    new.replace(file)
