"""Lines and verdicts of HTTP/1.1."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

KINDS: Final[dict[str, Kind]] = {
    "http.request": Kind("§3", "The client asks for something; a body may follow.", "request"),
    "http.response": Kind("§4", "The server answers; the status says how it went, and a body may follow.", "response"),
    "proxy.connect": Kind(
        "RFC 9110 9.3.6", "The client asks a proxy for a tunnel: after a 2xx, what it carries is no HTTP.", "CONNECT"
    ),
    "http.violation": Kind(
        "§2.2", "What breaks the rules of HTTP/1.1 and is understood all the same; others may be less patient."
    ),
    "http.gap": Kind("§2.2", "Bytes are missing: the next head is looked for behind them."),
    "http.malformed": Kind("§2.2", "Bytes that break HTTP/1.1: from here on this stream is not read."),
}
FINDINGS: Final[dict[str, FindingKind]] = {
    "http.proxy-connect-refused": FindingKind(
        Severity.ERROR,
        "The proxy refused to open a tunnel",
        "RFC 9110 9.3.6",
        cause="The proxy's policy does not allow this target or port, it wants a login (407), or it could not reach "
        "the target (502, 504).",
        advice="The status and its reason say which; try the target without the proxy, and look at the proxy's log.",
    ),
    "tls.not-tls": FindingKind(
        Severity.ERROR,
        "A request in clear was met with silence: the server may expect TLS",
        "§9.8; RFC 9110 4.2.2",
        cause="The port is for https (or another protocol over TLS), and the client spoke http to it; less likely the "
        "server crashed, or refuses this client.",
        advice="Try the same address with https://; the server's log tells of a bad ClientHello, or of a crash.",
    ),
    "http.bad-request": FindingKind(
        Severity.NOTICE,
        "The server could not make sense of a request",
        "RFC 9110 15.5.1",
        cause="The request breaks the syntax the server accepts, speaks another protocol (TLS to a plain port, say), "
        "or is too large.",
        advice="Compare the request with one that works; bytes before the request line and the Host field come first.",
    ),
}
