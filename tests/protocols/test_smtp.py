"""SMTP as far as STARTTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity, Side
from analyzer.protocols.smtp import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b"220 mx.example.org ESMTP ready\r\n")
EHLO = (INI, b"EHLO client.example\r\n")
OFFER = (RES, b"250-mx.example.org at your service\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
ASK = (INI, b"STARTTLS\r\n")
READY = (RES, b"220 2.0.0 go ahead\r\n")
REFUSED = (RES, b"454 4.7.0 TLS not available\r\n")
QUIT = (INI, b"QUIT\r\n")
DIALOG = [GREETING, EHLO, OFFER, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]
SECRETS = ("AGJvYgBzZWNyZXQ=", "Ym9i", "c2VjcmV0")


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == [
        "220 mx.example.org ESMTP ready",
        "EHLO client.example",
        "250 mx.example.org, offers STARTTLS",
        "STARTTLS",
        "220 2.0.0 go ahead",
        "hello",
        "olleh",
    ]
    assert said.notes[2].fields["extensions"] == ["SIZE 1000", "STARTTLS"]
    assert said.notes[-1].path == ("tcp", "smtp", "record")
    assert (said.title, said.facts) == ("smtp://mx.example.org", {"application": "smtp", "starttls": True})
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.round_trips) == ("starttls", Outcome.ESTABLISHED, 2)
    assert phase.end_ns - phase.start_ns == 4_000_000
    assert said.findings == []


def test_a_refusal_is_found() -> None:
    said = play(PROTOCOL, GREETING, EHLO, OFFER, ASK, REFUSED, QUIT, (RES, b"221 bye\r\n"))
    (finding,) = said.findings
    assert (finding.code, finding.severity) == ("tls.starttls-refused", Severity.ERROR)
    assert finding.text == "STARTTLS was answered with 454 4.7.0 TLS not available"
    assert (finding.frames, finding.spec) == ((4, 5), "RFC 3207 4")
    assert said.phases[0].outcome is Outcome.FAILED
    assert said.facts["starttls"] is False


def test_going_on_in_clear_after_a_refusal_is_told() -> None:
    said = play(PROTOCOL, GREETING, EHLO, OFFER, ASK, REFUSED, (INI, b"MAIL FROM:<a@example.org>\r\n"))
    (finding,) = said.findings
    assert finding.severity is Severity.WARNING
    assert finding.text.endswith("; the client goes on in clear")
    assert said.phases[0].outcome is Outcome.ESTABLISHED


def test_no_answer_to_starttls() -> None:
    assert play(PROTOCOL, GREETING, EHLO, OFFER, ASK).phases[0].outcome is Outcome.UNANSWERED


def test_mail_in_clear_is_read_to_the_message() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        EHLO,
        (RES, b"250 mx.example.org\r\n"),
        (INI, b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"),
        (RES, b"250 ok\r\n250 ok\r\n354 go on\r\n"),
        (INI, b"Subject: secret\r\n\r\nbody\r\n.\r\n"),
        (RES, b"250 queued\r\n"),
    )
    assert texts(said)[2:] == [
        "250 mx.example.org, no STARTTLS",
        "MAIL FROM:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "DATA",
        "250 ok",
        "250 ok",
        "354 go on",
    ]
    said = play(PROTOCOL, GREETING, (INI, b"BDAT 5 LAST\r\nhello"))
    assert texts(said)[1:] == ["BDAT 5 LAST"]


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        (INI, b"AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n"),
        (RES, b"535 bad AGJvYgBzZWNyZXQ=\r\n"),
        (INI, b"auth login\r\n"),
        (RES, b"334 VXNlcm5hbWU6\r\n"),
        (INI, b"Ym9i\r\n"),
        (RES, b"334 UGFzc3dvcmQ6\r\n"),
        (INI, b"c2VjcmV0\r\n"),
        (RES, b"235 hello Ym9i\r\n"),
        (INI, b"AUTH c2VjcmV0\r\nNOOP\r\n"),
        (RES, b"500 c2VjcmV0\r\n250 ok\r\n"),
        trace=True,
    )
    assert hides(said, *SECRETS)
    assert texts(said)[1:] == [
        "AUTH PLAIN (credentials not shown)",
        "535",
        "AUTH LOGIN (credentials not shown)",
        "334 (challenge), (credentials not shown)",
        "334 (challenge), (credentials not shown)",
        "235",
        "AUTH (credentials not shown)",
        "NOOP",
        "500",
        "250 ok",
    ]


def test_credentials_in_one_direction_alone_are_not_shown() -> None:
    said = play(PROTOCOL, EHLO, (INI, b"AUTH LOGIN\r\nYm9i\r\nc2VjcmV0\r\n"), trace=True)
    assert hides(said, *SECRETS)
    assert texts(said)[2:] == ["unknown command (not shown)"] * 2


@pytest.mark.parametrize("label", ["tcp", "tls"])
def test_inside_tls_the_client_may_speak_first(label: str) -> None:
    said = play(PROTOCOL, EHLO, OFFER, over=label)
    assert texts(said) == ["EHLO client.example", "250 mx.example.org, offers STARTTLS"]
    assert said.facts == {"application": "smtp"}


def test_tls_without_a_captured_answer() -> None:
    only_client = [EHLO, ASK, (INI, HELLO), (INI, HELLO)]
    said = play([PROTOCOL, RECORDS], *only_client)
    assert texts(said)[2:] == ["hello", "hello"]
    assert said.phases[0].outcome is Outcome.PARTIAL
    # one record may be early only: the answer comes yet
    said = play([PROTOCOL, RECORDS], *DIALOG[:4], (INI, HELLO), READY, (RES, SERVER_HELLO))
    assert texts(said)[-3:] == ["220 2.0.0 go ahead", "hello", "olleh"]
    only_server = [GREETING, OFFER, READY, (RES, SERVER_HELLO)]
    said = play([PROTOCOL, RECORDS], *only_server)
    assert texts(said) == ["220 mx.example.org ESMTP ready", "250", "220", "olleh"]


def test_behind_a_gap_only_tls_is_looked_for() -> None:
    said = play([PROTOCOL, RECORDS], GREETING, EHLO, (RES, 40), (INI, HELLO), (RES, SERVER_HELLO))
    assert texts(said)[2:] == ["hello", "olleh"]
    said = play([PROTOCOL, RECORDS], GREETING, EHLO, (RES, 40), (RES, b"d go\r\n"), (INI, HELLO))
    assert len(said.notes) == 2
    said = play([PROTOCOL, RECORDS], *DIALOG[:4], (INI, HELLO * 2), (INI, 5), (INI, HELLO))
    assert texts(said)[4:] == ["hello", "hello"]


def test_much_is_not_told_command_by_command() -> None:
    said = play(PROTOCOL, GREETING, *[EHLO, OFFER] * 50)
    assert len(said.notes) == 41
    assert len(play(PROTOCOL, GREETING, (INI, b"NOOP\r\n" * 200)).notes) == 41
    assert len(play(PROTOCOL, GREETING, (RES, b"250 ok\r\n" * 200)).notes) == 41


def test_a_client_that_does_not_wait_for_the_greeting() -> None:
    said = play(PROTOCOL, EHLO, (RES, GREETING[1] + OFFER[1]))
    assert texts(said)[1:] == ["220 mx.example.org ESMTP ready", "250 mx.example.org, offers STARTTLS"]


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(RES, b"hello\r\n")], "not a reply: no three digits"),
        ([(RES, b"25")], None),
        ([(RES, b"2x")], "not a reply: no three digits"),
        ([(INI, b"a" * 9000)], "a line of more than 8192 bytes"),
        ([(RES, b"250-a\r\n" * 10000)], "a reply of more than 65536 bytes"),
        ([(RES, b"250-" + b"a" * 66000)], "a reply of more than 65536 bytes"),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str | None) -> None:
    said = play(PROTOCOL, GREETING, EHLO, *frames)
    assert said.lines[2:] == ([] if why is None else [("smtp.malformed", why)])


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"220 mx ESMTP\r\n", True),
        (b"220-mx ESMTP\r\n220 \r\n", True),
        (b"220 mx ESM", None),
        (b"220 FTP server\r\n", False),
        (b"220 ready\r\n", None),
        (b"220 ready\r\n25", None),
        (b"220 ready\r\n250-", True),
        (b"220 ready\r\n331 ", False),
        (b"220-ready\r\n220 ", None),
        (b"220 " + b"x" * 600, False),
        (b"221 bye\r\n", False),
        (b"2", None),
        (b"3", False),
        (b"ehlo me\r\n", True),
        (b"EHL", None),
        (b"EHLO" + b" " * 600, False),
        (b"HELP\r\n", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"\x16\x03\x01", False),
        (b"", None),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [*DIALOG[:4], REFUSED, QUIT]],
    [
        b"AUTH PLAIN x\r\n",
        b"334 x\r\n",
        b"x\r\n",
        b"250-a\r\n250 b\r\n",
        b"250-a",
        b"STARTTLS\r\n",
        b"220 ok\r\n",
        b"\n",
    ],
)
