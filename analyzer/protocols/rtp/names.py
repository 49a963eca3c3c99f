"""What the numbers of RTP and RTCP are called: payload types, packet types, and what they report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import Value

#: Static payload types, RFC 3551 §6: encoding name, clock rate in Hz, "audio" or "video".
STATIC: Final[dict[int, tuple[str, int, str]]] = {
    0: ("PCMU", 8000, "audio"),
    3: ("GSM", 8000, "audio"),
    4: ("G723", 8000, "audio"),
    5: ("DVI4", 8000, "audio"),
    6: ("DVI4", 16000, "audio"),
    7: ("LPC", 8000, "audio"),
    8: ("PCMA", 8000, "audio"),
    9: ("G722", 8000, "audio"),
    10: ("L16 stereo", 44100, "audio"),
    11: ("L16", 44100, "audio"),
    12: ("QCELP", 8000, "audio"),
    13: ("CN", 8000, "audio"),
    14: ("MPA", 90000, "audio"),
    15: ("G728", 8000, "audio"),
    16: ("DVI4", 11025, "audio"),
    17: ("DVI4", 22050, "audio"),
    18: ("G729", 8000, "audio"),
    25: ("CelB", 90000, "video"),
    26: ("JPEG", 90000, "video"),
    28: ("nv", 90000, "video"),
    31: ("H261", 90000, "video"),
    32: ("MPV", 90000, "video"),
    33: ("MP2T", 90000, "video"),
    34: ("H263", 90000, "video"),
}
#: The first of the numbers that signalling gives a meaning to, RFC 3551 §3.
DYNAMIC_START: Final = 96
COMFORT_NOISE: Final = 13

# RTCP packet types (IANA "RTCP Control Packet Types").
SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
BYE: Final = 203
APPLICATION: Final = 204
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206
EXTENDED_REPORT: Final = 207
#: packet type -> its name, and the event in the kind of its note.
PACKETS: Final[dict[int, tuple[str, str]]] = {
    192: ("FIR", "old-fir"),
    193: ("NACK", "old-nack"),
    195: ("IJ", "extended-jitter"),
    200: ("SR", "sender-report"),
    201: ("RR", "receiver-report"),
    202: ("SDES", "source-description"),
    203: ("BYE", "bye"),
    204: ("APP", "app"),
    205: ("RTPFB", "transport-feedback"),
    206: ("PSFB", "payload-feedback"),
    207: ("XR", "extended-report"),
    208: ("AVB", "avb"),
    209: ("RSI", "receiver-summary"),
    210: ("TOKEN", "token"),
    211: ("IDMS", "idms"),
    212: ("RGRS", "reporting-group"),
    213: ("SNM", "snm"),
}
FIRST_PACKET: Final = 192
LAST_PACKET: Final = 223

NACK: Final = 1
TMMBR: Final = 3
TMMBN: Final = 4
CONGESTION: Final = 11
TRANSPORT_CC: Final = 15
PLI: Final = 1
SLI: Final = 2
RPSI: Final = 3
FIR: Final = 4
APPLICATION_LAYER: Final = 15
#: format of a transport layer feedback -> name and event (RFC 4585 §6.2 and those after it).
TRANSPORT_FORMATS: Final[dict[int, tuple[str, str]]] = {
    1: ("NACK", "nack"),
    3: ("TMMBR", "tmmbr"),
    4: ("TMMBN", "tmmbn"),
    5: ("RTCP-SR-REQ", "sr-req"),
    6: ("RAMS", "rams"),
    7: ("TLLEI", "tllei"),
    8: ("ECN", "ecn"),
    9: ("PAUSE", "pause"),
    10: ("DBI", "dbi"),
    11: ("CCFB", "ccfb"),
    15: ("transport-cc", "twcc"),
}
#: The same of a payload-specific feedback (RFC 4585 §6.3).
PAYLOAD_FORMATS: Final[dict[int, tuple[str, str]]] = {
    1: ("PLI", "pli"),
    2: ("SLI", "sli"),
    3: ("RPSI", "rpsi"),
    4: ("FIR", "fir"),
    5: ("TSTR", "tstr"),
    6: ("TSTN", "tstn"),
    7: ("VBCM", "vbcm"),
    8: ("PSLEI", "pslei"),
    9: ("ROI", "roi"),
    10: ("LRR", "lrr"),
    15: ("AFB", "application-feedback"),
}
#: Items of a source description, RFC 3550 §6.5.
ITEMS: Final[dict[int, str]] = {
    1: "cname",
    2: "name",
    3: "email",
    4: "phone",
    5: "loc",
    6: "tool",
    7: "note",
    8: "priv",
    9: "h323_caddr",
    10: "apsi",
    11: "rgrp",
    12: "rtp_stream_id",
    13: "repaired_rtp_stream_id",
    14: "ccid",
    15: "mid",
}
#: Blocks of an extended report (RFC 3611 §4, and IANA "RTCP XR Block Type").
BLOCKS: Final[dict[int, str]] = {
    1: "loss RLE",
    2: "duplicate RLE",
    3: "packet receipt times",
    4: "receiver reference time",
    5: "DLRR",
    6: "statistics summary",
    7: "VoIP metrics",
    14: "measurement information",
    15: "packet delay variation",
    16: "delay metrics",
    42: "target bitrate",
}


def codec(payload_type: int) -> str:
    """The encoding name of a static payload type; empty where signalling says what it is."""
    found = STATIC.get(payload_type)
    return found[0] if found else ""


def payload_type_of(value: int) -> Value:
    """A payload type as a field has it."""
    name = codec(value)
    return {"value": value, "name": name} if name else value


def packet_event(packet_type: int, count: int) -> tuple[str, str]:
    """Name and event of an RTCP packet; `count` is the five bits that some of them have their format in."""
    if packet_type == TRANSPORT_FEEDBACK:
        found = TRANSPORT_FORMATS.get(count)
        return found or (f"RTPFB {count}", f"transport-feedback-{count}")
    if packet_type == PAYLOAD_FEEDBACK:
        found = PAYLOAD_FORMATS.get(count)
        return found or (f"PSFB {count}", f"payload-feedback-{count}")
    found = PACKETS.get(packet_type)
    return found or (f"packet type {packet_type}", f"packet-{packet_type}")


def hexed(ssrc: int) -> str:
    """An SSRC as people write it."""
    return f"0x{ssrc:08x}"
