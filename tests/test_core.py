import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Finding, Malformed, Note, Pattern, Piece, Place, Reader, Run, Side, Span, Trace

FRAME_BYTES = 10
HEADER_BYTES = 54


def pieces_of(size: int) -> Piece:
    """`size` bytes, `FRAME_BYTES` of them from each frame, which follow a header and are a millisecond apart."""
    data = bytes(index & 0xFF for index in range(size))
    runs: list[Run] = [
        (at, 1 + at // FRAME_BYTES, HEADER_BYTES, at // FRAME_BYTES * 1_000_000)
        for at in range(0, max(size, 1), FRAME_BYTES)
    ]
    return Piece(data, runs)


# --- names ------------------------------------------------------------------------------------------------------------


def test_sides() -> None:
    assert Side.INITIATOR.other is Side.RESPONDER
    assert Side.RESPONDER.other is Side.INITIATOR


def test_endpoints_read_as_people_write_them() -> None:
    assert str(core.Endpoint("10.0.0.1", 80)) == "10.0.0.1:80"
    assert str(core.Endpoint("fe80::1", 80)) == "[fe80::1]:80"


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_a_piece_knows_its_frames() -> None:
    piece = pieces_of(30).cut(5, 25)
    assert piece.spans == (Span(1, 59, 64), Span(2, 54, 64), Span(3, 54, 59))
    assert piece.place.frames == (1, 2, 3)
    assert piece.time_ns == 2_000_000


def test_a_piece_of_one_frame() -> None:
    piece = Piece(b"abcdef", [(0, 7, 100, 5)]).cut(2, 4)
    assert bytes(piece) == b"cd"
    assert piece.spans == (Span(7, 102, 104),)
    assert piece.time_ns == 5


def test_an_empty_piece_still_has_a_place() -> None:
    assert pieces_of(30).cut(15, 15).spans == (Span(2, 59, 59),)
    assert Piece(b"", [(0, 7, 100, 5)]).spans == (Span(7, 100, 100),)


def test_cuts_stay_inside() -> None:
    piece = pieces_of(30)
    assert bytes(piece.cut(25, 99)) == bytes(range(25, 30))
    assert len(piece.cut(-5, 3)) == 3
    assert len(piece.cut(20, 10)) == 0
    assert bytes(piece.cut(5).cut(5, 7)) == bytes([10, 11])


def test_a_whole_piece_is_not_copied() -> None:
    data = bytes(100)
    assert bytes(Piece(data, [(0, 1, 0, 0)])) is data


def test_unmasked_bytes_come_from_where_they_were() -> None:
    piece = pieces_of(30).cut(8, 14)
    mapped = piece.mapped(b"UVWXYZ")
    assert bytes(mapped.cut(1, 4)) == b"VWX"
    assert mapped.cut(1, 4).spans == piece.cut(1, 4).spans
    assert mapped.mapped(b"uvwxyz").cut(3).spans == piece.cut(3).spans
    with pytest.raises(ValueError, match="keep their length"):
        piece.mapped(b"short")


def test_decrypted_bytes_come_from_all_of_it() -> None:
    piece = pieces_of(30).cut(8, 14)
    derived = piece.derived(b"much longer than what it came from").cut(3, 5)
    assert bytes(derived) == b"h "
    assert derived.spans == piece.spans
    assert derived.time_ns == piece.time_ns


@given(st.integers(0, 60), st.integers(0, 70), st.integers(0, 70))
def test_spans_have_the_bytes_of_the_piece(size: int, start: int, stop: int) -> None:
    piece = pieces_of(size).cut(start, stop)
    captured = b"".join(
        bytes((span.frame - 1) * FRAME_BYTES + at - HEADER_BYTES for at in range(span.start, span.stop))
        for span in piece.spans
    )
    assert captured == bytes(piece)
    assert len(piece) == len(bytes(piece))


# --- reading ----------------------------------------------------------------------------------------------------------


def test_reading_by_name() -> None:
    reader = Reader(Piece(b"\x01\x02\x03\x04abc\xff\x00rest", [(0, 1, 0, 0)]))
    assert reader.uint("version", 2) == 0x0102
    assert reader.uint_le("size", 2) == 0x0403
    assert reader.peek(2) == b"ab"
    assert reader.text("name", 4) == "abc\\xff"
    reader.skip("padding", 1)
    assert reader.at == 9
    assert bytes(reader.piece("front", 1)) == b"r"
    assert reader.sub("inner", 1).uint("letter", 1) == ord("e")
    assert reader.left == 2
    assert reader.rest("rest") == b"st"
    with reader.group("nothing"):
        assert reader.peek(5) == b""


def test_reading_past_the_end_is_malformed() -> None:
    reader = Reader(Piece(b"abc", [(0, 1, 0, 0)]))
    with pytest.raises(Malformed, match="length: 4 bytes wanted, 3 left"):
        reader.uint("length", 4)
    with pytest.raises(Malformed, match="-1 bytes wanted"):
        reader.raw("body", -1)
    assert reader.left == 3


def test_a_reader_stays_inside_its_piece() -> None:
    reader = Reader(pieces_of(30).cut(5, 8))
    assert reader.rest("all") == bytes([5, 6, 7])
    with pytest.raises(Malformed):
        reader.uint("more", 1)


def test_a_list_whose_entries_have_no_length_ends() -> None:
    reader = Reader(Piece(b"abcd", [(0, 1, 0, 0)]))
    assert [reader.uint("entry", 2) for _ in reader.each("entries")] == [0x6162, 0x6364]
    reader = Reader(Piece(b"abcd", [(0, 1, 0, 0)]))
    with pytest.raises(Malformed, match="entries: an entry of no length"):
        for _ in reader.each("entries"):
            pass


def test_the_same_reads_give_the_tree_of_fields() -> None:
    trace = Trace()
    piece = pieces_of(30)
    piece.trace = trace
    reader = Reader(piece.cut(4))
    reader.uint("type", 1)
    with reader.group("extension"):
        reader.uint_le("length", 2)
        reader.raw("data", 2)
        reader.text("name", 1)
        reader.skip("padding", 1)
        reader.piece("body", 1)
    names = [(field.name, [child.name for child in field.children]) for field in trace.fields]
    assert names == [("type", []), ("extension", ["length", "data", "name", "padding", "body"])]
    kind, extension = trace.fields
    assert (kind.value, kind.piece and kind.piece.spans) == (4, (Span(1, 58, 59),))
    assert extension.piece is not None
    assert extension.piece.spans == (Span(1, 59, 64), Span(2, 54, 56))


@given(st.binary(max_size=40), st.lists(st.integers(-2, 10), max_size=10))
def test_any_reads_of_any_bytes_raise_only_malformed(data: bytes, sizes: list[int]) -> None:
    reader = Reader(Piece(data, [(0, 1, 0, 0)]))
    read = b""
    try:
        for size in sizes:
            read += reader.raw("some", size)
    except Malformed:
        pass
    assert data.startswith(read)
    assert reader.at == len(read)


# --- what rooms say ---------------------------------------------------------------------------------------------------


def test_a_note() -> None:
    note = Note("knock.knock", "bob knocks", pieces_of(30).cut(5, 15), {"caller": "bob"})
    assert (note.frames, note.time_ns) == ((1, 2), 1_000_000)
    assert note.spans == (Span(1, 59, 64), Span(2, 54, 59))
    assert note.sender is None
    assert repr(note) == "Note('knock.knock', 'bob knocks', frames=(1, 2))"
    assert Note("a.b", "", Place((), 5)).fields == {}


def test_a_finding_has_all_its_evidence() -> None:
    piece = pieces_of(30)
    finding = Finding("knock.denied", "unknown", [piece.cut(25, 30), Place((Span(1, 0, 5),), 9)])
    assert finding.frames == (1, 3)
    assert finding.at.time_ns == 2_000_000
    assert repr(finding) == "Finding('knock.denied', 'unknown', frames=(1, 3))"
    assert Finding("a.b", "", []).at == Place((), 0)
    assert Finding("a.b", "", piece.cut(0, 5)).frames == (1,)


def test_rooms_that_say_nothing() -> None:
    room, at = core.Dissector(), Piece(b"abc", [(0, 1, 0, 0)])
    assert room.unit_size(Side.INITIATOR, b"abc") == 3
    assert [*room.on_unit(Side.INITIATOR, at), *room.on_body(Side.INITIATOR, at), *room.on_end(at)] == []
    assert list(room.on_gap(Side.INITIATOR, 5, at)) == [core.Enough()]
    ends = (core.Endpoint("10.0.0.1", 1), core.Endpoint("10.0.0.2", 2))
    flow = core.Flow(0, "tcp", *ends, "", 1, 1, 0, 0, (1, 0), (60, 0))
    rows = core.RowDissector(flow, core.Limits())
    segment = core.Segment(Side.INITIATOR, 2, 5, 0, 1000, 0, core.Event.SYN, 64, 1, Piece(bytes(20), [(0, 7, 34, 99)]))
    assert (segment.frame, segment.time_ns) == (7, 99)
    error = core.IcmpError(4, 3, 4, "10.0.0.9", Side.INITIATOR, 1400, at)
    said = [*rows.on_segment(segment), *rows.on_gap(Side.INITIATOR, 1, at), *rows.on_conflict(Side.INITIATOR, at)]
    assert [*said, *rows.on_icmp(error), *rows.on_end(flow, 0)] == []


def test_references_are_written_out() -> None:
    room = core.Protocol("knock", "Knock", "RFC 0000", ("tcp",), {}, {}, None, core.Dissector)
    assert room.reference("§2.2") == "RFC 0000 2.2"
    assert room.reference("RFC 9293 3.5") == "RFC 9293 3.5"


def test_a_source_that_is_none() -> None:
    with pytest.raises(NotImplementedError):
        iter(core.Source())
    with pytest.raises(NotImplementedError):
        core.Source().close()


# --- pieces put together, and what flows share ------------------------------------------------------------------------


def test_joined_pieces_keep_their_places() -> None:
    whole = pieces_of(30)
    parts = [whole.cut(2, 7), whole.cut(12, 18), whole.cut(29, 30)]
    one = core.joined(parts)
    assert bytes(one) == b"".join(map(bytes, parts))
    assert one.spans == tuple(span for part in parts for span in part.spans)
    assert one.cut(3, 7).spans == (*parts[0].cut(3).spans, *parts[1].cut(0, 2).spans)
    assert core.joined(parts[:1]) is parts[0]
    assert core.joined([]).place == Place((), 0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6), st.data())
