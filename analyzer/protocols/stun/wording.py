"""What a message says, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.stun import names
from analyzer.protocols.stun.messages import mapped_of, relayed_of

if TYPE_CHECKING:
    from analyzer.core import Value
    from analyzer.protocols.stun.messages import Message

MAX_SHOWN: Final = 60
MAX_PEERS: Final = 3


def sentence(text: str) -> str:
    """Begun with a capital, ended with a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def joined(where: Value) -> str:
    """An address and its port: "192.0.2.1:80", "[2001:db8::1]:80"."""
    host, port = where["address"], where["port"]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def end(peer: tuple[str, int]) -> str:
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"


def as_value(peer: tuple[str, int]) -> Value:
    return {"address": peer[0], "port": peer[1]}


def short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def is_check(message: Message) -> bool:
    """Whether a Binding request is a connectivity check of ICE (RFC 8445 §7.1)."""
    fields = message.fields
    return "priority" in fields or "ice_controlling" in fields or "ice_controlled" in fields


def nominates(fields: dict[str, Value]) -> bool:
    """Whether a check nominates its pair: by USE-CANDIDATE, or by the number of a renomination."""
    return "use_candidate" in fields or "nomination" in fields


def text_of(message: Message, asked: Message | None) -> str:
    """The text of the note of `message`; `asked` is the request that it answers, where that is known."""
    fields = message.fields
    if message.error or message.message_class == names.ERROR:
        return _refusal(fields)
    class_, method = message.message_class, message.method
    if method == names.BINDING:
        if message.dtls_bytes:
            return f"{_binding(message)}, with {message.dtls_bytes:,} bytes of DTLS"
        return _binding(message)
    if method == names.SEND or method == names.DATA_METHOD:
        return _carried(message)
    if class_ == names.REQUEST:
        return _request(message)
    if class_ == names.SUCCESS:
        return _success(message, asked)
    if method == names.CONNECTION_ATTEMPT and message.peer is not None:
        return f"{end(message.peer)} has connected{_connection(fields)}"
    return ""


def _connection(fields: dict[str, Value]) -> str:
    number = fields.get("connection_id")
    return f", as connection {number}" if number is not None else ""


def _refusal(fields: dict[str, Value]) -> str:
    error = fields.get("error_code")
    if not isinstance(error, dict):
        return "refused, without a code"
    words = [f"{error['value']} {short(error['reason'] or error['name'])}"]
    if "realm" in fields and isinstance(fields["realm"], str):
        words.append(f"realm {short(fields['realm'])}")
    if isinstance(fields.get("alternate_server"), dict):
        words.append(f"try {joined(fields['alternate_server'])}")
    unknown = fields.get("unknown_attributes")
    if isinstance(unknown, list) and unknown:
        words.append(" and ".join(one["name"] for one in unknown[:MAX_PEERS]))
    return ", ".join(words)


def _binding(message: Message) -> str:
    fields = message.fields
    if message.message_class == names.INDICATION:
        return "keep-alive"
    if message.message_class == names.SUCCESS:
        for name in ("xor_mapped_address", "ms_xor_mapped_address", "mapped_address"):
            found = fields.get(name)
            if isinstance(found, dict):
                return f"your address is {joined(found)}"
        return "answered, without an address"
    if not is_check(message):
        user = fields.get("username")
        return f"asks for its address, as {short(user)}" if isinstance(user, str) else "asks for its address"
    words = [f"check for {short(fields['username'])}" if isinstance(fields.get("username"), str) else "check"]
    if "ice_controlling" in fields:
        words.append("controlling")
    elif "ice_controlled" in fields:
        words.append("controlled")
    if "priority" in fields:
        words.append(f"priority {fields['priority']}")
    if "nomination" in fields:
        words.append(f"nominates this pair (nomination {fields['nomination']})")
    elif "use_candidate" in fields:
        words.append("nominates this pair")
    return ", ".join(words)


def _carried(message: Message) -> str:
    if message.peer is None:
        return f"{message.data_bytes} bytes"
    return f"{message.data_bytes} bytes {'to' if message.method == names.SEND else 'from'} {end(message.peer)}"


def _seconds(fields: dict[str, Value]) -> str:
    return f" for {fields['lifetime']} s" if isinstance(fields.get("lifetime"), int) else ""


def _peers(message: Message) -> str:
    """The hosts of its peers: a permission is for an address, whatever the port (RFC 8656 §9)."""
    hosts = list(dict.fromkeys(host for host, _ in message.peers))
    more = f" and {len(hosts) - MAX_PEERS} more" if len(hosts) > MAX_PEERS else ""
    return ", ".join(hosts[:MAX_PEERS]) + more


def _request(message: Message) -> str:
    fields, method = message.fields, message.method
    if method == names.ALLOCATE:
        transport = fields.get("requested_transport")
        words = f"asks for a relayed {transport['name']} address" if isinstance(transport, dict) else "asks for a relay"
        user = fields.get("username")
        return f"{words}, as {short(user)}" if isinstance(user, str) else words
    if method == names.REFRESH:
        return "gives the allocation up" if fields.get("lifetime") == 0 else f"keeps the allocation{_seconds(fields)}"
    if method == names.CREATE_PERMISSION:
        return f"lets {_peers(message)} in" if message.peers else ""
    if method == names.CHANNEL_BIND:
        return f"channel 0x{message.channel:04x} for {end(message.peer)}" if message.peer is not None else ""
    if method == names.CONNECT:
        return f"to {end(message.peer)}" if message.peer is not None else ""
    if method == names.CONNECTION_BIND and "connection_id" in fields:
        return f"this is for connection {fields['connection_id']}"
    return ""


def _success(message: Message, asked: Message | None) -> str:
    fields, method = message.fields, message.method
    if method == names.ALLOCATE:
        relayed, mapped = relayed_of(message), mapped_of(message)
        words = f"relayed address {joined(relayed)}{_seconds(fields)}" if isinstance(relayed, dict) else "allocated"
        return f"{words}, your address is {joined(mapped)}" if isinstance(mapped, dict) else words
    if method == names.REFRESH:
        return "the allocation is gone" if fields.get("lifetime") == 0 else f"kept{_seconds(fields)}"
    if asked is not None and method == names.CREATE_PERMISSION and asked.peers:
        return f"{_peers(asked)} may send"
    if asked is not None and method == names.CHANNEL_BIND and asked.peer is not None:
        return f"channel 0x{asked.channel:04x} is {end(asked.peer)}"
    if asked is not None and method == names.CONNECT and asked.peer is not None:
        return f"connected to {end(asked.peer)}{_connection(fields)}"
    if method == names.CONNECTION_BIND:
        return "what follows is from and for the peer"
    return ""
