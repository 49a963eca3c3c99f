"""Values of the report, as arguments for its types."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Endpoint, Flow, Note, Outcome, Phase, Piece, Place, Session, Side, Span, TcpSummary
from analyzer.report import model, plain


def test_a_note_of_one_frame_and_of_several() -> None:
    one = Note("a.b", "said", Piece(b"abc", [(0, 4, 66, 1000)]), {"x": 1}, verdict="bad", sender=Side.RESPONDER)
    one.flow, one.path, one.spec = 7, ("tcp", "a"), "RFC 1 2"
    two = Note("a.c", "more", Place((Span(9, 0, 5), Span(8, 1, 2), Span(9, 7, 8)), 2000))
    two.remark = "look"
    made: list[model.Note] = plain.notes([one, two], model.Note)
    assert made[0] == model.Note(
        "a.b", 1000, (4,), ((4, 66, 69),), 7, "responder", ("tcp", "a"), "said", {"x": 1}, "bad", "RFC 1 2"
    )
    assert (made[1].frames, made[1].sender, made[1].remark, made[1].time_ns) == ((8, 9), None, "look", 2000)
    assert made[1].spans == ((9, 0, 5), (8, 1, 2), (9, 7, 8))


@pytest.mark.parametrize(("end", "told"), [("fin", "fin"), ("rst", "rst"), ("odd", None), (None, None)])
def test_a_flow(end: str | None, told: str | None) -> None:
    found = Flow(3, "tcp", Endpoint("a", 1), Endpoint("b", 2), "1:x", 5, 9, 50, 90, (1, 2), (3, 4))
    made: Any = plain.flow(found, model.Flow, model.Tcp, model.Endpoint)
    assert made.tcp is None
    assert (made.id, made.initiator, made.responder) == (3, model.Endpoint("a", 1), model.Endpoint("b", 2))
    found.tcp = TcpSummary()
    found.tcp.end, found.tcp.history = end, "Sh"
    made = plain.flow(found, model.Flow, model.Tcp, model.Endpoint)
    assert (made.tcp.end, made.tcp.history, made.tcp.syn) == (told, "Sh", None)


def test_the_head_of_a_session() -> None:
    phase = Phase("tcp", 1, 2, Outcome.ESTABLISHED, 1)
    found = Session(4, "tls", "raw", Outcome.FAILED, [3], 1, 9, [phase], {"a": 1}, [])
    made: Any = plain.head(found, "clean", model.SessionHead, model.Phase)
    assert made == model.SessionHead(
        4, "tls", "clean", "failed", [3], 1, 9, [model.Phase("tcp", 1, 2, 1, "established")], {"a": 1}
    )
