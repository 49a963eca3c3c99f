"""RTCP packets: one after the other in a datagram, each with a text and fields (RFC 3550 §6, RFC 4585, RFC 3611)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed, Reader
from analyzer.protocols.rtp import names
from analyzer.protocols.rtp.names import hexed

if TYPE_CHECKING:
    from analyzer.core import Piece, Value

HEADER_BYTES: Final = 4
SSRC_BYTES: Final = 4
MAX_LISTED: Final = 32  # of anything that a packet lists
MAX_PACKETS: Final = 64  # of one datagram that are told
MAX_TEXT: Final = 255  # §6.5
NTP_1970: Final = 2_208_988_800  # seconds from 1900 to 1970 (§4)
NS: Final = 1_000_000_000
REMB: Final = b"REMB"  # draft-alvestrand-rmcat-remb §2.2


class Packet:
    """One packet of a compound: its kind, what it says, and what the room makes use of."""

    __slots__ = ("blocks", "event", "fields", "name", "ntp", "piece", "ssrc", "text", "type")

    def __init__(self, piece: Piece, packet_type: int, count: int) -> None:
        self.piece = piece
        self.type = packet_type
        self.name, self.event = names.packet_event(packet_type, count)
        self.text = ""
        self.fields: dict[str, Value] = {"packet_type": {"value": packet_type, "name": self.name}}
        self.ssrc = -1
        self.ntp = 0  # of a sender report: the middle 32 bits
        self.blocks: list[dict[str, Value]] = []


def sizes(data: bytes, start: int, stop: int) -> list[int]:
    """The sizes of the packets from `start` on that fill the bytes up to `stop` exactly; empty where they do not."""
    found: list[int] = []
    for _ in range((stop - start) // HEADER_BYTES):
        if start + HEADER_BYTES > stop:
            break
        size = HEADER_BYTES + 4 * (data[start + 2] << 8 | data[start + 3])
        known = names.FIRST_PACKET <= data[start + 1] <= names.LAST_PACKET
        if data[start] >> 6 != 2 or not known or start + size > stop:
            return []
        found.append(size)
        start += size
        if start == stop:
            return found
    return []


def head_fits(data: bytes, start: int, size: int) -> bool:
    """Whether a first packet of `size` bytes has just the length that its counts ask for (reports, and feedback)."""
    count, packet_type = data[start] & 31, data[start + 1]
    words = size // 4 - 1
    if packet_type == names.SENDER_REPORT:
        return words == 6 + 6 * count
    if packet_type == names.RECEIVER_REPORT:
        return words == 1 + 6 * count
    if packet_type == names.PAYLOAD_FEEDBACK:
        if count == names.PLI:
            return words == 2
        return words >= 4 and count in (names.FIR, names.APPLICATION_LAYER)
    if packet_type == names.TRANSPORT_FEEDBACK:
        return 3 <= words <= 64 and count in (names.NACK, names.TRANSPORT_CC, names.CONGESTION)
    return False


def read(piece: Piece) -> Packet:
    """One packet.  Raises Malformed where its lengths contradict each other."""
    reader = Reader(piece)
    first = reader.uint("version, padding and count", 1)
    packet_type = reader.uint("packet_type", 1)
    reader.uint("length", 2)
    count = first & 31
    packet = Packet(piece, packet_type, count)
    if first & 32 and len(piece) > HEADER_BYTES:
        padding = piece.data[piece.stop - 1]
        if padding and padding <= len(piece) - HEADER_BYTES:
            packet.fields["padding_bytes"] = padding
            reader = Reader(piece.cut(0, len(piece) - padding))
            reader.skip("header", HEADER_BYTES)
        else:
            raise Malformed(f"padding of {padding} bytes in a packet of {len(piece)} (RFC 3550 §6.4.1)")
    if packet_type == names.SENDER_REPORT:
        _sender_report(packet, reader, count)
    elif packet_type == names.RECEIVER_REPORT:
        packet.ssrc = _ssrc(packet, reader)
        _blocks(packet, reader, count)
        packet.text = _blocks_text(packet)
    elif packet_type == names.SOURCE_DESCRIPTION:
        _descriptions(packet, reader, count)
    elif packet_type == names.BYE:
        _bye(packet, reader, count)
    elif packet_type == names.APPLICATION:
        packet.ssrc = _ssrc(packet, reader)
        packet.fields["subtype"] = count
        packet.fields["name"] = reader.text("name", 4, "ascii")
        packet.fields["data_bytes"] = reader.left
        packet.text = f"{packet.fields['name']!r}, {reader.left} bytes"
    elif packet_type in (names.TRANSPORT_FEEDBACK, names.PAYLOAD_FEEDBACK):
        _feedback(packet, reader, count)
    elif packet_type == names.EXTENDED_REPORT:
        _extended(packet, reader)
    else:
        packet.fields["data_bytes"] = reader.left
        packet.text = f"{len(piece)} bytes"
    return packet


def _ssrc(packet: Packet, reader: Reader) -> int:
    found = reader.uint("ssrc", SSRC_BYTES)
    packet.fields["ssrc"] = found
    return found


# --- reports (RFC 3550 §6.4) ------------------------------------------------------------------------------------------


def _sender_report(packet: Packet, reader: Reader, count: int) -> None:
    packet.ssrc = _ssrc(packet, reader)
    seconds, fraction = reader.uint("ntp_seconds", 4), reader.uint("ntp_fraction", 4)
    packet.ntp = (seconds & 0xFFFF) << 16 | fraction >> 16
    fields = packet.fields
    if seconds:
        fields["ntp_time_ns"] = (seconds - NTP_1970) * NS + (fraction * NS >> 32)
    fields["rtp_timestamp"] = reader.uint("rtp_timestamp", 4)
    fields["sender_packet_count"] = reader.uint("sender_packet_count", 4)
    fields["sender_octet_count"] = reader.uint("sender_octet_count", 4)
    packets, octets = fields["sender_packet_count"], fields["sender_octet_count"]
    sent = f"{hexed(packet.ssrc)} has sent {packets:,} packets, {octets:,} bytes"
    _blocks(packet, reader, count)
    packet.text = f"{sent}; {_blocks_text(packet)}" if packet.blocks else sent


def _blocks(packet: Packet, reader: Reader, count: int) -> None:
    for _ in range(count):
        with reader.group("report block"):
            block: dict[str, Value] = {"ssrc": reader.uint("ssrc", 4)}
            block["fraction_lost"] = reader.uint("fraction_lost", 1)
            lost = reader.uint("cumulative_number_of_packets_lost", 3)
            block["cumulative_number_of_packets_lost"] = lost - (1 << 24) if lost >> 23 else lost
            block["extended_highest_sequence_number"] = reader.uint("extended_highest_sequence_number", 4)
            block["jitter"] = reader.uint("jitter", 4)
            block["lsr"] = reader.uint("lsr", 4)
            block["dlsr"] = reader.uint("dlsr", 4)
        packet.blocks.append(block)
    if packet.blocks:
        packet.fields["report_blocks"] = packet.blocks


def _blocks_text(packet: Packet) -> str:
    said = []
    for block in packet.blocks[:3]:
        share = block["fraction_lost"] * 100 / 256
        lost = "nothing lost" if not block["fraction_lost"] else f"{share:.1f} % lost"
        total = block["cumulative_number_of_packets_lost"]
        total_text = f" ({total:,} in all)" if total else ""
        said.append(f"of {hexed(block['ssrc'])} {lost}{total_text}, jitter {block['jitter']:,}")
    more = len(packet.blocks) - 3
    if more > 0:
        said.append(f"and of {more} more")
    return "; ".join(said) or "nothing received yet"


# --- who is who, and who leaves (RFC 3550 §6.5, §6.6) -----------------------------------------------------------------


def _descriptions(packet: Packet, reader: Reader, count: int) -> None:
    chunks: list[Value] = []
    for _ in range(count):
        start = reader.at
        chunk: dict[str, Value] = {"ssrc": reader.uint("ssrc", 4)}
        for _ in reader.each("item"):
            kind = reader.uint("type", 1)
            if not kind:
                break
            value = reader.text("text", reader.uint("length", 1))
            chunk[names.ITEMS.get(kind, f"item_{kind}")] = value
        reader.skip("padding", min(-(reader.at - start) % 4, reader.left))
        if packet.ssrc < 0:
            packet.ssrc = int(chunk["ssrc"])
        if len(chunks) < MAX_LISTED:
            chunks.append(chunk)
    packet.fields["chunks"] = chunks
    said = [f"{hexed(chunk['ssrc'])} is {chunk.get('cname', 'without a name')!r}" for chunk in chunks[:3]]
    packet.text = "; ".join(said) + ("; ..." if count > 3 else "")


def _bye(packet: Packet, reader: Reader, count: int) -> None:
    sources = [reader.uint("ssrc", 4) for _ in range(count)]
    packet.ssrc = sources[0] if sources else -1
    packet.fields["ssrcs"] = sources[:MAX_LISTED]
    packet.text = ", ".join(hexed(ssrc) for ssrc in sources[:3]) + (" leaves" if len(sources) == 1 else " leave")
    if reader.left:
        reason = reader.text("reason_for_leaving", min(reader.uint("length", 1), reader.left))
        packet.fields["reason_for_leaving"] = reason
        packet.text += f": {reason!r}"


# --- feedback (RFC 4585 §6, RFC 5104, draft-holmer-rmcat-transport-wide-cc-extensions) --------------------------------


def _feedback(packet: Packet, reader: Reader, kind: int) -> None:
    packet.ssrc = reader.uint("ssrc of packet sender", 4)
    media = reader.uint("ssrc of media source", 4)
    packet.fields["sender_ssrc"] = packet.ssrc
    packet.fields["media_ssrc"] = media
    packet.text = f"for {hexed(media)}"
    if packet.type == names.TRANSPORT_FEEDBACK:
        if kind == names.NACK:
            _nack(packet, reader, media)
        elif kind == names.TRANSPORT_CC:
            _transport_cc(packet, reader)
        elif kind in (names.TMMBR, names.TMMBN):
            _bit_rates(packet, reader)
    elif kind == names.PLI:
        packet.text = f"a whole picture of {hexed(media)}, please"
    elif kind == names.FIR:
        wanted = []
        for _ in range(reader.left // 8):
            wanted.append({"ssrc": reader.uint("ssrc", 4), "seq_nr": reader.uint("seq_nr", 1)})
            reader.skip("reserved", 3)
        packet.fields["entries"] = wanted[:MAX_LISTED]
        packet.text = "a whole picture of " + (", ".join(hexed(int(one["ssrc"])) for one in wanted[:3]) or hexed(media))
    elif kind == names.APPLICATION_LAYER:
        if reader.peek(4) == REMB:
            _remb(packet, reader)
        else:
            packet.fields["data_bytes"] = reader.left
            packet.text += f", {reader.left} bytes"


def _nack(packet: Packet, reader: Reader, media: int) -> None:
    missing: list[int] = []
    count = 0
    for _ in range(reader.left // 4):
        first, mask = reader.uint("pid", 2), reader.uint("blp", 2)
        lost = [first] + [first + 1 + bit & 0xFFFF for bit in range(16) if mask >> bit & 1]
        count += len(lost)
        missing.extend(lost[: MAX_LISTED - len(missing)] if len(missing) < MAX_LISTED else [])
    packet.fields["packets"] = count
    packet.fields["sequence_numbers"] = missing
    listed = ", ".join(str(one) for one in missing[:4]) + (", ..." if count > 4 else "")
    packet.text = f"lacks {count} packet{'' if count == 1 else 's'} of {hexed(media)}: {listed}"


def _transport_cc(packet: Packet, reader: Reader) -> None:
    base, count = reader.uint("base_sequence_number", 2), reader.uint("packet_status_count", 2)
    reference = reader.uint("reference_time", 3)
    packet.fields["base_sequence_number"] = base
    packet.fields["packet_status_count"] = count
    packet.fields["reference_time_ms"] = (reference - (1 << 24) if reference >> 23 else reference) * 64
    packet.fields["fb_pkt_count"] = reader.uint("fb_pkt_count", 1)
    received = _received(reader, count)
    packet.fields["received"] = received
    packet.text = f"{received} of {count} packets from transport number {base} on have come"


def _received(reader: Reader, count: int) -> int:
    """How many of `count` packets the chunks of a transport-wide report call received."""
    found = told = 0
    for _ in range(min(count, reader.left // 2)):
        if told >= count or reader.left < 2:
            break
        chunk = reader.uint("packet_chunk", 2)
        if not chunk >> 15:  # run length
            run = min(chunk & 0x1FFF, count - told)
            found += run if chunk >> 13 & 3 in (1, 2) else 0
            told += run
        elif chunk >> 14 & 1:  # seven symbols of two bits
            symbols = [chunk >> shift & 3 for shift in range(12, -1, -2)][: count - told]
            found += sum(symbol in (1, 2) for symbol in symbols)
            told += 7
        else:
            symbols = [chunk >> shift & 1 for shift in range(13, -1, -1)][: count - told]
            found += sum(symbols)
            told += 14
    return found


def _bit_rates(packet: Packet, reader: Reader) -> None:
    """RFC 5104 §4.2.1."""
    entries = []
    for _ in range(reader.left // 8):
        ssrc, word = reader.uint("ssrc", 4), reader.uint("mxtbr", 4)
        entries.append({"ssrc": ssrc, "bitrate": (word >> 9 & 0x1FFFF) << (word >> 26), "overhead": word & 0x1FF})
    packet.fields["entries"] = entries[:MAX_LISTED]
    said = [f"{hexed(int(one['ssrc']))} at most {_rate(int(one['bitrate']))}" for one in entries[:3]]
    packet.text = "; ".join(said) or packet.text


def _remb(packet: Packet, reader: Reader) -> None:
    packet.event, packet.name = "remb", "REMB"
    packet.fields["packet_type"] = {"value": packet.type, "name": "REMB"}
    reader.skip("unique_identifier", 4)
    count, high, low = reader.uint("num_ssrc", 1), reader.uint("br_exp_mantissa", 1), reader.uint("br_mantissa", 2)
    rate = ((high & 3) << 16 | low) << (high >> 2)
    ssrcs = [reader.uint("ssrc_feedback", 4) for _ in range(min(count, reader.left // 4))]
    packet.fields["bitrate"] = rate
    packet.fields["ssrcs"] = ssrcs[:MAX_LISTED]
    packet.text = f"can take {_rate(rate)}"


def _rate(bits: int) -> str:
    if bits >= 1_000_000:
        return f"{bits / 1e6:,.1f} Mbit/s"
    return f"{bits / 1e3:,.0f} kbit/s"


# --- extended reports (RFC 3611) --------------------------------------------------------------------------------------


def _extended(packet: Packet, reader: Reader) -> None:
    packet.ssrc = _ssrc(packet, reader)
    blocks: list[Value] = []
    for _ in reader.each("report block"):
        kind = reader.uint("block_type", 1)
        reader.uint("type_specific", 1)
        size = 4 * reader.uint("block_length", 2)
        block: dict[str, Value] = {"block_type": {"value": kind, "name": names.BLOCKS.get(kind, f"block {kind}")}}
        if kind == 7 and size == 32:  # §4.7
            inner = reader.sub("VoIP metrics", size)
            block["ssrc"] = inner.uint("ssrc", 4)
            block["loss_rate"] = inner.uint("loss_rate", 1)
            block["discard_rate"] = inner.uint("discard_rate", 1)
            inner.skip("bursts", 6)
            block["round_trip_delay_ms"] = inner.uint("round_trip_delay", 2)
            block["end_system_delay_ms"] = inner.uint("end_system_delay", 2)
            inner.skip("levels", 4)
            block["r_factor"] = inner.uint("r_factor", 1)
            inner.skip("ext_r_factor", 1)
            block["mos_lq"] = inner.uint("mos_lq", 1) / 10
            block["mos_cq"] = inner.uint("mos_cq", 1) / 10
        else:
            reader.skip("block", size)
        if len(blocks) < MAX_LISTED:
            blocks.append(block)
    packet.fields["blocks"] = blocks
    packet.text = ", ".join(str(block["block_type"]["name"]) for block in blocks[:4]) or "no blocks"
