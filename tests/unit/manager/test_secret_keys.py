"""The file of the keys that encrypt secrets."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cloudwright.errors import IllegalAction
from cloudwright.manager.secret_keys import SecretKeys, Unreadable


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets.key"
    first = SecretKeys.open(file)
    assert file.stat().st_mode & 0o777 == 0o600
    sealed = first.encrypt("word", "the secret `a`")
    assert SecretKeys.open(file).decrypt(sealed, "the secret `a`") == "word"
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.key"]


def test_what_is_encrypted_is_bound_to_what_it_is_about(tmp_path: Path) -> None:
    keys = SecretKeys.open(tmp_path / "secrets.key")
    sealed = keys.encrypt("word", "the secret `a`")
    assert keys.encrypt("word", "the secret `a`") != sealed
    id, _, packed = sealed.partition(":")
    data = bytearray(base64.b64decode(packed))
    data[-1] ^= 1
    changed = f"{id}:{base64.b64encode(bytes(data)).decode()}"
    for text, about in [
        (sealed, "the secret `b`"),
        (changed, "the secret `a`"),
        (f"{id}:?", "x"),
        (f"{id}:", ""),
    ]:
        with pytest.raises(Unreadable, match="was changed"):
            keys.decrypt(text, about)
    with pytest.raises(Unreadable, match=r"key 00000000, which is not in .*secrets\.key"):
        keys.decrypt("00000000:abc", "the secret `a`")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no key"),
        ("# nothing\n\n", "holds no key"),
        ("YQ==\n", "line 1: a key is 32 bytes"),
        ("# good\nnot base64!\n", "line 2: a key is 32 bytes"),
        ("\u00e4\n", "cannot be used"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "secrets.key"
    file.write_text(text, "latin-1")
    file.chmod(0o600)
    with pytest.raises(IllegalAction, match=said):
        SecretKeys.open(file)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.key"
    SecretKeys.open(file)
    file.chmod(0o640)
    with pytest.raises(IllegalAction, match=r"mode 0640.*chmod 600"):
        SecretKeys.open(file)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(IllegalAction, match="nowhere"):
        SecretKeys.open(tmp_path / "nowhere" / "secrets.key")
