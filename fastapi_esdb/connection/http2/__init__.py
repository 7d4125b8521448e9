"""gRPC over our own HTTP/2: plain objects that are driven by bytes, and a thin asyncio protocol on top of them.

It speaks what a gRPC client speaks, and no more: no server push, no priorities, no compression of messages. The
chapters named in the modules are those of RFC 9113 (HTTP/2) and RFC 7541 (HPACK).
"""
