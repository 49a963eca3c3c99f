from analyzer.capture.gathered import ENTRY_BYTES, Gathered
from analyzer.core import Interface, Limits


def test_too_many_interfaces_share_the_number_of_one_alike() -> None:
    gathered = Gathered(Limits(interfaces=2))
    assert [gathered.interface(Interface(name, 1, 0)) for name in ("a", "b", "b", "c")] == [0, 1, 1, None]
    assert [interface.name for interface in gathered.interfaces] == ["a", "b"]


def test_names_are_kept_up_to_their_limit_and_length() -> None:
    gathered = Gathered(Limits(resolved_names=2))
    assert gathered.name("192.0.2.1", "first")
    assert gathered.name("192.0.2.1", "second")
    assert gathered.name("192.0.2.2", "x" * 1000)
    assert not gathered.name("192.0.2.3", "third")
    assert gathered.names == {"192.0.2.1": "first", "192.0.2.2": "x" * 255}


def test_secrets_are_kept_up_to_their_limit_even_empty_ones() -> None:
    gathered = Gathered(Limits(secrets_bytes=10 + 2 * ENTRY_BYTES))
    assert gathered.secret(b"0123456789")
    assert gathered.secret(b"")
    assert not gathered.secret(b"")
    assert gathered.secrets == [b"0123456789", b""]
