"""The PROXY protocol, versions 1 and 2: a balancer says in front of a connection whose connection it is.

Its one document is https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, whose sections are cited here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from analyzer import core
from analyzer.core import About, Handoff, Malformed, Note, Piece, Reader, Side, Value

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
HEADER_BYTES: Final = 16
MAX_LINE_BYTES: Final = 107  # §2.1
START: Final = b"PROXY "

LOCAL: Final = 0
PROXY: Final = 1
UNSPEC: Final = 0
INET: Final = 1
INET6: Final = 2
UNIX: Final = 3
TRANSPORTS: Final = ("unspecified", "TCP", "UDP")
FAMILIES: Final = {"TCP4": 4, "TCP6": 6}

#: Types of TLVs, §2.2.
ALPN: Final = 0x01
AUTHORITY: Final = 0x02
CRC32C: Final = 0x03
NOOP: Final = 0x04
UNIQUE_ID: Final = 0x05
SSL: Final = 0x20
NETNS: Final = 0x30
TEXTS: Final = {
    ALPN: "alpn",
    AUTHORITY: "authority",
    0x21: "ssl_version",
    0x22: "ssl_cn",
    0x23: "ssl_cipher",
    0x24: "ssl_sig_alg",
    0x25: "ssl_key_alg",
    NETNS: "netns",
}

KINDS: Final = {
    "proxy.proxy-protocol": core.Kind(
        "§2", "A balancer or proxy says in front of the stream whose connection this is.", "PROXY"
    ),
    "proxy.malformed": core.Kind("§2", "Bytes that break the PROXY protocol: this stream is not read."),
}


class ProxyProtocol(core.Dissector):
    """One header, in front of whatever follows."""

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if SIGNATURE.startswith(head[: len(SIGNATURE)]):
            return None if len(head) < HEADER_BYTES else HEADER_BYTES + int.from_bytes(head[14:16], "big")
        end = head.find(b"\n", 0, MAX_LINE_BYTES)
        if end < 0 and len(head) >= MAX_LINE_BYTES:
            raise Malformed(f"a line of more than {MAX_LINE_BYTES} bytes (§2.1)")
        return None if end < 0 else end + 1

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        reader = Reader(unit)
        fields = read_2(reader) if unit.data[unit.start] == SIGNATURE[0] else read_1(reader)
        yield Note("proxy.proxy-protocol", text_of(fields), unit, fields)
        facts: dict[str, Value] = {"proxy": f"PROXY protocol {fields['version']}"}
        if "source" in fields:
            facts["proxied_source"] = fields["source"]
            facts["proxied_destination"] = fields["destination"]
        yield About(None, facts)
        yield Handoff("tcp")


def read_1(reader: Reader) -> dict[str, Value]:
    """§2.1: PROXY, the family, two addresses, two ports."""
    words = reader.rest("line").decode("ascii", "backslashreplace").rstrip("\r\n").split(" ")
    if words[0] != "PROXY" or len(words) < 2:
        raise Malformed("no line of the PROXY protocol (§2.1)")
    fields: dict[str, Value] = {"version": 1, "command": "PROXY", "transport": words[1]}
    if words[1] == "UNKNOWN":
        return fields
    if words[1] not in FAMILIES or len(words) != 6:
        raise Malformed("neither TCP4, TCP6 nor UNKNOWN, or not two addresses and two ports (§2.1)")
    for place, host, port in (("source", words[2], words[4]), ("destination", words[3], words[5])):
        if not good_address(host, FAMILIES[words[1]]) or not port.isdecimal() or len(port) > 5:
            raise Malformed(f"no address or no port: {place} (§2.1)")
        fields[place] = joined(host, int(port))
    return fields


def good_address(host: str, version: int) -> bool:
    try:
        return ip_address(host).version == version
    except ValueError:
        return False


def read_2(reader: Reader) -> dict[str, Value]:
    """§2.2: signature, version and command, family and transport, length, addresses, TLVs."""
    reader.raw("sig", len(SIGNATURE))
    first, second = reader.uint("ver_cmd", 1), reader.uint("fam", 1)
    rest = reader.sub("rest", reader.uint("len", 2))
    version, command = first >> 4, first & 15
    if version != 2 or command not in (LOCAL, PROXY):
        raise Malformed(f"version {version}, command {command} (§2.2)")
    family, transport = second >> 4, second & 15
    fields: dict[str, Value] = {"version": 2, "command": ("LOCAL", "PROXY")[command]}
    fields["transport"] = TRANSPORTS[transport] if transport < len(TRANSPORTS) else f"transport {transport}"
    if family == INET:
        source, destination = str(IPv4Address(rest.raw("src_addr", 4))), str(IPv4Address(rest.raw("dst_addr", 4)))
    elif family == INET6:
        source, destination = str(IPv6Address(rest.raw("src_addr", 16))), str(IPv6Address(rest.raw("dst_addr", 16)))
    elif family == UNIX:
        fields["source"], fields["destination"] = unix_path(rest, "src_addr"), unix_path(rest, "dst_addr")
    if family in (INET, INET6):
        fields["source"] = joined(source, rest.uint("src_port", 2))
        fields["destination"] = joined(destination, rest.uint("dst_port", 2))
    if family in (INET, INET6, UNIX):
        read_tlvs(rest, fields)
    if command == LOCAL:
        fields.pop("source", None)
        fields.pop("destination", None)
    return fields


def read_tlvs(reader: Reader, fields: dict[str, Value]) -> None:
    """Type, length, value; that of SSL holds a byte of flags, the result of verifying, and TLVs of its own."""
    for _ in reader.each("tlv"):
        kind = reader.uint("type", 1)
        value = reader.sub("value", reader.uint("length", 2))
        if kind == SSL:
            fields["ssl"] = bool(value.uint("client", 1) & 1)
            fields["ssl_verified"] = value.uint("verify", 4) == 0
            read_inner(value, fields)
        elif kind in TEXTS:
            fields[TEXTS[kind]] = value.text("text", value.left)[:255]
        elif kind == UNIQUE_ID:
            fields["unique_id"] = value.rest("unique_id")[:128].hex()
        else:
            value.skip("other", value.left)


def read_inner(reader: Reader, fields: dict[str, Value]) -> None:
    for _ in reader.each("sub_tlv"):
        kind = reader.uint("type", 1)
        text = reader.text("text", reader.uint("length", 2))
        if kind in TEXTS:
            fields[TEXTS[kind]] = text[:255]


def unix_path(reader: Reader, name: str) -> str:
    return "unix:" + reader.raw(name, 108).partition(b"\0")[0].decode("utf-8", "backslashreplace")


def joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def text_of(fields: dict[str, Value]) -> str:
    if fields["command"] == "LOCAL":
        return "the proxy's own connection, a health check say"
    if "source" not in fields:
        return "of an unknown source"
    text = f"for {fields['source']} to {fields['destination']}"
    inside = [str(fields[name]) for name in ("ssl_version", "alpn", "authority") if name in fields]
    return f"{text} ({', '.join(inside)})" if inside else text


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a header of the PROXY protocol; None asks for more bytes."""
    if head[:1] == b"P":
        start = head[: len(START)]
        if not START.startswith(start):
            return False
        if len(head) < 9:
            return None
        return head[6:9] in (b"TCP", b"UNK")
    if SIGNATURE.startswith(head[: len(SIGNATURE)]):
        return None if len(head) < 13 else head[12] >> 4 == 2
    return False


PROTOCOL = core.Protocol(
    "proxy_protocol",
    "PROXY protocol",
    "PROXY protocol",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    ProxyProtocol,
)
