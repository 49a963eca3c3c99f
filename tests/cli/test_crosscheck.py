"""`analyzer crosscheck`."""

import shutil
from pathlib import Path

import pytest

from tests.cli.called import call, datagram, pcap
from tests.conftest import lab_file

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")


@needs_tshark
def test_crosscheck_agrees_on_handshakes_and_http() -> None:
    done = call("crosscheck", lab_file("load-ws-tcp.pcapng"))
    assert done.exit_code == 0, done.stderr
    assert sums(done.stdout) == {
        "http.request": ["12", "0", "0", "0"],
        "http.response": ["12", "0", "0", "0"],
        "tcp.ack": ["24", "0", "0", "0"],
        "tcp.syn": ["24", "0", "0", "0"],
        "tcp.syn-ack": ["24", "0", "0", "0"],
    }


@needs_tshark
def test_crosscheck_agrees_on_dns(tmp_path: Path) -> None:
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1"
    answer = b"\x12\x34\x81\x83\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1"
    path = tmp_path / "dns.pcap"
    path.write_bytes(pcap([datagram(40000, 53, question), datagram(53, 40000, answer, back=True)]))
    done = call("crosscheck", path, "--all")
    assert done.exit_code == 0, done.stderr
    assert sums(done.stdout) == {"dns.query": ["1", "0", "0", "0"], "dns.response": ["1", "0", "0", "0"]}
    assert "id 4660" in done.stdout


def sums(printed: str) -> dict[str, list[str]]:
    """The table at the end: counts by kind of message."""
    table = printed[printed.index("  message ") :].splitlines()[1:]
    return {line.split()[0]: line.split()[1:] for line in table}


def test_crosscheck_tells_what_differs() -> None:
    from analyzer.cli.crosscheck import Key, compared, lines

    ours = {Key(1, "tcp.syn"): "a", Key(2, "dns.query"): "id 1", Key(3, "tcp.ack"): "a"}
    theirs = {Key(1, "tcp.syn"): "a", Key(2, "dns.query"): "id 2", Key(4, "tcp.ack"): "a"}
    assert [verdict for _, verdict, _, _ in compared(ours, theirs)] == [
        "agree",
        "differ",
        "only ours",
        "only Wireshark",
    ]
    printed = [str(line) for line in lines("x", ours, theirs, 80, False)]
    assert any(line.strip() == "Wireshark: id 2" for line in printed)
    assert not any(line.split()[:1] == ["1"] for line in printed)
    assert any(line.split()[:1] == ["1"] for line in map(str, lines("x", ours, theirs, 80, True)))
    assert "neither" in str(list(lines("x", {}, {}, 80, False))[1])


def test_crosscheck_without_tshark_says_what_to_do(http: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.pyshark_adapter.find_tshark", lambda: None)
    done = call("crosscheck", http)
    assert done.exit_code == 1
    assert "install it" in done.stderr
    assert done.stderr.count("\n") == 1
