"""A carrier that is killed owes what it had promised."""

from portal.stack.carrier.owed import Owed


def test_what_was_promised_and_not_sent_is_owed_after_a_kill(tmp_path):
    first = Owed(tmp_path / "owed")
    for body in (b"a", b"b", b"b", b"c\n"):
        first.note_promised(body)
    first.note_sent(b"a")
    first.note_sent(b"b")

    assert sorted(Owed(tmp_path / "owed").left) == [b"b", b"c\n"]
    assert sorted(Owed(tmp_path / "owed").left) == [b"b", b"c\n"], "and after the next one too"


def test_a_line_that_was_being_written_is_left_out(tmp_path):
    Owed(tmp_path / "owed").note_promised(b"whole")
    with (tmp_path / "owed").open("ab") as file:
        file.write(b"+aGFs")

    assert Owed(tmp_path / "owed").left == [b"whole"]


def test_a_new_carrier_owes_nothing(tmp_path):
    assert Owed(tmp_path / "nothing" / "owed").left == []
