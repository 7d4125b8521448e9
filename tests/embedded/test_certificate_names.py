"""Which address a server calls itself: with TLS one that its certificate is for."""

from __future__ import annotations

import pytest
import trustme

from fastapi_esdb.embedded.address import Address
from fastapi_esdb.embedded.certificate import ServerCertificate


def certificate(*names: str) -> ServerCertificate:
    issued = trustme.CA().issue_cert(*names)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return ServerCertificate(b"a comment\n\n" + chain, issued.private_key_pem.bytes())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses(host: str) -> None:
    """Those among its alternative names, of both kinds."""
    assert certificate("localhost", host).names(host)
    assert not certificate("localhost").names(host)
    assert not certificate("localhost", "127.0.0.2", "::2").names(host)


def test_host_names() -> None:
    """A name is no address: nobody has to be sent to another one."""
    assert not certificate("localhost").names("localhost")


@pytest.mark.parametrize(
    ("address", "names", "advertised"),
    [
        (Address("127.0.0.1", 1), (), "127.0.0.1:1"),
        (Address("127.0.0.1", 1), ("localhost",), "localhost:1"),
        (Address("127.0.0.1", 1), ("localhost", "127.0.0.1"), "127.0.0.1:1"),
        (Address("::1", 1), (), "[::1]:1"),
        (Address("::1", 1), ("localhost", "127.0.0.1"), "localhost:1"),
        (Address("::1", 1), ("localhost", "::1"), "[::1]:1"),
        (Address("localhost", 1), ("localhost",), "localhost:1"),
        (Address("192.168.1.2", 1), ("localhost",), "192.168.1.2:1"),
        (Address("db.example", 1), ("localhost",), "db.example:1"),
    ],
)
def test_what_is_advertised(address: Address, names: tuple[str, ...], advertised: str) -> None:
    """Clients of this machine are sent to what the certificate names, others to the host as it was given."""
    assert str(address.advertised(certificate(*names) if names else None)) == advertised


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_what_is_advertised_for_all_addresses(host: str) -> None:
    """Nobody can connect to "all addresses": the name of the machine stands for them."""
    assert Address(host, 1).advertised(None).host not in (host, "")
