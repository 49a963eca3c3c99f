"""What can be explained: frames, settings, errors, and the words around them."""

from __future__ import annotations

import pytest

from analyzer.cli.explain import entries, find
from analyzer.protocols.http2.names import ERRORS, FRAMES, SETTING_NAMES, WORDS, error_meaning, error_name, in_words


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("WINDOW_UPDATE", "HTTP/2 frame WINDOW_UPDATE (8)"),
        ("CONTINUATION", "HTTP/2 frame CONTINUATION (9)"),
        ("ENHANCE_YOUR_CALM", "HTTP/2 error ENHANCE_YOUR_CALM (11)"),
        ("refused_stream", "HTTP/2 error REFUSED_STREAM (7)"),
        ("SETTINGS_MAX_FRAME_SIZE", "HTTP/2 setting SETTINGS_MAX_FRAME_SIZE (5)"),
        ("initial_window_size", "HTTP/2 setting SETTINGS_INITIAL_WINDOW_SIZE (4)"),
        ("extended CONNECT", "extended CONNECT"),
        ("HPACK", "HPACK"),
        ("h2c", "Upgrade: h2c"),
        ("flow-control window", "flow-control window"),
    ],
)
def test_a_word_is_found(word: str, title: str) -> None:
    assert title in [entry.title for entry in find(word, entries())]


def test_all_that_has_a_number_has_words() -> None:
    assert {name for name, _, _ in FRAMES.values()} <= WORDS.keys()
    assert {name for name, _, _ in SETTING_NAMES.values()} <= WORDS.keys()
    assert {name for name, _ in ERRORS.values()} <= WORDS.keys()
    assert all(word.meaning.endswith(".") and word.spec for word in WORDS.values())


def test_errors_in_words() -> None:
    assert (error_name(8), error_name(99)) == ("CANCEL", "error 0x63")
    assert error_meaning(99) == ""
    assert in_words(6) == "FRAME_SIZE_ERROR (a frame has a size that it may not have)"
    assert in_words(99) == "error 0x63"
