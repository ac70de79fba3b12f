import base64
import stat

import pytest

from portal.stack.errors import StackError
from portal.stack.keyring import Keyring


def test_a_secret_stays_the_same_once_made(tmp_path):
    first = Keyring(tmp_path).password("database")

    assert Keyring(tmp_path).password("database") == first
    assert Keyring(tmp_path).password("broker") != first


def test_a_secret_is_readable_by_its_owner_alone(tmp_path):
    Keyring(tmp_path).password("database")

    assert stat.S_IMODE((tmp_path / "database").stat().st_mode) == 0o600


def test_a_field_key_holds_32_bytes(tmp_path):
    assert len(base64.urlsafe_b64decode(Keyring(tmp_path).field_key("field"))) == 32


def test_an_unusable_folder_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StackError, match=r"cannot be read or written"):
        Keyring(tmp_path / "file").password("database")