def test_each_byte_of_joined_pieces_is_where_it_was(cuts: list[tuple[int, int]], data: st.DataObject) -> None:
    parts = [pieces_of(30).cut(min(cut), max(cut)) for cut in cuts]
    one = core.joined(parts)
    assert bytes(one) == b"".join(map(bytes, parts))
    if len(one):
        at = data.draw(st.integers(0, len(one) - 1))
        whole = [part.cut(index, index + 1).spans for part in parts for index in range(len(part))]
        assert one.cut(at, at + 1).spans == whole[at]


def test_joined_with_what_was_derived_is_all_of_it() -> None:
    whole = pieces_of(30)
    one = core.joined([whole.cut(0, 5).derived(b"plain"), whole.cut(0, 5).derived(b"text"), whole.cut(20, 30)])
    assert bytes(one) == b"plaintext" + bytes(whole.cut(20, 30))
    assert one.cut(0, 1).spans == (*whole.cut(0, 5).spans, *whole.cut(20, 30).spans)
    assert one.time_ns == whole.cut(20, 30).time_ns


def test_secrets_by_client_random() -> None:
    secrets = core.Secrets()
    assert secrets.find(b"r" * 32) is None
    secrets.lines[b"r" * 32] = {"CLIENT_RANDOM": b"master"}
    assert secrets.find(b"r" * 32) == {"CLIENT_RANDOM": b"master"}
    assert (secrets.version, secrets.expected, secrets.given) == (0, False, False)


