"""`analyzer explain`."""

import pytest

from tests.cli.called import call


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tcp.syn-no-reply", "What to do"),
        ("syn-no-reply", "tcp.syn-no-reply"),
        ("RST", "RFC 9293"),
        ("icmp 3/13", "administratively prohibited"),
        ("ShADadFf", "initiator: SYN"),
        ("capture.one-direction", "Most likely"),
        ("http.request", "RFC 9112"),
        ("window", "tcp.zero-window"),
    ],
)
def test_explain(word: str, said: str) -> None:
    done = call("explain", *word.split())
    assert done.exit_code == 0
    assert said in done.stdout


def test_explain_suggests_what_may_be_meant() -> None:
    done = call("explain", "tcp.retransmision")
    assert done.exit_code == 2
    assert "did you mean tcp.retransmission" in done.stderr
    assert call("explain", "qqqqqqqq").exit_code == 2
    assert call("explain").exit_code == 2


def test_explain_lists_every_word() -> None:
    listed = call("explain", "--list")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) > 80
