"""A certificate authority of a test's own, and a certificate of this machine's by it, as PEM files."""

import datetime
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """`bundle` is what its clients trust; `certificate` and `key` are a server's on localhost and at `addresses`.

    All of them end in so many `days`.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "An authority of a test",
        addresses: Sequence[str] = ("127.0.0.1",),
        *,
        days: int = 1,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.bundle, self.certificate, self.key = (folder / f"{kind}.pem" for kind in ("ca", "server", "key"))
        own_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = (
            _begun(own_name, own_name, own_key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
            .sign(own_key, hashes.SHA256())
        )
        names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(each)) for each in addresses)]
        server = (
            _begun(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
                own_name,
                server_key.public_key(),
                days,
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own_key.public_key()), critical=False)
            .sign(own_key, hashes.SHA256())
        )
        self.bundle.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            server_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def server_context(self) -> ssl.SSLContext:
        """What a server of this machine shakes hands with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )
