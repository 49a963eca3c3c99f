"""Chunks read into fields: what they say, and that hostile lengths end them."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.sctp import chunks
from analyzer.protocols.sctp.names import (
    ABORT,
    CHUNKS,
    COOKIE_ECHO,
    ERROR,
    FORWARD_TSN,
    HEARTBEAT,
    I_FORWARD_TSN,
    INIT,
    RE_CONFIG,
    SACK,
    SHUTDOWN,
)
from captures.sctp import cause, parameter, supported

FIXED = struct.pack(">IIHHI", 77, 4096, 10, 20, 1000)
SACKED = struct.pack(">II", 1000, 4096)


def read(kind: int, value: bytes) -> tuple[str, dict[str, Any]]:
    fields: dict[str, Any] = {}
    text = chunks.read(kind, Reader(Piece(value, [(0, 1, 0, 0)])), fields)
    return text, fields


def test_init() -> None:
    text, fields = read(
        INIT,
        FIXED + supported(130, 192, 200) + parameter(0x8001, b"\0\0\0\1") + parameter(0xC000) + parameter(7, bytes(30))
        + parameter(0x1234, b"\1"),
    )  # fmt: skip
    assert text == (
        "10 streams out, 20 in at most, window 4,096, knows re-config, forward-tsn, chunk-200, takes zero checksums"
    )
    assert fields["initiate_tag"] == 77
    assert fields["initial_tsn"] == 1000
    assert fields["forward_tsn_supported"] is True
    assert fields["state_cookie_bytes"] == 30
    assert [one["type"]["name"] for one in fields["parameters"]] == [
        *("supported_extensions", "zero_checksum_acceptable", "forward_tsn_supported", "state_cookie"),
        "parameter_4660",
    ]
    assert fields["parameters"][1]["error_detection_method"] == 1
    assert read(INIT, FIXED)[0] == "10 streams out, 20 in at most, window 4,096"


def test_zero_checksum_without_a_method_is_no_offer() -> None:
    _, fields = read(INIT, FIXED + parameter(0x8001, b"\0"))
    assert "zero_checksum_acceptable" not in fields


@pytest.mark.parametrize("tail", [b"\0", b"\0\5\0\3", b"\0\5\0\0", b"\0\5\1\0abcd"])
def test_parameter_that_is_cut_or_has_no_length_ends_them(tail: bytes) -> None:
    _, fields = read(INIT, FIXED + parameter(7, bytes(4)) + tail)
    assert len(fields["parameters"]) == 1


def test_many_parameters_are_listed_up_to_a_limit() -> None:
    _, fields = read(INIT, FIXED + parameter(5) * 1000)
    assert len(fields["parameters"]) == chunks.MAX_LISTED
    _, fields = read(ERROR, cause(8) * 1000)
    assert len(fields["causes"]) == chunks.MAX_LISTED
    _, fields = read(RE_CONFIG, parameter(15, bytes(4)) * 1000)
    assert len(fields["parameters"]) == chunks.MAX_LISTED
    _, fields = read(FORWARD_TSN, bytes(4) + bytes(4) * 1000)
    assert len(fields["streams"]) == chunks.MAX_LISTED


def test_sack() -> None:
    blocks = struct.pack(">HHHH", 2, 3, 5, 5)
    text, fields = read(SACK, SACKED + struct.pack(">HH", 2, 1) + blocks + struct.pack(">I", 999))
    assert text == "up to TSN 1000, window 4,096, 2 gaps, 1 came twice"
    assert fields["gap_ack_blocks"] == [[2, 3], [5, 5]]
    assert fields["duplicate_tsns"] == [999]
    text, fields = read(SACK, SACKED + struct.pack(">HH", 1, 0) + blocks[:4])
    assert text.endswith(", 1 gap")
    # It says more than it brings.
    _, fields = read(SACK, SACKED + struct.pack(">HH", 65535, 65535) + blocks)
    assert fields["gap_ack_blocks"] == [[2, 3], [5, 5]]
    assert fields["duplicate_tsns"] == []
    _, fields = read(SACK, SACKED + struct.pack(">HH", 400, 0) + blocks * 200)
    assert len(fields["gap_ack_blocks"]) == chunks.MAX_LISTED


def test_causes() -> None:
    text, fields = read(ABORT, cause(12, b"Close called") + cause(6, b"\xc0\0\0\x04") + cause(99) + cause(13))
    assert text == "User-Initiated Abort: 'Close called', Unrecognized Chunk Type, cause 99, Protocol Violation"
    assert fields["causes"][0]["reason"] == "Close called"
    assert fields["causes"][1]["information"] == "c0000004"
    assert read(ABORT, b"") == ("without a cause", {"causes": []})
    assert read(ABORT, cause(12, b"\xff\xfe"))[1]["causes"][0]["reason"] == "\\xff\\xfe"
    assert len(read(ABORT, cause(12, b"a" * 5000))[1]["causes"][0]["reason"]) == 200


def test_forward_tsn() -> None:
    text, fields = read(FORWARD_TSN, struct.pack(">IHHHH", 1001, 2, 7, 3, 8))
    assert text == "go on behind TSN 1001"
    assert fields["streams"] == [{"stream": 2, "stream_sequence": 7}, {"stream": 3, "stream_sequence": 8}]
    _, fields = read(I_FORWARD_TSN, struct.pack(">IHHI", 1001, 2, 1, 7) + b"\0\0")
    assert fields["streams"] == [{"stream": 2, "unordered": True, "message_identifier": 7}]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (parameter(13, struct.pack(">IIIH", 1, 2, 3, 4)), "resets its outgoing stream 4"),
        (parameter(13, struct.pack(">IIIHHH", 1, 2, 3, 4, 5, 6)), "resets its outgoing streams 4, 5, 6"),
        (parameter(13, struct.pack(">III", 1, 2, 3)), "resets its outgoing streams all"),
        (parameter(14, struct.pack(">IH", 1, 4)), "asks to have stream 4 reset"),
        (parameter(14, struct.pack(">I", 1)), "asks to have stream all reset"),
        (parameter(16, struct.pack(">II", 1, 2)), "answers: denied"),
        (parameter(16, struct.pack(">II", 1, 70)), "answers: result 70"),
        (parameter(17, struct.pack(">IHH", 1, 8, 0)), "adds 8 streams"),
        (parameter(13, bytes(8)), ""),
        (parameter(14), ""),
        (parameter(16, bytes(4)), ""),
        (parameter(17, bytes(4)), ""),
        (parameter(16, struct.pack(">II", 1, 1)) + parameter(18, bytes(8)), "answers: performed; adds 0 streams"),
    ],
)
def test_re_config(parameters: bytes, text: str) -> None:
    assert read(RE_CONFIG, parameters)[0] == text


def test_others() -> None:
    assert read(HEARTBEAT, parameter(1, bytes(8))) == ("", {})
    assert read(SHUTDOWN, struct.pack(">I", 1000)) == ("", {"cumulative_tsn_ack": 1000})
    assert read(COOKIE_ECHO, bytes(20)) == ("", {"value_bytes": 20})


@given(st.sampled_from([*CHUNKS, 77]), st.binary(max_size=400))
def test_any_value_raises_nothing_but_malformed(kind: int, value: bytes) -> None:
    try:
        read(kind, value)
    except Malformed:
        assert len(value) < 16  # only what every chunk of the kind has can lack


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=100))
def test_parameters_make_progress(heads: list[tuple[int, int]]) -> None:
    value = b"".join(struct.pack(">HH", *head) for head in heads)
    found = chunks.parameters(Reader(Piece(value, [(0, 1, 0, 0)])))
    assert len(found) <= len(heads)
    assert sum(4 + len(inside) for _, inside in found) <= len(value)
