"""WebRTC data channels: how they are opened, and their messages (RFC 8831, RFC 8832)."""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import FindingKind, Severity, Word
from analyzer.protocols.datachannel.dissector import CHANNEL_TYPES, DataChannels

KINDS: Final[dict[str, core.Kind]] = {
    "datachannel.open": core.Kind(
        "§5.1", "One side opens a channel: its label, its protocol, how reliable it is.", "OPEN"
    ),
    "datachannel.ack": core.Kind("§5.2", "The other side knows of the channel.", "ACK"),
    "datachannel.message": core.Kind("RFC 8831 6.6", "A message of the application.", "message"),
    "datachannel.close": core.Kind("RFC 8831 6.7", "One side closes a channel, by a reset of its stream.", "close"),
    "datachannel.malformed": core.Kind("§5", "A message about a channel that can't be read."),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    "datachannel.open-unacked": FindingKind(
        Severity.WARNING,
        "A data channel was opened, and the other side never said that it knows",
        "§5.2, 6",
        cause="The other side's application or library does not handle data channels that it did not open itself.",
        advice="See whether it has a handler (ondatachannel), and what it did with the message.",
    ),
    "datachannel.parity-conflict": FindingKind(
        Severity.WARNING,
        "A data channel has a stream id that belongs to the other side",
        "§6",
        cause="The sides do not agree on who is DTLS client: that one takes even stream ids, the other odd ones.",
        advice="Compare a=setup of offer and answer with who sent the ClientHello.",
    ),
    "datachannel.malformed": FindingKind(
        Severity.ERROR,
        "A message that opens a channel contradicts itself",
        "§5.1",
        cause="A library at fault: the lengths of label and protocol do not fit the message.",
        advice="Compare with what another implementation sends.",
    ),
    "datachannel.none-but-data": FindingKind(
        Severity.INFO,
        "Messages came on a channel that nobody opened here",
        "RFC 8831 6.4",
        cause="By design: the channel was agreed on by the applications (negotiated: true), or opened before.",
        advice="Nothing.",
    ),
    "datachannel.deprecated-ppid": FindingKind(
        Severity.NOTICE,
        "Messages are split in a way that is deprecated",
        "RFC 8831 6.6, 8",
        cause="An old library: payload protocol identifiers 52 and 54.",
        advice="Update it; large messages are split by SCTP itself.",
    ),
    "datachannel.closed-by-reset": FindingKind(
        Severity.INFO,
        "A data channel was closed",
        "RFC 8831 6.7; RFC 6525 5",
        cause="By design: close() resets the streams of the channel, on both sides.",
        advice="Nothing, if the application meant to close it.",
    ),
}

WORDS: Final[dict[str, Word]] = {
    **{
        f"channel type {number:#04x}": Word(f"data channel, {said}", f"The channel is {said}.", "§5.1")
        for number, said in CHANNEL_TYPES.items()
    },
    "DATA_CHANNEL_OPEN": Word(
        "DATA_CHANNEL_OPEN, type 3 of DCEP",
        "The first message on a stream (PPID 50): label, protocol and reliability of the channel that it opens.",
        "§5.1",
    ),
    "DATA_CHANNEL_ACK": Word(
        "DATA_CHANNEL_ACK, type 2 of DCEP", "One byte (PPID 50): the other side knows of the channel.", "§5.2"
    ),
    "negotiated": Word(
        "negotiated data channel",
        "Both applications give the same id, and nothing is sent to open it.",
        "RFC 8831 6.4",
    ),
    "DCEP": Word(
        "Data Channel Establishment Protocol",
        "Opens a data channel by one message on its stream (OPEN), which the other side acknowledges; messages may "
        "follow at once. Channels that both applications know of need none.",
        "§1",
    ),
}

PROTOCOL = core.Protocol(
    "datachannel",
    "Data channels",
    "RFC 8832",
    ("sctp:webrtc",),
    KINDS,
    FINDINGS,
    None,
    DataChannels,
    words=WORDS,
)
