"""Numbers of TCP and of the ICMP errors that quote it, with their names (RFC 9293 §3.1, §3.2; RFC 792; RFC 4443)."""

from typing import Final

SEQUENCE: Final = 1 << 32  # sequence numbers count modulo this (§3.4)
HALF: Final = 1 << 31


class Flag:
    """Control bits, §3.1.  Plain numbers, since every segment is asked for them."""

    FIN: Final = 0x01
    SYN: Final = 0x02
    RST: Final = 0x04
    PSH: Final = 0x08
    ACK: Final = 0x10


class OptionKind:
    """Kinds of options, §3.2 and the IANA registry."""

    END: Final = 0
    NO_OPERATION: Final = 1
    MAXIMUM_SEGMENT_SIZE: Final = 2
    WINDOW_SCALE: Final = 3
    SACK_PERMITTED: Final = 4
    SACK: Final = 5
    TIMESTAMPS: Final = 8
    FAST_OPEN: Final = 34


#: How each option is called in a line of the timeline, where it has no words of its own.
OPTION_WORDS: Final = {
    19: "MD5 signature",
    28: "user timeout",
    29: "TCP-AO",
    30: "multipath",
    253: "experiment 253",
    254: "experiment 254",
}

#: ICMP type 3 by code: RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
UNREACHABLE: Final = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "fragmentation needed but forbidden",
    5: "source route failed",
    6: "destination network unknown",
    7: "destination host unknown",
    8: "source host isolated",
    9: "communication with the network administratively prohibited",
    10: "communication with the host administratively prohibited",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "communication administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff in effect",
}
#: ICMPv6 type 1 by code: RFC 4443 §3.1.
UNREACHABLE_6: Final = {
    0: "no route to the destination",
    1: "communication administratively prohibited",
    2: "beyond the scope of the source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed the policy of the path",
    6: "route to the destination rejected",
    7: "error in the source routing header",
}
#: Codes of both that mean a rule and not a missing route or host.
PROHIBITED: Final = frozenset({9, 10, 13})
PROHIBITED_6: Final = frozenset({1, 5, 6})

TYPE_UNREACHABLE: Final = 3
TYPE_QUENCH: Final = 4  # deprecated: RFC 6633
TYPE_EXCEEDED: Final = 11
TYPE_PROBLEM: Final = 12
TYPE6_UNREACHABLE: Final = 1
TYPE6_TOO_BIG: Final = 2
TYPE6_EXCEEDED: Final = 3
TYPE6_PROBLEM: Final = 4
CODE_FRAGMENTATION_NEEDED: Final = 4


def icmp_name(version: int, kind: int, code: int) -> str:
    """What the ICMP (`version` 4) or ICMPv6 (6) error says, in words."""
    if version == 4:
        if kind == TYPE_UNREACHABLE:
            return UNREACHABLE.get(code, f"destination unreachable, code {code}")
        if kind == TYPE_EXCEEDED:
            return "time to live exceeded in transit" if code == 0 else "fragment reassembly time exceeded"
        if kind == TYPE_PROBLEM:
            return "parameter problem"
        if kind == TYPE_QUENCH:
            return "source quench"
    else:
        if kind == TYPE6_UNREACHABLE:
            return UNREACHABLE_6.get(code, f"destination unreachable, code {code}")
        if kind == TYPE6_TOO_BIG:
            return "packet too big"
        if kind == TYPE6_EXCEEDED:
            return "hop limit exceeded in transit" if code == 0 else "fragment reassembly time exceeded"
        if kind == TYPE6_PROBLEM:
            return "parameter problem"
    return f"ICMP type {kind}, code {code}"


def is_unreachable(version: int, kind: int, code: int) -> bool:
    """Whether the error says that the destination cannot be reached (so not one about the packet's size)."""
    if version == 4:
        return kind == TYPE_UNREACHABLE and code != CODE_FRAGMENTATION_NEEDED
    return kind == TYPE6_UNREACHABLE


def is_too_big(version: int, kind: int, code: int) -> bool:
    """Whether the error says that the packet is too big for the next hop."""
    if version == 4:
        return kind == TYPE_UNREACHABLE and code == CODE_FRAGMENTATION_NEEDED
    return kind == TYPE6_TOO_BIG


def is_exceeded(version: int, kind: int, code: int) -> bool:
    """Whether the error says that the packet went through too many hops."""
    return code == 0 and kind == (TYPE_EXCEEDED if version == 4 else TYPE6_EXCEEDED)


def later(left: int, right: int) -> int:
    """How far sequence number `left` is past `right`, negative when before it (§3.4)."""
    return (left - right + HALF) % SEQUENCE - HALF
