"""SDP line by line: what browsers, telephones and attackers write."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.sdp import reading
from analyzer.protocols.sdp.reading import candidate_of, read

OFFER = """\
v=0
o=mozilla...THIS_IS_SDPARTA-99.0 4611 2 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=ice-lite
a=ice-options:trickle ice2
a=fingerprint:sha-256 ab:cd
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
b=AS:500
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlYh
a=setup:actpass
a=mid:0
a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:- track
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:111 opus/48000/2
a=ssrc-group:FID 11 12
a=ssrc:11 cname:x
a=ssrc:12
a=rid:hi send
a=simulcast:send hi
a=x-google-flag:conference
a=candidate:1 1 udp 2113937151 fd77::1 50000 typ host generation 0 network-cost 999
a=candidate:2 1 tcp 1518 10.0.0.1 9 typ host tcptype active
a=candidate:3 1 UDP 16 203.0.113.9 61000 typ srflx raddr 10.0.0.1 rport 50000
a=candidate:4 1 udp 1 7b5f.local 50001 typ host ufrag 4ZcD
a=end-of-candidates
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=sctp-port:5000
a=max-message-size:262144
a=sctp-init:AQAAHA==
a=tls-id:abc
"""


def test_a_description_of_a_browser() -> None:
    found = read(OFFER)
    assert "broken_lines" not in found
    assert (found["version"], found["session_name"]) == ("0", "-")
    assert found["origin"]["sess_version"] == "2"
    assert found["groups"] == [{"semantics": "BUNDLE", "mids": ["0", "1"]}]
    assert (found["ice_lite"], found["ice_options"], found["extmap_allow_mixed"]) == (True, "trickle ice2", True)
    assert found["fingerprints"] == [{"hash": "sha-256", "value": "AB:CD"}]
    video, data = found["media"]
    assert (video["media"], video["port"], video["proto"], video["fmt"]) == (
        "video",
        9,
        "UDP/TLS/RTP/SAVPF",
        ["96", "97"],
    )
    told = (video["ice_ufrag"], video["setup"], video["mid"], video["direction"])
    assert told == ("4ZcD", "actpass", "0", "sendonly")
    assert (video["rtcp_mux"], video["rtcp_rsize"], video["end_of_candidates"]) == (True, True, True)
    assert video["bandwidth"] == {"AS": 500}
    assert video["extmap"] == [{"id": 4, "uri": "urn:ietf:params:rtp-hdrext:sdes:mid"}]
    assert video["rtpmap"] == [
        {"payload_type": 96, "encoding": "VP8", "clock_rate": 90000},
        {"payload_type": 97, "encoding": "rtx", "clock_rate": 90000, "associated_payload_type": 96},
        {"payload_type": 111, "encoding": "opus", "clock_rate": 48000, "channels": 2},
    ]
    assert video["ssrcs"] == [{"ssrc": 11, "cname": "x"}, {"ssrc": 12}]
    assert video["ssrc_groups"] == [{"semantics": "FID", "ssrcs": [11, 12]}]
    assert (video["rids"], video["simulcast"]) == ([{"id": "hi", "direction": "send"}], "send hi")
    assert video["attributes"] == ["x-google-flag"]
    assert [one["type"] for one in video["candidates"]] == ["host", "host", "srflx", "host"]
    assert (data["sctp_port"], data["max_message_size"], data["sctp_init"]) == (5000, 262144, "AQAAHA==")
    assert data["tls_id"] == "abc"


def test_candidates() -> None:
    host, active, srflx, name = read(OFFER)["media"][0]["candidates"]
    assert host == {
        "foundation": "1",
        "component": 1,
        "transport": "udp",
        "priority": 2113937151,
        "address": "fd77::1",
        "port": 50000,
        "type": "host",
        "generation": "0",
        "network_cost": "999",
    }
    assert (active["transport"], active["tcp_type"]) == ("tcp", "active")
    assert (srflx["related_address"], srflx["related_port"]) == ("10.0.0.1", 50000)
    assert (name["mdns"], name["ufrag"]) == (True, "4ZcD")


@pytest.mark.parametrize(
    "broken",
    [
        "1 1 udp 1 10.0.0.1 50000 typ",
        "1 1 udp 1 10.0.0.1 50000 type host",
        "1 x udp 1 10.0.0.1 50000 typ host",
        "1 1 udp 1 10.0.0.1 70000 typ host",
    ],
)
def test_candidates_that_are_none(broken: str) -> None:
    assert candidate_of(f"candidate:{broken}") is None


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "m=audio",
        "m=audio x RTP/AVP 0",
        "m=audio 70000 RTP/AVP 0",
        "o=- 1 2 IN IP4",
        "a=sctp-port:x",
        "a=sctpmap:x webrtc-datachannel",
        "a=candidate:1",
        "a=fingerprint:sha-256",
        "a=rtpmap:x opus/48000",
        "a=rtpmap:96 opus",
        "a=extmap:x urn",
        "a=extmap:1",
        "a=ssrc:x",
        "a=ssrc-group:",
        "a=group:",
        "a=rid:hi",
    ],
)
def test_lines_that_break_the_grammar_are_counted(line: str) -> None:
    assert read(f"v=0\n{line}\n")["broken_lines"] == 1


def test_what_old_ones_write() -> None:
    old = read("v=0\nm=application 50000 DTLS/SCTP 5001\na=sctpmap:5001 webrtc-datachannel 1024\n")
    assert old["media"][0]["sctp_port"] == 5001


def test_the_address_of_the_session_holds_for_its_media() -> None:
    media = "m=audio 5004/2 RTP/AVP 0\nm=video 5006 RTP/AVP 31\nc=IN IP6 ::1\n"
    found = read(f"v=0\nc=IN IP4 10.0.0.1/127\nc=IN IP4\n{media}")
    assert [medium["connection_address"] for medium in found["media"]] == ["10.0.0.1", "::1"]


def test_which_codec_is_repaired_is_kept_only_where_it_is_known() -> None:
    lines = ("v=0", "m=video 9 x 96", "a=fmtp:97 apt=96", "a=fmtp:x apt=1", "a=fmtp:96 p=0", "a=rtpmap:96 VP8/90000")
    found = read("\n".join(lines))
    assert found["media"][0]["rtpmap"] == [{"payload_type": 96, "encoding": "VP8", "clock_rate": 90000}]


def test_limits() -> None:
    many = read("v=0\n" + "m=audio 9 x 0\n" * (reading.MAX_MEDIA + 5))
    assert len(many["media"]) == reading.MAX_MEDIA
    found = read("v=0\n" + "a=ssrc:1 a:b\n" * (reading.MAX_LISTED + 5))
    assert len(found["ssrcs"]) == reading.MAX_LISTED
    found = read("v=0\n" + "".join(f"a=own-{number}\n" for number in range(200)))
    assert len(found["attributes"]) == reading.MAX_OTHERS


@given(st.text())
def test_any_text_raises_nothing(text: str) -> None:
    json.dumps(read(text))


@given(st.lists(st.sampled_from(OFFER.splitlines()).map(lambda line: line[:-1] + "\u0663"), max_size=60))
def test_lines_that_are_nearly_right_raise_nothing(lines: list[str]) -> None:
    assert len(read("\n".join(lines))["media"]) <= len(lines)


@pytest.mark.parametrize(
    "line", ["a=own-{}:x\r\n", "m=audio 9 x {}\r\n", "a=candidate:{} 1 udp 1 10.0.0.1 5 typ host\r\n", "{}\r\n"]
)
def test_a_megabyte_takes_time_in_proportion(line: str) -> None:
    """Ten times the bytes may take some twenty times the time, and never a hundred times."""

    def taken(size: int) -> float:
        text = "v=0\r\n" + "".join(line.format(number) for number in range(size // len(line)))
        start = time.process_time()
        read(text)
        return time.process_time() - start

    taken(10_000)
    small = min(taken(100_000) for _ in range(3))
    assert min(taken(1_000_000) for _ in range(2)) < max(30 * small, 0.2)
