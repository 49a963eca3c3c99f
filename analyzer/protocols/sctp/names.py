"""Numbers of SCTP and what they are called (RFC 9260 §3.2, §3.3; IANA, SCTP Parameters)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

DATA: Final = 0
INIT: Final = 1
INIT_ACK: Final = 2
SACK: Final = 3
HEARTBEAT: Final = 4
HEARTBEAT_ACK: Final = 5
ABORT: Final = 6
SHUTDOWN: Final = 7
SHUTDOWN_ACK: Final = 8
ERROR: Final = 9
COOKIE_ECHO: Final = 10
COOKIE_ACK: Final = 11
SHUTDOWN_COMPLETE: Final = 14
I_DATA: Final = 64
RE_CONFIG: Final = 130
FORWARD_TSN: Final = 192
I_FORWARD_TSN: Final = 194

#: Chunk types: the event of the note, what it says, and where it is defined.
CHUNKS: Final[dict[int, tuple[str, str, str]]] = {
    DATA: ("data", "A user message, or a part of one.", "§3.3.1"),
    INIT: ("init", "Asks for an association: first of the four-way handshake.", "§3.3.2"),
    INIT_ACK: ("init-ack", "Agrees, and gives a cookie to be echoed; keeps no state meanwhile.", "§3.3.3"),
    SACK: ("sack", "Acknowledges, with the gaps in what arrived.", "§3.3.4"),
    HEARTBEAT: ("heartbeat", "Asks whether the path is alive.", "§3.3.5"),
    HEARTBEAT_ACK: ("heartbeat-ack", "It is.", "§3.3.6"),
    ABORT: ("abort", "Ends the association at once; a cause may say why.", "§3.3.7"),
    SHUTDOWN: ("shutdown", "Begins an orderly end.", "§3.3.8"),
    SHUTDOWN_ACK: ("shutdown-ack", "Answers it, once all was acknowledged.", "§3.3.9"),
    ERROR: ("error", "Tells of a problem that does not end the association.", "§3.3.10"),
    COOKIE_ECHO: ("cookie-echo", "Gives the cookie back; data may come along.", "§3.3.11"),
    COOKIE_ACK: ("cookie-ack", "The association stands on both sides.", "§3.3.12"),
    12: ("ecne", "Tells of a mark of congestion.", "§A"),
    13: ("cwr", "Says that it was heeded.", "§A"),
    SHUTDOWN_COMPLETE: ("shutdown-complete", "The end of an orderly end.", "§3.3.13"),
    15: ("auth", "Authenticates the chunks behind it.", "RFC 4895 4.1"),
    I_DATA: ("i-data", "A part of a message, which may be mixed with parts of others.", "RFC 8260 2.1"),
    128: ("asconf-ack", "Answers a change of addresses.", "RFC 5061 4.1.2"),
    RE_CONFIG: ("re-config", "Resets streams, or adds some: how a data channel is closed.", "RFC 6525 3.1"),
    132: ("pad", "Nothing but bytes, to probe for a packet size.", "RFC 4820 3"),
    FORWARD_TSN: ("forward-tsn", "Gives up messages that may be lost: don't wait for them.", "RFC 3758 3.2"),
    193: ("asconf", "Changes the addresses of the association.", "RFC 5061 4.1.1"),
    I_FORWARD_TSN: ("i-forward-tsn", "As FORWARD-TSN, where messages are interleaved.", "RFC 8260 2.3.1"),
}
#: Parameters of INIT and INIT ACK, and what they say.
PARAMETERS: Final[dict[int, str]] = {
    1: "heartbeat_info",
    5: "ipv4_address",
    6: "ipv6_address",
    7: "state_cookie",
    8: "unrecognized_parameter",
    9: "cookie_preservative",
    11: "host_name_address",
    12: "supported_address_types",
    13: "outgoing_ssn_reset_request",
    14: "incoming_ssn_reset_request",
    15: "ssn_tsn_reset_request",
    16: "re_configuration_response",
    17: "add_outgoing_streams_request",
    18: "add_incoming_streams_request",
    32768: "ecn_capable",
    32769: "zero_checksum_acceptable",
    32770: "random",
    32771: "chunk_list",
    32772: "requested_hmac_algorithm",
    32773: "padding",
    32776: "supported_extensions",
    49152: "forward_tsn_supported",
    49153: "add_ip_address",
    49154: "delete_ip_address",
    49155: "error_cause_indication",
    49156: "set_primary_address",
    49157: "success_indication",
    49158: "adaptation_layer_indication",
}
#: Causes of ERROR and ABORT, §3.3.10.
CAUSES: Final[dict[int, tuple[str, str, str]]] = {
    1: ("Invalid Stream Identifier", "Data came on a stream that does not exist.", "§3.3.10.1"),
    2: ("Missing Mandatory Parameter", "An INIT lacked what it must have.", "§3.3.10.2"),
    3: ("Stale Cookie", "The cookie came back too late.", "§3.3.10.3"),
    4: ("Out of Resource", "The other side has no room for another association.", "§3.3.10.4"),
    5: ("Unresolvable Address", "An address can't be used.", "§3.3.10.5"),
    6: ("Unrecognized Chunk Type", "A chunk of a kind that the other side does not know.", "§3.3.10.6"),
    7: ("Invalid Mandatory Parameter", "A parameter has a value that it may not have.", "§3.3.10.7"),
    8: ("Unrecognized Parameters", "Parameters that the other side does not know.", "§3.3.10.8"),
    9: ("No User Data", "A DATA chunk without bytes.", "§3.3.10.9"),
    10: ("Cookie Received While Shutting Down", "An association that ends can't begin.", "§3.3.10.10"),
    11: ("Restart of an Association with New Addresses", "That is not allowed.", "§3.3.10.11"),
    12: ("User-Initiated Abort", "The application closed it: nothing went wrong in SCTP.", "§3.3.10.12"),
    13: ("Protocol Violation", "The other side broke the protocol.", "§3.3.10.13"),
    160: ("Request to Delete Last Remaining IP Address", "That would leave no address.", "RFC 5061 4.3.1"),
    161: ("Operation Refused Due to Resource Shortage", "No room for it.", "RFC 5061 4.3.2"),
    162: ("Request to Delete Source IP Address", "It is in use.", "RFC 5061 4.3.3"),
}
USER_ABORT: Final = 12
#: Payload protocol identifiers that are met; those of WebRTC carry data channels (RFC 8831 §8).
PPIDS: Final[dict[int, str]] = {
    0: "unspecified",
    1: "IUA",
    2: "M2UA",
    3: "M3UA",
    4: "SUA",
    5: "M2PA",
    6: "V5UA",
    7: "H.248",
    18: "S1AP",
    24: "SBcAP",
    25: "NBAP",
    26: "RUA",
    27: "X2AP",
    46: "Diameter",
    47: "Diameter over DTLS",
    50: "WebRTC DCEP",
    51: "WebRTC String",
    52: "WebRTC Binary Partial (deprecated)",
    53: "WebRTC Binary",
    54: "WebRTC String Partial (deprecated)",
    55: "3GPP PUA",
    56: "WebRTC String Empty",
    57: "WebRTC Binary Empty",
    58: "XwAP",
    59: "Xw Control Plane",
    60: "NGAP",
    61: "XnAP",
    62: "F1AP",
    64: "E1AP",
}
WEBRTC: Final = frozenset({50, 51, 52, 53, 54, 56, 57})
#: What they say of a message, RFC 8831 §6.6, RFC 8832 §8.1.
USES: Final[dict[int, str]] = {
    50: "A message of DCEP, which opens a data channel (OPEN) or acknowledges that (ACK).",
    51: "A message of text of a data channel, as UTF-8; the last or only part of it, for old stacks.",
    52: "Part of a binary message, more to come. Deprecated: SCTP splits messages by itself.",
    53: "A binary message of a data channel; the last or only part of it, for old stacks.",
    54: "Part of a message of text, more to come. Deprecated: SCTP splits messages by itself.",
    56: "An empty message of text: SCTP has no messages without bytes, so one byte comes that does not count.",
    57: "An empty binary message: SCTP has no messages without bytes, so one byte comes that does not count.",
}
#: Results of a RE-CONFIG, RFC 6525 §4.4.
RESULTS: Final = (
    *("nothing to do", "performed", "denied", "wrong SSN", "request already in progress", "bad sequence number"),
    "in progress",
)


def chunk_event(number: int) -> str:
    return CHUNKS[number][0] if number in CHUNKS else f"chunk-{number}"


def cause_name(number: int) -> str:
    return CAUSES[number][0] if number in CAUSES else f"cause {number}"


def ppid_name(number: int) -> str:
    return PPIDS.get(number, f"ppid {number}")


WORDS: Final[dict[str, Word]] = {
    **{
        name.upper(): Word(f"SCTP chunk {name.upper()} ({number})", said, spec)
        for number, (name, said, spec) in CHUNKS.items()
    },
    **{
        f"cause {number}": Word(f"SCTP error cause {number}, {name}", said, spec)
        for number, (name, said, spec) in CAUSES.items()
    },
    **{
        f"ppid {number}": Word(
            f"SCTP payload protocol identifier {number}, {name}",
            USES.get(number, f"What a message is: {name}."),
            "RFC 8831 8" if number in USES else "§3.3.1",
        )
        for number, name in PPIDS.items()
    },
    "TSN": Word("Transmission Sequence Number", "Numbers the DATA chunks of an association.", "§3.3.1"),
    "SSN": Word(
        "Stream Sequence Number", "Numbers the messages of a stream, in the order they are delivered.", "§3.3.1"
    ),
    "verification tag": Word(
        "SCTP verification tag",
        "A number that each side draws in its INIT and the other puts into every packet: what has another is dropped.",
        "§8.5",
    ),
    "T1-init": Word(
        "SCTP timer T1-init",
        "How long an INIT waits for its answer: 1 s at first, then twice as long each time, for 8 times at most.",
        "§5.1; §16",
    ),
    "T3-rtx": Word(
        "SCTP timer T3-rtx",
        "How long data wait for their SACK before they are sent again: the RTO, twice as long each time.",
        "§6.3",
    ),
    "zero checksum": Word(
        "SCTP zero checksum",
        "Inside DTLS, which protects the bytes anyway, the checksum may be 0 where the receiver offers that.",
        "RFC 9653 5",
    ),
    "OOTB": Word(
        "out of the blue",
        "A packet of an association that its receiver does not know: it is answered by an ABORT with the T bit.",
        "§8.4",
    ),
}
