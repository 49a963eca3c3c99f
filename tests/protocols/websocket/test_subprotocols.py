"""A few words on the messages of subprotocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.websocket import subprotocols
from analyzer.protocols.websocket.subprotocols import by_first_message, describer
from tests.protocols.websocket.opened import BINARY, TEXT, client, notes, opened, server

if TYPE_CHECKING:
    from captures.websocket import Fields


def told(messages: list[bytes], chosen: str = "", target: str = "/chat", opcode: int = TEXT) -> tuple[str, list[str]]:
    """What the session says that it is, and what each message is said to be."""
    fields: Fields = {"Sec-WebSocket-Protocol": chosen} if chosen else {}
    said = opened(*(client(opcode, data) for data in messages), asked=fields, answered=fields, target=target)
    kind = "text" if opcode == TEXT else "binary"
    words = [str(note.fields.get("subprotocol_message", "")) for note in notes(said, kind)]
    return str(said.facts.get("application", "")), words


@pytest.mark.parametrize(
    ("chosen", "target", "opcode", "name", "messages"),
    [
        ("graphql-transport-ws", "/", TEXT, "GraphQL (graphql-transport-ws)",
         {b'{"type":"ping"}': "ping", b'{ "id":"1", "type": "subscribe"}': "subscribe", b"[]": ""}),
        ("graphql-ws", "/", TEXT, "GraphQL (graphql-ws)", {b'{"type":"ka"}': "ka"}),
        ("mqtt", "/mqtt", BINARY, "MQTT",
         {b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0": "CONNECT", b"\x20\2\0\0": "CONNACK", b"\x30\5\0\3a/b!": "PUBLISH a/b",
          b"\x32\x85\x80\0\0\1t": "PUBLISH t", b"\xc0\0": "PINGREQ", b"\0": "", b"": "", b"\x30": "PUBLISH"}),
        ("wamp.2.json", "/ws", TEXT, "WAMP", {b'[1,"r",{}]': "HELLO", b' [ 36 , 5]': "EVENT", b"[99]": "", b"x": ""}),
        ("wamp.2.msgpack", "/ws", BINARY, "WAMP", {b"\x93\x01\xa1r": "HELLO", b"\xdc\0\5\x20\1": "SUBSCRIBE"}),
        ("v12.stomp", "/", TEXT, "STOMP", {b"CONNECT\nhost:h\n\n\0": "CONNECT", b"\n": "heartbeat", b"x": ""}),
        ("", "/socket.io/?EIO=4&transport=websocket", TEXT, "Socket.IO",
         {b'0{"sid":"x"}': "open", b"2": "ping", b"3probe": "pong", b"40": "connect",
          b'42["chat","hi"]': "event chat", b"4": "message", b"x": "", b"": ""}),
        ("", "/engine.io/?EIO=3", TEXT, "Engine.IO", {b"4hello": "message"}),
        ("", "/api/kernels/1-2/channels?session_id=3", TEXT, "Jupyter",
         {b'{"header": {"msg_type": "execute_request"}}': "execute_request"}),
        ("v1.kernel.websocket.jupyter.org", "/x", BINARY, "Jupyter",
         {b"\5\0\0\0\0\0\0\0" + bytes(40) + b'shell{"msg_id":"1","msg_type":"status"}': "status"}),
    ],
)  # fmt: skip
def test_messages(chosen: str, target: str, opcode: int, name: str, messages: dict[bytes, str]) -> None:
    assert told(list(messages), chosen, target, opcode) == (name, list(messages.values()))


def test_signalr_is_known_by_its_first_message() -> None:
    said = opened(
        client(TEXT, b'{"protocol":"json","version":1}\x1e'),
        server(TEXT, b"{}\x1e"),
        client(TEXT, b'{"type":1,"target":"Send","arguments":["x"]}\x1e'),
        server(TEXT, b'{"type":6}\x1e'),
        server(TEXT, b'{"type":9}\x1e'),
        server(TEXT, b"no json\x1e"),
        target="/hub?id=1",
    )
    words = [note.fields.get("subprotocol_message") for note in notes(said, "text")]
    assert words == ["handshake", "handshake response", "invocation Send", "ping", None, None]
    assert said.facts["application"] == "SignalR"
    assert notes(said, "text")[2].text.startswith("invocation Send, 45 bytes: ")


def test_nothing_is_said_of_others() -> None:
    assert told([b'{"protocol":"json"}', b'{"type":1}'], "chat") == ("", ["", ""])
    assert describer(None) is None
    assert by_first_message(b'{"protocol":"json","version":1}') is None


@given(st.binary(max_size=600))
def test_any_message_is_described_or_not(data: bytes) -> None:
    for describe in (subprotocols.graphql, subprotocols.mqtt, subprotocols.wamp, subprotocols.stomp,
                     subprotocols.engine, subprotocols.jupyter, subprotocols.signalr):  # fmt: skip
        assert len(describe(data)) < 1000
