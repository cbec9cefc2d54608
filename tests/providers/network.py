"""A proxy and a TLS server with its own authority, both real and on loopback."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _join(near: socket.socket, far: socket.socket) -> None:
    other = threading.Thread(target=_pump, args=(far, near), daemon=True)
    other.start()
    _pump(near, far)
    other.join(2)
    near.close()
    far.close()


@contextmanager
def _listening(serve) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    near, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(near,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run an HTTP proxy; yield its URL and, as they come, the hosts asked for with CONNECT."""
    asked: list[str] = []

    def serve(near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            got = near.recv(4096)
            if not got:
                return near.close()
            head += got
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        asked.append(target)
        if method != "CONNECT":
            near.sendall(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n")
            return near.close()
        host, _, port = target.rpartition(":")
        far = socket.create_connection((host, int(port)))
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return _join(near, far)

    with _listening(serve) as port:
        yield f"http://127.0.0.1:{port}", asked


@contextmanager
def tls(url: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Put a server behind TLS; yield the https URL and the file of the authority that vouches."""
    authority, chain = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    parts = urlsplit(url)

    def serve(plain: socket.socket) -> None:
        try:
            near = context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            return plain.close()
        far = socket.create_connection((parts.hostname, parts.port))
        return _join(near, far)

    with _listening(serve) as port:
        yield f"https://localhost:{port}{parts.path}", authority


def _certificates(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, issuer: str, key) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
        )

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = builder("Firma CA", "Firma CA", ca_key)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = ca.add_extension(usage, critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    signed_ca = ca.add_extension(own, critical=False).sign(ca_key, hashes.SHA256())
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = builder("localhost", "Firma CA", key)
    leaf = leaf.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    signed = leaf.add_extension(by, critical=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    authority, chain = folder / "authority.pem", folder / "chain.pem"
    authority.write_bytes(signed_ca.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + signed.public_bytes(pem))
    return authority, chain
