"""`REDIS_URL`, in all its forms, and TLS for real."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from realtime.redis_address import parse
from tests.cast import GENERAL
from tests.realtime.buses import gets_through, process, starting, until
from tests.servers import LOOPBACK, Valkey, free_port


@pytest.mark.parametrize(
    ("url", "seeds", "database"),
    [
        ("redis://localhost", ["localhost:6379"], 0),
        ("redis://", ["localhost:6379"], 0),
        ("redis://h:7/3", ["h:7"], 3),
        ("redis://h:7/?ssl_cert_reqs=none", ["h:7"], 0),
        ("rediss://:p@h/", ["h:6379"], 0),
        ("valkey://a:1,b:2,c", ["a:1", "b:2", "c:6379"], 0),
        ("redis://u:p@[::1]:5,[fe80::1]", ["[::1]:5", "[fe80::1]:6379"], 0),
    ],
)
def test_a_url_says_where_redis_is(url: str, seeds: list[str], database: int) -> None:
    access = parse(url)
    assert [str(seed) for seed in access.seeds] == seeds
    assert access.database == database
    assert (access.tls is not None) == url.startswith("rediss")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("", b"*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"),
        (":secret@", b"$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n"),
        ("ada:%40%2F%2C@", b"$4\r\nAUTH\r\n$3\r\nada\r\n$3\r\n@/,\r\n"),
    ],
)
def test_a_url_says_how_to_get_in(login: str, words: bytes) -> None:
    assert words in parse(f"redis://{login}a,b").hello


@pytest.mark.parametrize(
    "url", ["http://h", "h:6379", "", "redis://:secret@h:port", "redis://:secret@h/x", "redis://:secret@h:99999"]
)
def test_what_is_no_url_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="REDIS_URL") as refused:
        parse(url)
    assert "secret" not in str(refused.value)


async def test_certificates_are_checked_unless_the_url_says_otherwise(
    valkey: Valkey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = self_signed(tmp_path)
    async with tls_in_front_of(valkey, certificate) as port, process(valkey.url, GENERAL) as listener:
        url = f"rediss://{LOOPBACK}:{port}"
        for options in (f"?ssl_ca_certs={certificate}", "?ssl_cert_reqs=none"):
            async with process(url + options) as sender:
                await gets_through(sender, listener)
            listener.heard.clear()
        async with starting(url) as stranger:
            await until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
        assert stranger.state.connected == 0


@asynccontextmanager
async def tls_in_front_of(server: Valkey, certificate: Path) -> AsyncIterator[int]:
    """A port where TLS is spoken, and passed on to a server in the clear."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, server.port)
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = free_port()
    async with await asyncio.start_server(serve, LOOPBACK, port, ssl=context):
        yield port


def self_signed(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody has signed but itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "verbatim tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "tls.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