def test_shared_tables_are_bounded_and_forget_what_came_first() -> None:
    shared = core.Shared(core.Limits(shared_entries=3))
    for number in range(5):
        shared.remember("table", bytes([number]), number)
        shared.remember("other", b"one", number)
    assert [shared.recall("table", bytes([number])) for number in range(5)] == [None, None, 2, 3, 4]
    shared.remember("table", bytes([2]), "again")
    assert shared.recall("table", bytes([2])) == "again"
    assert shared.recall("table", bytes([3])) == 3
    assert shared.recall("other", b"one") == 4
    assert shared.recall("no table", b"") is None
    assert core.Shared().limits.shared_entries == core.Limits().shared_entries


def test_fields_of_a_pattern_are_made_when_they_are_asked_for() -> None:
    pattern = Pattern({"kind": "text", "size": 0, "message": ""}, ("message", "size"))
    note = Note("x.text", "", Place((), 0))
    note.pattern, note.values = pattern, (5, "hello")
    assert note.fields == {"kind": "text", "size": 5, "message": "hello"}
    assert note.values is None, "whoever has the fields may change them"
    note.fields["more"] = 1
    assert note.fields["more"] == 1
    note.fields = {}
    assert note.fields == {}
    assert pattern.fields["message"] == ""
    assert Note("x.text", "", Place((), 0)).fields == {}
