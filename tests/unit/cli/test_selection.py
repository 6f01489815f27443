"""The choice of a manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudwright.cli.failure import Failure
from cloudwright.cli.profile_store import Profile, ProfileStore
from cloudwright.cli.selection import parse_address, select
from cloudwright.client.target import Target

URL = {"CLOUDWRIGHT_URL": "http://env:1"}
LAB = Profile(
    "lab", "lab.example", 443, "https", manager_username="u", manager_password="p", manager_tenant="blue"
)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    store = ProfileStore(tmp_path)
    store.save(LAB)
    return store


def test_nothing_chosen_is_the_manager_of_the_home(tmp_path: Path) -> None:
    selection = select(tmp_path, {})
    assert (selection.target, selection.is_local) == (None, True)
    assert str(tmp_path / "manager.log") in selection.address_hint()
    assert str(tmp_path / "credentials.json") in selection.credentials_hint()


def test_the_active_profile(tmp_path: Path, store: ProfileStore) -> None:
    store.activate("lab")
    assert select(tmp_path, {}).target == Target("https://lab.example:443", "u", "p", tenant="blue")


def test_the_environment_wins_over_the_profile_and_brings_its_own_credentials(
    tmp_path: Path, store: ProfileStore
) -> None:
    store.activate("lab")
    assert select(tmp_path, URL).target == Target("http://env:1")
    environ = {**URL, "CLOUDWRIGHT_USERNAME": "me", "CLOUDWRIGHT_PASSWORD": "w", "CLOUDWRIGHT_TENANT": "t"}
    assert select(tmp_path, environ).target == Target("http://env:1", "me", "w", tenant="t")
    assert select(tmp_path, {**environ, "CLOUDWRIGHT_TOKEN": "x"}).target == Target(
        "http://env:1", token="x", tenant="t"
    )
    assert "CLOUDWRIGHT_TOKEN" in select(tmp_path, URL).credentials_hint()


def test_credentials_of_the_environment_with_the_address_of_the_profile(
    tmp_path: Path, store: ProfileStore
) -> None:
    store.activate("lab")
    selection = select(tmp_path, {"CLOUDWRIGHT_TOKEN": "x"}, tenant="red")
    assert selection.target == Target("https://lab.example:443", token="x", tenant="red")
    assert selection.credentials_hint().startswith("The credentials come from CLOUDWRIGHT_TOKEN")
    assert "CLOUDWRIGHT_USERNAME" in select(tmp_path, {"CLOUDWRIGHT_USERNAME": "me"}).credentials_hint()


def test_the_option_wins_over_everything(tmp_path: Path, store: ProfileStore) -> None:
    assert select(tmp_path, URL, manager="lab").target == LAB.target()
    assert select(tmp_path, URL, manager="other:9").target == Target("http://other:9")
    store.activate("lab")
    assert select(tmp_path, {}, manager="other").target == Target(
        "https://other:443", "u", "p", tenant="blue"
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("manager", "http://manager:8100"),
        ("manager:80", "http://manager:80"),
        ("10.0.0.1", "http://10.0.0.1:8100"),
        ("::1", "http://[::1]:8100"),
        ("[::1]:9", "http://[::1]:9"),
        ("https://m", "https://m:443"),
        ("http://m/", "http://m:8100"),
        ("https://m:8443", "https://m:8443"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert parse_address(text) == url


@pytest.mark.parametrize("text", ["", "ftp://m", "m/path", "http://u:p@m", "m:x", "http://", "m?x=1", "[::1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_address(text)
    assert caught.value.exit_code == 2


def test_a_target_does_not_show_its_secrets() -> None:
    shown = repr(Target("http://m:1", "me", "pass-word", "to-ken"))
    assert "me" in shown
    assert "pass-word" not in shown
    assert "to-ken" not in shown
