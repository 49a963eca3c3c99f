"""Messages of SIP and the descriptions in them, for the makers of this folder and for tests."""

from __future__ import annotations

from typing import Final

CRLF: Final = "\r\n"


def description(host: str, port: int, *, formats: str = "8 101", version: int = 1) -> str:
    """What a telephone offers: no ICE, no DTLS."""
    lines = ["v=0", f"o=phone 17 {version} IN IP4 {host}", "s=call", f"c=IN IP4 {host}", "t=0 0"]
    lines += [f"m=audio {port} RTP/AVP {formats}", "a=rtpmap:8 PCMA/8000"]
    if "101" in formats:
        lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16"]
    return CRLF.join(lines) + CRLF


def message(
    start: str, *, call: str = "17@client.example", number: int = 1, method: str = "INVITE", body: str = "",
    branch: str = "z9hG4bK1", more: tuple[str, ...] = (),
) -> bytes:  # fmt: skip
    """A request or a response, RFC 3261 7."""
    head = [start, f"Via: SIP/2.0/UDP client.example;branch={branch}", "Max-Forwards: 70"]
    head += ["From: Ann <sip:ann@example.net>;tag=1", "To: Bob <sip:bob@example.net>", f"Call-ID: {call}"]
    head += [f"CSeq: {number} {method}", *more]
    head += ["Content-Type: application/sdp"] if body else []
    return (CRLF.join([*head, f"Content-Length: {len(body)}"]) + CRLF + CRLF + body).encode()


def request(method: str, **how: object) -> bytes:
    return message(f"{method} sip:bob@example.net SIP/2.0", method=method, **how)  # type: ignore[arg-type]


def response(status: int, reason: str, **how: object) -> bytes:
    return message(f"SIP/2.0 {status} {reason}", **how)  # type: ignore[arg-type]
