"""permessage-deflate: contexts, windows, limits, and what is missing."""

from __future__ import annotations

import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed
from analyzer.protocols.websocket.deflate import MOST_BITS, TAIL, Inflater, agreed, window_bits

LIMIT = 1 << 20


class Packer:
    """Compresses messages as §7.2.1 says."""

    def __init__(self, takeover: bool = True, bits: int = MOST_BITS) -> None:
        self.takeover, self.bits = takeover, bits
        self.packer = zlib.compressobj(wbits=-bits)

    def pack(self, data: bytes) -> bytes:
        found = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        if not self.takeover:
            self.packer = zlib.compressobj(wbits=-self.bits)
        return found.removesuffix(TAIL)


def feed(inflater: Inflater, parts: list[bytes], final: bool) -> None:
    for part in parts:
        inflater.add(part, final)


def test_the_examples_of_the_rfc() -> None:
    """RFC 7692 §7.2.3.1 to §7.2.3.4: with and without what came before, without compression, with BFINAL set."""
    inflater = Inflater(True, LIMIT)
    assert inflater.add(bytes.fromhex("f248cdc9c90700"), True) == b"Hello"
    assert inflater.add(bytes.fromhex("f200110000"), True) == b"Hello"
    assert inflater.add(bytes.fromhex("000500faff48656c6c6f00"), True) == b"Hello"
    assert inflater.add(bytes.fromhex("f348cdc9c9070000"), True) == b"Hello"
    assert Inflater(True, LIMIT).add(bytes.fromhex("f248050000 00ffffcac9c90700"), True) == b"Hello"  # two blocks


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans(), st.integers(1, 50))
def test_messages_come_out_as_they_went_in(messages: list[bytes], takeover: bool, step: int) -> None:
    packer, inflater = Packer(takeover), Inflater(takeover, LIMIT)
    for message in messages:
        packed = packer.pack(message)
        parts = [packed[at : at + step] for at in range(0, len(packed), step)] or [b""]
        found = [inflater.add(part, number == len(parts)) for number, part in enumerate(parts, 1)]
        assert b"".join(found) == message


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_inflated_or_refused(parts: list[bytes]) -> None:
    inflater = Inflater(True, 1000)
    for part in parts:
        with suppress(Malformed):
            assert len(inflater.add(part, True)) <= 1000


def test_a_bomb_is_left_alone() -> None:
    bomb = Packer().pack(bytes(10 * LIMIT))
    inflater = Inflater(True, LIMIT)
    with pytest.raises(Malformed, match=r"it comes to more than 1,048,576 bytes"):
        inflater.add(bomb, True)
    assert not inflater.excused
    assert Inflater(True, 10 * LIMIT).add(bomb, True) == bytes(10 * LIMIT)
    # in small frames, too
    inflater = Inflater(True, LIMIT)
    with pytest.raises(Malformed):
        feed(inflater, [bomb[at : at + 100] for at in range(0, len(bomb), 100)], False)


def test_what_goes_on_after_a_loss_is_read_again_as_soon_as_it_can_be() -> None:
    packer, inflater = Packer(), Inflater(True, LIMIT)
    first, lost, refers, fresh, again = (
        packer.pack(text) for text in (b"amber birch", b"cedar delta ember", b"cedar delta ember", b"fjord", b"fjord")
    )
    assert inflater.add(first, True) == b"amber birch"
    inflater.miss()
    assert lost
    with pytest.raises(Malformed, match="messages before it"):
        inflater.add(refers, True)
    assert inflater.excused
    assert inflater.add(fresh, True) == b"fjord"
    assert inflater.add(again, True) == b"fjord"
    assert not inflater.whole


def test_once_a_whole_window_is_known_nothing_is_excused() -> None:
    packer, inflater = Packer(bits=9), Inflater(True, LIMIT, 9)
    inflater.miss()
    assert inflater.add(packer.pack(bytes(600)), True) == bytes(600)
    assert inflater.whole
    with pytest.raises(Malformed, match="it is not DEFLATE"):
        inflater.add(b"\xff\xff", True)
    assert not inflater.excused


def test_without_takeover_a_loss_costs_one_message() -> None:
    packer, inflater = Packer(False), Inflater(False, LIMIT)
    packer.pack(b"amber")
    inflater.miss()
    assert inflater.whole
    assert inflater.add(packer.pack(b"amber"), True) == b"amber"


@pytest.mark.parametrize(
    ("takeover", "bits", "why"),
    [
        (False, 15, "it refers to an earlier message, though no_context_takeover was agreed on"),
        (True, 10, "it refers to what is further back than the window of 1,024 bytes that was agreed on"),
        (True, 15, "it refers to what is further back than all that was sent"),
    ],
)
def test_a_reference_to_what_is_not_there(takeover: bool, bits: int, why: str) -> None:
    packer, inflater = Packer(), Inflater(takeover, LIMIT, bits)
    text = bytes(range(256))
    packed = [packer.pack(text) for _ in range(1 if takeover else 2)]
    if takeover and bits == 15:
        packed = [packer.pack(text)]  # the first one never came, and nobody knows of it
    elif takeover:
        noise = random.Random(1).randbytes(3000)
        packed = [*packed, packer.pack(noise), packer.pack(noise[:500])]
    with pytest.raises(Malformed) as raised:
        feed(inflater, packed, True)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("parameters", "takeover", "bits"),
    [
        ({}, (True, True), (15, 15)),
        ({"client_no_context_takeover": "", "server_max_window_bits": "10"}, (False, True), (15, 10)),
        ({"server_no_context_takeover": "", "client_max_window_bits": "8"}, (True, False), (9, 15)),
        ({"client_max_window_bits": "", "server_max_window_bits": "9999"}, (True, True), (15, 15)),
        ({"client_max_window_bits": "x", "server_max_window_bits": "1"}, (True, True), (15, 9)),
    ],
)
def test_what_was_agreed_on(parameters: dict[str, str], takeover: tuple[bool, bool], bits: tuple[int, int]) -> None:
    client, server = agreed(parameters, LIMIT)
    assert client is not None
    assert server is not None
    assert ((client.takeover, server.takeover), (client.bits, server.bits)) == (takeover, bits)


def test_nothing_was_agreed_on() -> None:
    assert agreed(None, LIMIT) == (None, None)
    assert window_bits({"client_max_window_bits": "\u0661\u0662"}, "client") == MOST_BITS
