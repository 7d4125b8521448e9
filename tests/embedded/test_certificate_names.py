"""Which address a server with TLS may call itself in the gossip: one that its certificate is for."""

from __future__ import annotations

import pytest
import trustme

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
