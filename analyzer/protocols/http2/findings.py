"""Lines and verdicts of HTTP/2."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

KINDS: Final[dict[str, Kind]] = {
    "http2.preface": Kind("§3.4", "The client says that it speaks HTTP/2.", "preface"),
    "http2.settings": Kind("§6.5", "How this side wants to be spoken to.", "SETTINGS"),
    "http.request": Kind("§8.3.1", "The client asks for something; a body may follow.", "request"),
    "http.response": Kind(
        "§8.3.2", "The server answers; the status says how it went, and a body may follow.", "response"
    ),
    "http2.push-promise": Kind("§6.6", "The server announces a response that nobody asked for.", "PUSH_PROMISE"),
    "http2.rst-stream": Kind("§6.4", "Ends one stream at once; the others go on.", "RST_STREAM"),
    "http2.ping": Kind("§6.7", "Measures a round trip.", "PING"),
    "http2.goaway": Kind("§6.8", "No new streams from here on: the connection is about to end.", "GOAWAY"),
    "http2.headers": Kind("§6.2", "Fields of which not all can be read; the first such line says why.", "HEADERS"),
    "http2.late": Kind("§3.4", "The beginning of the connection is not in the capture."),
    "http2.wrong-size": Kind("§4.2", "A frame of a size that its type does not have, or larger than is taken."),
    "http2.gap": Kind("§4.1", "Bytes are missing: from here on this direction is not read."),
    "http2.malformed": Kind("§4.1", "Bytes that break HTTP/2: from here on this stream is not read."),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    "http2.goaway-error": FindingKind(
        Severity.WARNING,
        "One side gave up the HTTP/2 connection because of an error",
        "§6.8, 7",
        cause="The code says what it did not like; debug data, where there is some, says it in words.",
        advice="Look at what the other side sent right before; requests above the last stream id can be tried again.",
    ),
    "http2.stream-reset": FindingKind(
        Severity.WARNING,
        "A stream was reset because of an error",
        "§6.4, 7",
        cause="The code says what was wrong; ENHANCE_YOUR_CALM and REFUSED_STREAM mean too much at once.",
        advice="Look at the request of that stream, and at the log of the side that reset it.",
    ),
    "http2.flow-control-stall": FindingKind(
        Severity.NOTICE,
        "A sender had to wait, because the receiver's window was used up",
        "§5.2, 6.9",
        cause="The receiving application reads slowly, or its window is small for the round trip.",
        advice="Raise SETTINGS_INITIAL_WINDOW_SIZE (and the connection's window) at the receiver, or find what it "
        "waits for.",
    ),
    "http2.frame-size": FindingKind(
        Severity.ERROR,
        "A frame has a size that it may not have",
        "§4.2, 6",
        cause="The sender's HTTP/2 is at fault, or does not heed SETTINGS_MAX_FRAME_SIZE; or something on the path "
        "changes the bytes.",
        advice="The other side has to end the connection (or the stream) with FRAME_SIZE_ERROR or PROTOCOL_ERROR: look "
        "for it. Update the sender.",
    ),
    "http2.fields-too-large": FindingKind(
        Severity.WARNING,
        "Fields are larger than anybody needs",
        "§10.5.1; RFC 7541 7.3",
        cause="An attack that makes the receiver use up memory or time (an HPACK bomb, a flood of CONTINUATION); or "
        "cookies that grew beyond all measure.",
        advice="Look who sends this. The receiver should have limits of its own (SETTINGS_MAX_HEADER_LIST_SIZE), and "
        "updates against CVE-2016-6581 and CVE-2024-27316.",
    ),
    "websocket.upgrade-on-h2": FindingKind(
        Severity.ERROR,
        "A WebSocket was asked for in a way that HTTP/2 does not have",
        "RFC 8441 3, 4; RFC 9113 8.6",
        cause="The server does not offer extended CONNECT, and the client or a proxy asks over HTTP/2 all the same.",
        advice="Turn on extended CONNECT (RFC 8441) at the server, or have WebSockets over HTTP/1.1 (ALPN http/1.1).",
    ),
}
