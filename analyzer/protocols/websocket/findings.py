"""What a WebSocket's notes and findings are: kinds of lines, and verdicts with cause and advice."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

KINDS: Final[dict[str, Kind]] = {
    "websocket.upgrade": Kind("§4.1", "The client asks to turn this HTTP connection into a WebSocket.", "upgrade"),
    "websocket.accept": Kind("§4.2.2", "The server agrees: from here on both send frames.", "accept"),
    "websocket.refuse": Kind("§4.2.2", "The server answers, but not with a WebSocket.", "refuse"),
    "websocket.text": Kind("§5.6", "A frame of UTF-8 text: a whole message, or its beginning.", "text"),
    "websocket.binary": Kind("§5.6", "A frame of bytes: a whole message, or its beginning.", "binary"),
    "websocket.continuation": Kind("§5.4", "Goes on with the message before it.", "continuation"),
    "websocket.close": Kind("§5.5.1", "Begins or answers the closing handshake.", "close"),
    "websocket.ping": Kind("§5.5.2", "Asks for a pong.", "ping"),
    "websocket.pong": Kind("§5.5.3", "Answers a ping.", "pong"),
    "websocket.reserved": Kind("§5.2", "A frame of an opcode that has no meaning.", "reserved"),
    "websocket.gap": Kind("§5.2", "Bytes are missing: frames are looked for again behind them."),
    "websocket.malformed": Kind("§5.2", "Bytes that are no frame: from here on this stream is not read."),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    "websocket.upgrade-malformed": FindingKind(
        Severity.ERROR,
        "The handshake of a WebSocket lacks what it must have",
        "§4.1, 4.2.1",
        cause="A client or server that is none of WebSocket, a library at fault, or a proxy that changed the fields.",
        advice="Compare the fields with those that RFC 6455 asks for; try without the proxy.",
    ),
    "websocket.upgrade-stripped": FindingKind(
        Severity.ERROR,
        "The Upgrade of the request was lost on the way, or ignored",
        "RFC 9110 7.8; RFC 6455 4.1",
        cause="A proxy that speaks HTTP/1.0 to the server, or does not pass on Upgrade and Connection, which are for "
        "one hop only; less likely the server has no WebSocket at this path.",
        advice="In the proxy, set HTTP/1.1 towards the server and pass Upgrade and Connection on (nginx: "
        "proxy_http_version 1.1, proxy_set_header Upgrade and Connection); or use wss, which proxies tunnel.",
    ),
    "websocket.upgrade-version-unsupported": FindingKind(
        Severity.ERROR,
        "The server does not speak this version of WebSocket",
        "§4.2.2, 4.4",
        cause="Sec-WebSocket-Version of the request is none of those that the server names.",
        advice="Version 13 is the only one of RFC 6455: update the side that has another one.",
    ),
    "websocket.upgrade-bad-accept": FindingKind(
        Severity.ERROR,
        "Sec-WebSocket-Accept does not fit the key: the client must drop the connection",
        "§4.1, 1.3",
        cause="A cached or copied answer, a server that does not compute it, or a proxy that answers by itself.",
        advice="The value has to be base64(SHA-1(key + the GUID of RFC 6455)); forbid caching of upgrades.",
    ),
    "websocket.upgrade-subprotocol-not-offered": FindingKind(
        Severity.ERROR,
        "The server chose a subprotocol that the client had not offered",
        "§4.1",
        cause="Client and server are configured for different subprotocols.",
        advice="The server may only choose from Sec-WebSocket-Protocol of the request, or leave the field out.",
    ),
    "websocket.upgrade-extension-not-offered": FindingKind(
        Severity.ERROR,
        "The server uses an extension that the client had not offered",
        "§4.1, 9.1",
        cause="A server or proxy that adds Sec-WebSocket-Extensions of its own.",
        advice="The server may only accept what the request offers: turn the extension off there.",
    ),
    "websocket.upgrade-no-subprotocol": FindingKind(
        Severity.WARNING,
        "The server chose none of the subprotocols that the client offered: browsers drop the connection then",
        "§4.1",
        cause="The server does not know any of them, or does not look at Sec-WebSocket-Protocol.",
        advice="Let the server choose one of those that are offered, or don't offer any: `new WebSocket(url)`.",
    ),
    "websocket.upgrade-forbidden": FindingKind(
        Severity.ERROR,
        "The server refuses this client",
        "§4.2.2, 10.2",
        cause="Most often the Origin is not on the server's list; else an address, a path or a token is not allowed.",
        advice="Add this origin to those that the server allows, or look at what its log says of this request.",
    ),
    "websocket.upgrade-unauthorised": FindingKind(
        Severity.ERROR,
        "The server wants a login first",
        "§4.1, 4.2.2",
        cause="No credentials, or old ones; the WebSocket of a browser can't set an Authorization field.",
        advice="Log in before, and send the cookie, or a token in the path or as a subprotocol.",
    ),
    "websocket.upgrade-redirected": FindingKind(
        Severity.ERROR,
        "The server sends the client elsewhere, and browsers don't follow that",
        "§4.1",
        cause="http that is redirected to https, a missing slash at the end of the path, or a login page.",
        advice="Use the address that Location names (with ws for http, wss for https).",
    ),
    "websocket.upgrade-refused": FindingKind(
        Severity.ERROR,
        "The server did not open a WebSocket",
        "§4.2.2",
        cause="There is no WebSocket at this path, or the server behind failed.",
        advice="The status says what it met; check the path, then the server's log.",
    ),
    "websocket.frame-unmasked-from-client": FindingKind(
        Severity.ERROR,
        "The client sends frames without a mask",
        "§5.1, 5.3",
        cause="A client of someone's own making, or one that believes it is a server.",
        advice="A server has to close the connection (1002): mask every frame of the client.",
    ),
    "websocket.frame-masked-from-server": FindingKind(
        Severity.ERROR,
        "The server masks its frames",
        "§5.1",
        cause="A server of someone's own making, or a library for clients used in one.",
        advice="A client has to close the connection (1002): never mask what a server sends.",
    ),
    "websocket.frame-reserved-bits": FindingKind(
        Severity.ERROR,
        "A frame has reserved bits set that no extension gives a meaning",
        "§5.2",
        cause="One side compresses though no extension was agreed on, or a proxy took the extension out of the answer.",
        advice="Compare Sec-WebSocket-Extensions of request and answer, at both sides of a proxy.",
    ),
    "websocket.frame-bad-opcode-or-sequence": FindingKind(
        Severity.ERROR,
        "A frame that may not come here",
        "§5.2, 5.4",
        cause="A library at fault: messages of several threads mixed, or a continuation without a beginning.",
        advice="Send one message after the other, with one writer for each connection.",
    ),
    "websocket.frame-control-invalid": FindingKind(
        Severity.ERROR,
        "A control frame that is too long, or in pieces",
        "§5.5",
        cause="A library at fault: a ping, pong or close has 125 bytes at most and is never fragmented.",
        advice="Shorten the reason of the close, or what the ping carries.",
    ),
    "websocket.message-invalid-utf8": FindingKind(
        Severity.ERROR,
        "A text message is not UTF-8",
        "§8.1, 7.4.1",
        cause="Bytes that were sent as text: another encoding, or binary data; or a character cut in two.",
        advice="Send it as a binary message, or encode it as UTF-8; the receiver has to close with 1007.",
    ),
    "websocket.deflate-failed": FindingKind(
        Severity.ERROR,
        "A compressed message can't be inflated",
        "RFC 7692 7.1.1, 7.1.2, 7.2.2",
        cause="The sides do not have the same context: one of them resets it and the other does not, or a window is "
        "smaller than agreed on.",
        advice="Ask for client_no_context_takeover and server_no_context_takeover, or turn the extension off, and see "
        "whether it goes away.",
    ),
    "websocket.close-abnormal": FindingKind(
        Severity.ERROR,
        "The connection ended without a Close frame: both ends see 1006",
        "§7.1.5, 7.4.1",
        cause="The process crashed or was killed, a proxy's time-out, or the network went away.",
        advice="Look at the log of the side that ended it, and of proxies between, at that very time.",
    ),
    "websocket.close-code": FindingKind(
        Severity.WARNING,
        "The WebSocket was closed because something was wrong",
        "§7.4.1, 7.4.2",
        cause="The code says what; the reason, where there is one, comes from the application.",
        advice="Look at the message before the close: that is what the other side did not like.",
    ),
    "websocket.close-illegal-code": FindingKind(
        Severity.WARNING,
        "A Close frame carries what may not be in one",
        "§7.4.1, 5.5.1",
        cause="A library at fault: 1005, 1006 and 1015 are what an end tells its own application; a body has no or at "
        "least two bytes.",
        advice="Close with 1000, 1001 or a code from 3000 to 4999.",
    ),
    "websocket.ping-unanswered": FindingKind(
        Severity.WARNING,
        "A ping was not answered",
        "§5.5.3",
        cause="The other application hangs, or the path has died; TCP alone does not notice either for minutes.",
        advice="Look at what the other side did from then on; close and connect again after a time-out.",
    ),
    "websocket.too-big": FindingKind(
        Severity.ERROR,
        "A message was too big for the other side",
        "§7.4.1, 10.4",
        cause="The receiver has a limit for messages (often 1 MiB, or 64 KiB) and this one was larger.",
        advice="Raise the limit (maxPayload, max_size, max_message_size), or send it in several messages.",
    ),
}
