"""Statuses, methods and field names of HTTP (RFC 9110), and what `explain` knows of them."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

#: RFC 9110 §15 and IANA's registry: status, reason phrase, what it says, where that is written.
STATUSES: Final[tuple[tuple[int, str, str, str], ...]] = (
    (
        100,
        "Continue",
        "The head was taken: the client may send the body that it held back (Expect: 100-continue).",
        "15.2.1",
    ),
    (
        101,
        "Switching Protocols",
        (
            "The server agrees to Upgrade: from the next byte on, both sides speak the protocol that it names. For a "
            "WebSocket it must carry the Sec-WebSocket-Accept that fits the key."
        ),
        "15.2.2",
    ),
    (102, "Processing", "The request is being worked on; the answer is still to come.", "RFC 2518 10.1"),
    (
        103,
        "Early Hints",
        "Fields that the answer will probably have, so that the client can fetch what they name.",
        "RFC 8297 2",
    ),
    (
        200,
        "OK",
        (
            "The request succeeded. To CONNECT: the tunnel is open. As the answer to an upgrade it means: the server, "
            "or a proxy before it, took the request for an ordinary one."
        ),
        "15.3.1",
    ),
    (201, "Created", "The request succeeded and made something new, which Location names.", "15.3.2"),
    (202, "Accepted", "The request was taken and will be worked on later.", "15.3.3"),
    (203, "Non-Authoritative Information", "The answer was changed by a proxy on its way.", "15.3.4"),
    (204, "No Content", "The request succeeded, and there is no body.", "15.3.5"),
    (205, "Reset Content", "The request succeeded: the form may be cleared.", "15.3.6"),
    (206, "Partial Content", "The part that Range asked for.", "15.3.7"),
    (207, "Multi-Status", "WebDAV: the body has a status for each of several things.", "RFC 4918 11.1"),
    (208, "Already Reported", "WebDAV: its members stand in an earlier part of the answer.", "RFC 5842 7.1"),
    (226, "IM Used", "The body is the difference to an earlier answer.", "RFC 3229 10.4.1"),
    (300, "Multiple Choices", "There are several forms of it: the client has to choose.", "15.4.1"),
    (
        301,
        "Moved Permanently",
        "It is elsewhere for good: Location says where. WebSockets of browsers don't follow.",
        "15.4.2",
    ),
    (
        302,
        "Found",
        "It is elsewhere for now: Location says where; often a login page. WebSockets don't follow.",
        "15.4.3",
    ),
    (303, "See Other", "The answer is to be fetched by GET from where Location says.", "15.4.4"),
    (304, "Not Modified", "What the client has stored is still good; there is no body.", "15.4.5"),
    (305, "Use Proxy", "Not used any more.", "15.4.6"),
    (307, "Temporary Redirect", "As 302, with the same method and body.", "15.4.8"),
    (308, "Permanent Redirect", "As 301, with the same method and body; often http to https.", "15.4.9"),
    (
        400,
        "Bad Request",
        (
            "The server could not make sense of the request: its syntax, a field that is missing or too much, or "
            "another protocol (TLS to a plain port). To an upgrade: fields that it needs did not arrive."
        ),
        "15.5.1",
    ),
    (401, "Unauthorized", "The server wants a login: WWW-Authenticate says which kind.", "15.5.2"),
    (402, "Payment Required", "Reserved; some services answer so when an account is used up.", "15.5.3"),
    (
        403,
        "Forbidden",
        "Understood and refused: an Origin, address, path or token that is not allowed. A login won't help.",
        "15.5.4",
    ),
    (
        404,
        "Not Found",
        "Nothing is at this path; for a WebSocket often a wrong path, or one that the proxy does not route.",
        "15.5.5",
    ),
    (405, "Method Not Allowed", "This method is not for this path: Allow has those that are.", "15.5.6"),
    (406, "Not Acceptable", "There is no form of it that the Accept fields take.", "15.5.7"),
    (
        407,
        "Proxy Authentication Required",
        (
            "The proxy, not the server, wants a login: Proxy-Authenticate says which kind. The client comes back with "
            "Proxy-Authorization, or gives up."
        ),
        "15.5.8",
    ),
    (
        408,
        "Request Timeout",
        "The request did not come in the time that the server waits; it closes the connection.",
        "15.5.9",
    ),
    (409, "Conflict", "The request does not fit the state that the thing is in.", "15.5.10"),
    (410, "Gone", "It was here, and will not be again.", "15.5.11"),
    (411, "Length Required", "The server wants a Content-Length.", "15.5.12"),
    (412, "Precondition Failed", "A condition of the request (If-Match, say) does not hold.", "15.5.13"),
    (
        413,
        "Content Too Large",
        "The body is larger than the server takes; it may close before it has read it.",
        "15.5.14",
    ),
    (414, "URI Too Long", "The target is longer than the server takes.", "15.5.15"),
    (415, "Unsupported Media Type", "The server takes no body of this Content-Type.", "15.5.16"),
    (416, "Range Not Satisfiable", "The part that Range asks for is not there.", "15.5.17"),
    (417, "Expectation Failed", "Expect asks for what the server does not do; try without it.", "15.5.18"),
    (418, "(Unused)", "A joke of RFC 2324 that is kept free.", "15.5.19"),
    (
        421,
        "Misdirected Request",
        "This server does not answer for this host on this connection: open another one.",
        "15.5.20",
    ),
    (422, "Unprocessable Content", "The syntax is right, and what it says makes no sense here.", "15.5.21"),
    (423, "Locked", "WebDAV: somebody has it locked.", "RFC 4918 11.3"),
    (424, "Failed Dependency", "WebDAV: what it depends on failed.", "RFC 4918 11.4"),
    (
        425,
        "Too Early",
        "It came as early data of TLS 1.3, which could be a replay: send it again after the handshake.",
        "RFC 8470 5.2",
    ),
    (
        426,
        "Upgrade Required",
        (
            "The server wants another protocol, which its Upgrade field names. To a WebSocket it means: the Upgrade of "
            "the request did not arrive (a proxy dropped it), or Sec-WebSocket-Version is none that it speaks; the "
            "answer's Sec-WebSocket-Version then has those that it does."
        ),
        "15.5.22",
    ),
    (428, "Precondition Required", "The server wants a conditional request (If-Match).", "RFC 6585 3"),
    (429, "Too Many Requests", "Too many in too short a time: Retry-After may say how long to wait.", "RFC 6585 4"),
    (
        431,
        "Request Header Fields Too Large",
        "The fields are larger than the server takes: cookies, mostly.",
        "RFC 6585 5",
    ),
    (451, "Unavailable For Legal Reasons", "Law forbids to show it.", "RFC 7725 3"),
    (500, "Internal Server Error", "The server failed at it: its log says why.", "15.6.1"),
    (501, "Not Implemented", "The server does not know this method.", "15.6.2"),
    (
        502,
        "Bad Gateway",
        (
            "A proxy got no valid answer from the server behind it: that is down, refuses, or speaks another "
            "protocol than the proxy thinks (TLS, HTTP/1.0). Look at the proxy's log."
        ),
        "15.6.3",
    ),
    (
        503,
        "Service Unavailable",
        "Overloaded, in maintenance, or no server is behind this proxy: Retry-After may say more.",
        "15.6.4",
    ),
    (
        504,
        "Gateway Timeout",
        "A proxy waited for the server behind it, and gave up: that one is slow, or not reachable.",
        "15.6.5",
    ),
    (505, "HTTP Version Not Supported", "The server does not speak this version of HTTP.", "15.6.6"),
    (506, "Variant Also Negotiates", "The server is configured in a circle.", "RFC 2295 8.1"),
    (507, "Insufficient Storage", "WebDAV: no room is left.", "RFC 4918 11.5"),
    (508, "Loop Detected", "WebDAV: it contains itself.", "RFC 5842 7.2"),
    (510, "Not Extended", "Not used any more.", "RFC 2774 7"),
    (
        511,
        "Network Authentication Required",
        "The network (a hotspot, say) wants a login before anything else.",
        "RFC 6585 6",
    ),
)
WORDS: Final[dict[str, Word]] = {
    **{
        str(status): Word(
            f"HTTP status code {status} {reason}", said, spec if spec[:3] == "RFC" else f"RFC 9110 {spec}"
        )
        for status, reason, said, spec in STATUSES
    },
    "CONNECT": Word(
        "CONNECT method",
        "Asks a proxy for a tunnel to host:port. After a 2xx the proxy passes on bytes both ways and reads none of "
        "them: that is how wss goes through proxies, and in browsers ws too.",
        "RFC 9110 9.3.6",
    ),
    "Upgrade": Word(
        "Upgrade field",
        "Names the protocol that a client wants to change to on this connection; it counts only if Connection lists "
        "it. It is for one hop: a proxy that does not know it drops it, and the server sees an ordinary request.",
        "RFC 9110 7.8",
    ),
    "Connection": Word(
        "Connection field",
        "Lists what is for this hop only (Upgrade, keep-alive, close, names of fields): a proxy does not pass that on.",
        "RFC 9110 7.6.1",
    ),
    "Host": Word("Host field", "Which site of the server the request is for: HTTP/1.1 requires it.", "RFC 9110 7.2"),
    "Via": Word(
        "Via field",
        'Each proxy adds itself, with the version of HTTP that it was spoken to by: "1.0 name" is one that can\'t pass '
        "on an upgrade.",
        "RFC 9110 7.6.3",
    ),
    "Forwarded": Word(
        "Forwarded field",
        "What a proxy knows of the client: for (its address), by, host, proto. Anybody can write it: only what comes "
        "from a proxy of one's own is to be believed.",
        "RFC 7239 4",
    ),
    "X-Forwarded-For": Word(
        "X-Forwarded-For field",
        "The client's address, then those of the proxies on the way, each added by the next one: the older form of "
        "Forwarded.",
        "RFC 7239 1",
    ),
    "Proxy-Authenticate": Word(
        "Proxy-Authenticate field",
        "Which login a proxy wants (Basic, Digest, Negotiate, NTLM); comes with 407.",
        "RFC 9110 11.7.1",
    ),
    "Proxy-Authorization": Word(
        "Proxy-Authorization field", "The client's login at a proxy. Only the scheme is shown here.", "RFC 9110 11.7.2"
    ),
    "Transfer-Encoding": Word(
        "Transfer-Encoding field",
        "How the body is packed for this hop; chunked must be the last. With a Content-Length beside it, two readers "
        "may see two different ends: request smuggling.",
        "RFC 9112 6.1",
    ),
    "Content-Length": Word("Content-Length field", "How many bytes of body follow.", "RFC 9110 8.6"),
    "chunked": Word(
        "chunked transfer coding",
        "A body in pieces, each with its size in hex on a line before it; size 0 ends it, and trailers may follow.",
        "RFC 9112 7.1",
    ),
    "trailer": Word(
        "trailer section",
        "Fields behind a chunked body, for what is known only then (a checksum, say).",
        "RFC 9112 7.1.2",
    ),
    "pipelining": Word(
        "pipelining",
        "Several requests are sent before the first is answered; the answers come in the order of the requests.",
        "RFC 9112 9.3.2",
    ),
    "obs-fold": Word(
        "obs-fold",
        "A field value that goes on in the next line, which then begins with white space. Nobody may send it any more; "
        "servers refuse it or take it as one line.",
        "RFC 9112 5.2",
    ),
    "Expect": Word(
        "Expect: 100-continue",
        "The client holds the body back until 100 Continue comes, or a refusal; after a while it sends it anyway.",
        "RFC 9110 10.1.1",
    ),
    "hop-by-hop": Word(
        "hop-by-hop fields",
        "Fields for the next hop only, which a proxy takes out: Connection and what it lists, Upgrade, TE, "
        "Transfer-Encoding, Proxy-Connection, Keep-Alive.",
        "RFC 9110 7.6.1",
    ),
    "persistent connection": Word(
        "keepalive of HTTP",
        "The connection stays open for further requests unless one side says Connection: close; in HTTP/1.0 only if "
        "both say keep-alive.",
        "RFC 9112 9.3",
    ),
}

#: Field lines whose values stand in the notes, in snake_case.
FIELDS: Final = {
    name: name.replace("-", "_")
    for name in (
        "accept",
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "forwarded",
        "http2-settings",
        "location",
        "origin",
        "proxy-authenticate",
        "referer",
        "retry-after",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "server",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "www-authenticate",
        "x-forwarded-for",
        "x-forwarded-proto",
    )
}
#: Field lines that are secrets: no view shows what they say.
SECRETS: Final = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie"})
#: Methods that may be recognised from their first bytes alone, before the request line is complete.
METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL"),
    *("COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MERGE", "CHECKOUT", "M-SEARCH", "NOTIFY", "SUBSCRIBE"),
)
