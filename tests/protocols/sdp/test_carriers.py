"""Descriptions and candidates in messages of applications."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocols.sdp import carriers
from analyzer.protocols.sdp.carriers import find, probe

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\n"
CANDIDATE = "candidate:1 1 udp 1 10.0.0.1 50000 typ host"
OBJECT = {"candidate": CANDIDATE, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "abcd"}


def kinds(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value)
    assert probe(text.encode()), "what is found has to be looked for"
    return [one.kind for one in find(text)]


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"type": "offer", "sdp": SDP}, ["offer"]),
        ({"type": "message", "payload": {"type": "answer", "sdp": SDP}}, ["answer"]),
        ({"offer": {"sdp": SDP}}, ["offer"]),
        ({"answer": SDP}, ["answer"]),
        ({"kind": "Offer", "sdp": SDP}, ["offer"]),
        ({"type": 7, "sdp": SDP}, [""]),
        (["room", {"type": "pranswer", "sdp": SDP}], ["pranswer"]),
        ({"data": json.dumps({"type": "offer", "sdp": SDP})}, ["offer"]),
        ({"data": json.dumps({"data": json.dumps({"type": "offer", "sdp": SDP})})}, ["offer"]),
        (f'42["message",{json.dumps({"type": "offer", "sdp": SDP})}]', ["offer"]),
        (f"OFFER\n{SDP}", ["offer"]),
        (SDP, [""]),
        ({"type": "candidate", "candidate": OBJECT}, ["candidate"]),
        ({"candidate": CANDIDATE}, ["candidate"]),
        ([OBJECT, OBJECT], ["candidate", "candidate"]),
        ({"ice": CANDIDATE}, ["candidate"]),
        ({"ice": f"a={CANDIDATE}"}, ["candidate"]),
        (CANDIDATE, ["candidate"]),
        ({"type": "offer", "sdp": SDP, "candidates": [OBJECT]}, ["offer", "candidate"]),
    ],
)
def test_what_applications_send(message: Any, wanted: list[str]) -> None:
    assert kinds(message) == wanted


def test_an_object_says_what_it_belongs_to() -> None:
    (found,) = find(json.dumps(OBJECT))
    assert {name: found.fields[name] for name in ("sdp_mid", "sdp_mline_index", "username_fragment")} == {
        "sdp_mid": "0",
        "sdp_mline_index": 0,
        "username_fragment": "abcd",
    }
    (found,) = find(json.dumps({"candidate": f"{CANDIDATE} ufrag xyz"}))
    assert found.fields["username_fragment"] == "xyz"


def test_the_end_of_candidates() -> None:
    (found,) = find(json.dumps({"candidate": "", "sdpMid": "0"}))
    assert found.fields["end_of_candidates"] is True
    assert find(json.dumps({"candidate": ""})) == []
    assert find(json.dumps({"candidate": "candidate:nonsense", "sdpMid": None})) == []


def test_a_fragment_of_trickle_ice() -> None:
    text = f"a=ice-ufrag:abcd\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na={CANDIDATE}\r\n"
    (found,) = find(text)
    assert (found.kind, found.fields["username_fragment"]) == ("candidate", "abcd")


@pytest.mark.parametrize("text", ["", "hello", '{"a":', "[1", '{"candidate": {"name": "Bob"}}', "candidate:", '"v=0"'])
def test_what_is_nothing(text: str) -> None:
    assert find(text) == []


def test_probe() -> None:
    assert not probe(b'{"type":"chat","text":"the candidate v=0 of the year"}')
    assert probe(b"v=0\\r\\n")
    assert probe(b"v=0\n")
    assert probe(b'"candidate"')


def test_limits() -> None:
    assert len(find(json.dumps([OBJECT] * 1000))) == carriers.MAX_FOUND
    deep: Any = {"type": "offer", "sdp": SDP}
    for _ in range(carriers.MAX_NESTED + 1):
        deep = {"data": json.dumps(deep)}
    assert find(json.dumps(deep)) == []
    assert find("[" * 100_000) == []


@given(st.text())
def test_any_text_raises_nothing(text: str) -> None:
    find(text)
    find(f"v=0\r\n{text}")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([SDP, CANDIDATE, "offer"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "kind", "sdp", "candidate", "x"]), inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(_VALUES)
def test_any_json_raises_nothing(value: Any) -> None:
    for one in find(json.dumps(value)):
        assert one.kind in ("", "offer", "answer", "pranswer", "candidate")


@pytest.mark.parametrize(
    "message",
    [
        lambda size: json.dumps({"type": "offer", "sdp": "v=0\r\n" + "a=x\r\n" * (size // 5)}),
        lambda size: json.dumps({"type": "a" * (size // 2), "x": [{} for _ in range(size // 8)], "v": "v=0\n"}),
        lambda size: json.dumps([OBJECT] * (size // 120)),
        lambda size: '{"type":' * (size // 8) + "1" + "}" * (size // 8),
        lambda size: "v=0\n" * (size // 4),
    ],
)
def test_a_megabyte_takes_time_in_proportion(message: Any) -> None:
    def taken(size: int) -> float:
        text = message(size)
        start = time.process_time()
        find(text)
        return time.process_time() - start

    taken(10_000)
    small = min(taken(100_000) for _ in range(3))
    assert min(taken(1_000_000) for _ in range(2)) < max(30 * small, 0.2)
