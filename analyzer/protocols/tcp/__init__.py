"""TCP: how a connection is opened, kept and closed, and what went wrong with it (RFC 9293)."""

from typing import Final

from analyzer import core
from analyzer.protocols.tcp.dissector import Tcp
from analyzer.protocols.tcp.findings import FINDINGS
from analyzer.protocols.tcp.names import UNREACHABLE, UNREACHABLE_6

KINDS: Final = {
    "tcp.syn": core.Kind(
        "§3.5",
        "The client asks to open the connection and says which options it can do; its first byte gets this number.",
        "SYN",
    ),
    "tcp.syn-ack": core.Kind(
        "§3.5",
        "The server agrees: it acknowledges the client's number, gives its own and the options it takes.",
        "SYN-ACK",
    ),
    "tcp.ack": core.Kind(
        "§3.5", "The client acknowledges the server's number: both sides now know the connection is open.", "ACK"
    ),
    "tcp.fin": core.Kind("§3.6", "This side has sent all it had; it may still receive.", "FIN"),
    "tcp.rst": core.Kind(
        "§3.5.2", "The connection is refused or given up at once; nothing that is still under way counts.", "RST"
    ),
    "tcp.gap": core.Kind("§3.8", "The capture lacks bytes of this stream: the receiver got them, we did not.", "gap"),
    "tcp.retransmission": core.Kind(
        "§3.8.1", "Bytes that were sent before are sent again, as no acknowledgment came in time.", "sent again"
    ),
    "tcp.out-of-order": core.Kind(
        "§3.10.7.4", "A segment that was overtaken on the way: it arrives after a later one.", "out of order"
    ),
    "tcp.zero-window": core.Kind(
        "§3.8.6", "The receiver's buffer is full: the sender has to wait until it says otherwise.", "zero window"
    ),
    "tcp.window-open": core.Kind("§3.8.6", "The receiver has read again, and takes more bytes.", "window opens"),
    "tcp.window-probe": core.Kind(
        "§3.8.6.1", "The sender asks whether the window is still zero, lest both wait forever.", "window probe"
    ),
    "tcp.keep-alive": core.Kind("§3.8.4", "An idle side asks whether the other one still lives.", "keep-alive"),
    "tcp.keep-alive-ack": core.Kind(
        "§3.8.4", "The answer to a keep-alive: the other side still lives.", "keep-alive ACK"
    ),
    "tcp.challenge-ack": core.Kind(
        "RFC 5961 4.2", "A SYN for a connection that is already open is answered by an ACK.", "ACK"
    ),
    "tcp.dsack": core.Kind(
        "RFC 2883 4", "The receiver says that bytes arrived twice: sending them again was not needed.", "D-SACK"
    ),
    "tcp.after-fin": core.Kind("§3.6", "Bytes of a side that had said it would send no more.", "data after FIN"),
    "tcp.after-rst": core.Kind(
        "RFC 5961 3", "A side goes on after a RST in its name: perhaps it was not its own.", "data after RST"
    ),
    "tcp.icmp-error": core.Kind(
        "§3.9.2.2", "A host or router on the way reports that it could not deliver a segment.", "ICMP error"
    ),
    "tcp.conflict": core.Kind(
        "§3.10.7.4", "Bytes that were sent before come again with other content; the first copy counts.", "other bytes"
    ),
    "tcp.more": core.Kind(
        "§3.8", "There were more events of these kinds than are told one by one (tcp_events_per_flow).", "more"
    ),
}

WORDS: Final = {
    "SYN": core.Word("SYN", "Opens a connection: synchronise sequence numbers.", "§3.5"),
    "SYN-ACK": core.Word("SYN-ACK", "The answer to a SYN: agreed, and here is my own number.", "§3.5"),
    "ACK": core.Word("ACK", "The acknowledgment number counts: all bytes before it have arrived.", "§3.1"),
    "FIN": core.Word("FIN", "No more bytes will come from this side; it may still receive.", "§3.6"),
    "RST": core.Word("RST", "Refuses a connection, or ends it at once and without agreement.", "§3.5.2"),
    "PSH": core.Word(
        "PSH", "Give what you have to the application now; set at the end of what was written.", "§3.9.1.2"
    ),
    "URG": core.Word("URG", "The urgent pointer counts. New applications should not use it.", "§3.8.5"),
    "ECE": core.Word(
        "ECE", "Congestion was met on the way here (ECN), or in a SYN: ECN is understood.", "RFC 3168 6.1"
    ),
    "CWR": core.Word("CWR", "The sender has slowed down in answer to ECE.", "RFC 3168 6.1.2"),
    "MSS": core.Word(
        "maximum segment size", "The most payload this side takes in one segment, without options.", "§3.7.1"
    ),
    "window scale": core.Word("window scale", "How many bits the windows of this side are shifted left.", "RFC 7323 2"),
    "SACK": core.Word("selective acknowledgment", "Names the blocks that arrived behind a hole.", "RFC 2018 3"),
    "D-SACK": core.Word("duplicate SACK", "Names a block that arrived twice.", "RFC 2883 4"),
    "timestamps": core.Word("timestamps", "Measure the round trip, and protect against old duplicates.", "RFC 7323 3"),
    "Fast Open": core.Word(
        "TCP Fast Open", "Data in the SYN, for clients with a cookie of an earlier visit.", "RFC 7413 4"
    ),
    "challenge ACK": core.Word("challenge ACK", "Makes a peer prove that its SYN or RST is meant.", "RFC 5961 3, 4"),
    "RTO": core.Word("retransmission timeout", "How long a sender waits; doubled with each try.", "RFC 6298 5"),
    "keep-alive": core.Word("keep-alive", "An old byte or none, only to be acknowledged.", "§3.8.4"),
    "zero window": core.Word("zero window", "The receiver's buffer is full.", "§3.8.6"),
    "MTU": core.Word("maximum transmission unit", "The largest packet a link carries.", "RFC 9293 3.7.2"),
    **{
        f"ICMP 3/{code}": core.Word(
            f"ICMP destination unreachable, code {code}", f"Says: {name}.", "RFC 792; RFC 1812 5.2.7.1"
        )
        for code, name in UNREACHABLE.items()
    },
    **{
        f"ICMPv6 1/{code}": core.Word(f"ICMPv6 destination unreachable, code {code}", f"Says: {name}.", "RFC 4443 3.1")
        for code, name in UNREACHABLE_6.items()
    },
}

PROTOCOL: Final = core.Protocol(
    "tcp", "TCP", "RFC 9293", (), KINDS, FINDINGS, None, None, session="tcp", words=WORDS, rows=Tcp
)
