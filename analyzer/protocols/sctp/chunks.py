"""Chunks of SCTP read into fields by the RFC's names (RFC 9260 §3.3, RFC 8260, RFC 6525, RFC 3758)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.sctp import names
from analyzer.protocols.sctp.names import (
    ABORT,
    ERROR,
    FORWARD_TSN,
    HEARTBEAT,
    HEARTBEAT_ACK,
    I_FORWARD_TSN,
    INIT,
    INIT_ACK,
    RE_CONFIG,
    SACK,
    SHUTDOWN,
)

if TYPE_CHECKING:
    from analyzer.core import Reader, Value

MAX_LISTED: Final = 64
MAX_BYTES: Final = 64  # of a value that is shown


def read(kind: int, reader: Reader, fields: dict[str, Value]) -> str:
    """Read what the chunk holds behind its header into `fields`; gives the words on it."""
    if kind in (INIT, INIT_ACK):
        return init(reader, fields)
    if kind == SACK:
        return sack(reader, fields)
    if kind in (ABORT, ERROR):
        return causes(reader, fields)
    if kind in (HEARTBEAT, HEARTBEAT_ACK):
        reader.rest("heartbeat_info")
        return ""
    if kind == SHUTDOWN:
        fields["cumulative_tsn_ack"] = reader.uint("cumulative_tsn_ack", 4)
        return ""
    if kind in (FORWARD_TSN, I_FORWARD_TSN):
        return forward(kind, reader, fields)
    if kind == RE_CONFIG:
        return re_config(reader, fields)
    rest = reader.rest("value")
    fields["value_bytes"] = len(rest)
    return ""


def init(reader: Reader, fields: dict[str, Value]) -> str:
    """§3.3.2, §3.3.3: tags, window, streams, and parameters."""
    fields["initiate_tag"] = reader.uint("initiate_tag", 4)
    fields["a_rwnd"] = reader.uint("a_rwnd", 4)
    fields["outbound_streams"] = reader.uint("number_of_outbound_streams", 2)
    fields["inbound_streams"] = reader.uint("number_of_inbound_streams", 2)
    fields["initial_tsn"] = reader.uint("initial_tsn", 4)
    said = [
        f"{fields['outbound_streams']:,} streams out, {fields['inbound_streams']:,} in at most",
        f"window {fields['a_rwnd']:,}",
    ]
    listed: list[Value] = []
    for number, value in parameters(reader):
        name = names.PARAMETERS.get(number, f"parameter_{number}")
        entry: dict[str, Value] = {"type": {"value": number, "name": name}, "bytes": len(value)}
        if name == "supported_extensions":
            entry["chunks"] = [names.chunk_event(one) for one in value[:MAX_LISTED]]
            fields["supported_extensions"] = entry["chunks"]
        elif name == "zero_checksum_acceptable" and len(value) >= 4:
            entry["error_detection_method"] = int.from_bytes(value[:4], "big")
            fields["zero_checksum_acceptable"] = True
        elif name == "forward_tsn_supported":
            fields["forward_tsn_supported"] = True
        elif name == "state_cookie":
            fields["state_cookie_bytes"] = len(value)
        if len(listed) < MAX_LISTED:
            listed.append(entry)
    fields["parameters"] = listed
    if fields.get("supported_extensions"):
        said.append(f"knows {', '.join(fields['supported_extensions'])}")
    if fields.get("zero_checksum_acceptable"):
        said.append("takes zero checksums")
    return ", ".join(said)


def parameters(reader: Reader) -> list[tuple[int, bytes]]:
    """Type and value of each, §3.2.1; one that is cut ends them."""
    found = []
    for _ in reader.each("parameter"):
        if reader.left < 4:
            break
        number, size = reader.uint("parameter_type", 2), reader.uint("parameter_length", 2)
        if size < 4 or size - 4 > reader.left:
            break
        value = reader.raw("parameter_value", size - 4)
        found.append((number, value))
        padding = min(-size % 4, reader.left)
        if padding:
            reader.raw("padding", padding)
    return found


def sack(reader: Reader, fields: dict[str, Value]) -> str:
    """§3.3.4: what arrived up to where, and which blocks beyond."""
    fields["cumulative_tsn_ack"] = reader.uint("cumulative_tsn_ack", 4)
    fields["a_rwnd"] = reader.uint("a_rwnd", 4)
    gaps, copies = reader.uint("number_of_gap_ack_blocks", 2), reader.uint("number_of_duplicate_tsns", 2)
    blocks: list[Value] = []
    for _ in range(min(gaps, reader.left // 4)):
        block = [reader.uint("gap_ack_block_start", 2), reader.uint("gap_ack_block_end", 2)]
        if len(blocks) < MAX_LISTED:
            blocks.append(block)
    twice = [reader.uint("duplicate_tsn", 4) for _ in range(min(copies, reader.left // 4))]
    if gaps:
        fields["gap_ack_blocks"] = blocks
    if copies:
        fields["duplicate_tsns"] = twice[:MAX_LISTED]
    said = f"up to TSN {fields['cumulative_tsn_ack']}, window {fields['a_rwnd']:,}"
    if gaps:
        said += f", {gaps} gap{'' if gaps == 1 else 's'}"
    return f"{said}, {copies} came twice" if copies else said


def causes(reader: Reader, fields: dict[str, Value]) -> str:
    """§3.3.10: why, as often as the chunk says."""
    listed: list[Value] = []
    said = []
    for number, value in parameters(reader):
        entry: dict[str, Value] = {"code": {"value": number, "name": names.cause_name(number)}, "bytes": len(value)}
        text = names.cause_name(number)
        if number in (names.USER_ABORT, 13) and value:
            entry["reason"] = value[:200].decode("utf-8", "backslashreplace")
            text = f"{text}: {entry['reason']!r}"
        elif value:
            entry["information"] = value[:MAX_BYTES].hex()
        if len(listed) < MAX_LISTED:
            listed.append(entry)
            said.append(text)
    fields["causes"] = listed
    return ", ".join(said) or "without a cause"


def forward(kind: int, reader: Reader, fields: dict[str, Value]) -> str:
    """RFC 3758 §3.2, RFC 8260 §2.3.1: where to go on, and on which streams."""
    fields["new_cumulative_tsn"] = reader.uint("new_cumulative_tsn", 4)
    streams: list[Value] = []
    size = 4 if kind == FORWARD_TSN else 8
    for _ in range(reader.left // size):
        if kind == FORWARD_TSN:
            entry = {"stream": reader.uint("stream", 2), "stream_sequence": reader.uint("stream_sequence", 2)}
        else:
            entry = {"stream": reader.uint("stream_identifier", 2), "unordered": bool(reader.uint("flags", 2) & 1)}
            entry["message_identifier"] = reader.uint("message_identifier", 4)
        if len(streams) < MAX_LISTED:
            streams.append(entry)
    fields["streams"] = streams
    return f"go on behind TSN {fields['new_cumulative_tsn']}"


def re_config(reader: Reader, fields: dict[str, Value]) -> str:
    """RFC 6525 §4: requests and their results."""
    said = []
    listed: list[Value] = []
    for number, value in parameters(reader):
        name = names.PARAMETERS.get(number, f"parameter_{number}")
        entry: dict[str, Value] = {"type": {"value": number, "name": name}}
        words = [int.from_bytes(value[at : at + 4], "big") for at in range(0, min(len(value), 12), 4)]
        if number == 13 and len(value) >= 12:
            streams = [int.from_bytes(value[at : at + 2], "big") for at in range(12, len(value) - 1, 2)]
            entry.update(request=words[0], response=words[1], last_tsn=words[2], streams=streams[:MAX_LISTED])
            shown = ", ".join(map(str, streams[:8])) or "all"
            said.append(f"resets its outgoing stream{'' if len(streams) == 1 else 's'} {shown}")
        elif number == 14 and len(value) >= 4:
            streams = [int.from_bytes(value[at : at + 2], "big") for at in range(4, len(value) - 1, 2)]
            entry.update(request=words[0], streams=streams[:MAX_LISTED])
            said.append(f"asks to have stream {', '.join(map(str, streams[:8])) or 'all'} reset")
        elif number == 16 and len(value) >= 8:
            result = names.RESULTS[words[1]] if words[1] < len(names.RESULTS) else f"result {words[1]}"
            entry.update(response=words[0], result={"value": words[1], "name": result})
            said.append(f"answers: {result}")
        elif number in (17, 18) and len(value) >= 8:
            entry.update(request=words[0], streams=words[1] >> 16)
            said.append(f"adds {words[1] >> 16} streams")
        if len(listed) < MAX_LISTED:
            listed.append(entry)
    fields["parameters"] = listed
    return "; ".join(said)
