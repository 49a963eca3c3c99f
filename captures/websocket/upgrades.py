"""Requests for a WebSocket that are refused, or answered so that the client has to drop the connection."""

from captures.maker import SERVER, Capture, main
from captures.websocket import ACCEPT, TEXT, Fields, Socket


def refused(status: str, more: Fields | None = None, asked: Fields | None = None) -> Capture:
    socket = Socket()
    socket.ask(asked)
    socket.answer(more, status=status)
    socket.end(0.1)
    return socket.capture


def dropped(asked: Fields | None, answered: Fields) -> Capture:
    """The client drops the connection as soon as it has the answer."""
    socket = Socket()
    socket.open(asked, answered)
    socket.talk.client(0.043, "FA")
    socket.talk.server(0.063, "FA")
    socket.talk.client(0.0631, "A")
    return socket.capture


def no_subprotocol() -> Capture:
    """The server takes none of the subprotocols that were offered, and goes on."""
    socket = Socket()
    socket.open({"Sec-WebSocket-Protocol": "mqtt"})
    socket.frame(1, 0.1, TEXT, b"hello")
    socket.close(0.2)
    return socket.capture


def stripped_by_proxy() -> Capture:
    """The same request before a proxy, which answers with 400, and behind it, without its Upgrade."""
    capture = Capture()
    before = Socket(capture)
    behind = Socket(capture, number=1, at_s=0.03, client=SERVER, server="198.51.100.30")
    before.ask()
    behind.ask({"Upgrade": None, "Connection": "close", "Via": "1.0 proxy"})
    behind.answer(status="400 Bad Request")
    before.answer(status="400 Bad Request", at_s=0.12)
    behind.end(0.1)
    before.end(0.2)
    capture.sort()
    return capture


CASES = {
    "malformed": lambda: refused("400 Bad Request", asked={"Sec-WebSocket-Key": "short"}),
    "answer_malformed": lambda: dropped(None, {"Upgrade": None}),
    "version_unsupported": lambda: refused(
        "426 Upgrade Required", {"Sec-WebSocket-Version": "13"}, {"Sec-WebSocket-Version": "8"}
    ),
    "bad_accept": lambda: dropped(None, {"Sec-WebSocket-Accept": ACCEPT[::-1]}),
    "subprotocol_not_offered": lambda: dropped(None, {"Sec-WebSocket-Protocol": "mqtt"}),
    "extension_not_offered": lambda: dropped(None, {"Sec-WebSocket-Extensions": "permessage-deflate"}),
    "no_subprotocol": no_subprotocol,
    "forbidden": lambda: refused("403 Forbidden"),
    "unauthorised": lambda: refused("401 Unauthorized", {"WWW-Authenticate": 'Bearer realm="chat"'}),
    "redirected": lambda: refused("301 Moved Permanently", {"Location": "https://example.org/chat"}),
    "refused": lambda: refused("503 Service Unavailable"),
    "stripped": lambda: refused("426 Upgrade Required", {"Upgrade": "websocket"}),
    "stripped_by_proxy": stripped_by_proxy,
}

if __name__ == "__main__":
    main(__file__, CASES)
