"""An authority of one's own and a server's certificate, for TLS on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificates(folder):
    """An authority, and a certificate of `localhost` signed by it; returns (ca, chain, key)."""
    today = dt.datetime.now(dt.UTC)

    def signed(subject, key, issuer, by, *extensions):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        by_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(by_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - dt.timedelta(days=1))
            .not_valid_after(today + dt.timedelta(days=2))
        )
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(by, hashes.SHA256())

    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    key_id = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = signed(
        "acme", root, "acme", root,
        (x509.BasicConstraints(ca=True, path_length=None), True), (key_id, False), (usage, True),
    )  # fmt: skip
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    leaf = signed("localhost", own, "acme", root, (names, False), (above, False))
    files = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    files[0].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    files[2].write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
