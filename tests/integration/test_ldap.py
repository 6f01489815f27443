"""Users of an LDAP directory sign in: a slapd of the test's own, and a real manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from manager_process import ManagerProcess, running_manager

from certificates import self_signed
from cloudwright.client.errors import ClientError
from cloudwright.errors import InvalidInput, Unavailable
from cloudwright.manager.ldap_directory import LdapDirectory, OutsideUser
from cloudwright.settings import Settings
from slapd import BASE, MANAGER, MANAGER_PASSWORD, Slapd

LOOKERS = f"cn=lookers,{BASE}"
OPERATORS = f"cn=operators,{BASE}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ldap")


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Path:
    return self_signed(folder)


@pytest.fixture
def slapd(tmp_path: Path, certificate: Path) -> Iterator[Slapd]:
    running = Slapd(tmp_path / "slapd", certificate, certificate)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def password_file(folder: Path) -> str:
    file = folder / "password"
    file.write_text(MANAGER_PASSWORD + "\n")
    return str(file)


def settings(url: str, password_file: str, **more: str) -> Settings:
    given = {"ldap_base": BASE, "ldap_bind_dn": MANAGER, "ldap_bind_password_file": password_file}
    return Settings(Path("/nowhere"), ldap_url=url, **{**given, **more})  # type: ignore[arg-type]


def test_who_has_the_password_is_known_with_their_groups(
    slapd: Slapd, certificate: Path, password_file: str
) -> None:
    for directory in (
        LdapDirectory(settings(slapd.url, password_file)),
        LdapDirectory(settings(slapd.tls_url, password_file, ldap_ca=str(certificate))),
    ):
        ann = directory.authenticate("ann", "a password of ann")
        assert ann is not None
        assert sorted(ann.groups) == [LOOKERS, OPERATORS]
        assert directory.authenticate("ben", "a password of ben") == OutsideUser("ben", (LOOKERS,))
        for username, password in (
            ("ann", "another"),
            ("ann", ""),
            ("", ""),
            ("nobody", "a password of ann"),
            ("*", "a password of ann"),
            ("ann)(uid=*", "a password of ann"),
            ("a\0nn", "x"),
            ("ann" * 5000, "x"),
            ("änn", "x"),
        ):
            assert directory.authenticate(username, password) is None, username[:20]


def test_two_of_a_name_are_nobody(slapd: Slapd, password_file: str) -> None:
    directory = LdapDirectory(
        settings(slapd.url, password_file, ldap_user_filter="(|(uid={username})(sn=B))")
    )
    assert directory.authenticate("ann", "a password of ann") is None


def test_a_directory_that_cannot_be_asked_is_named(
    slapd: Slapd, certificate: Path, password_file: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the manager's")
    for directory, says in (
        (LdapDirectory(settings(slapd.url, str(wrong))), "refuses CLOUDWRIGHT_LDAP_BIND_DN"),
        # Whom nobody has vouched for.
        (LdapDirectory(settings(slapd.tls_url, password_file)), "certificate"),
        (LdapDirectory(settings("ldap://127.0.0.1:1", password_file)), "cannot be asked"),
    ):
        with pytest.raises(Unavailable, match=says):
            directory.authenticate("ann", "a password of ann")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ldap_base": ""}, "CLOUDWRIGHT_LDAP_BASE must be"),
        ({"ldap_user_filter": "(uid=ann)"}, "must hold `{username}` once"),
        ({"ldap_group_filter": "(member=*)"}, "must hold `{dn}` once"),
        ({"ldap_bind_password_file": "/nowhere/at/all"}, "cannot be read"),
        ({"ldap_url": "http://example.com"}, "must be like"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    password_file: str, more: dict[str, str], says: str
) -> None:
    given = {"url": "ldap://127.0.0.1", **more}
    url = given.pop("ldap_url", given.pop("url"))
    with pytest.raises(InvalidInput, match=says):
        LdapDirectory(settings(url, password_file, **given))


def ask(manager: ManagerProcess, username: str, password: str, path: str = "/user") -> httpx.Response:
    url = f"{manager.client.target.url}/api/v3.1{path}"
    return httpx.get(url, auth=(username, password), headers={"Tenant": "default_tenant"}, timeout=60)


def test_roles_come_from_groups_and_go_with_them(tmp_path: Path, slapd: Slapd, password_file: str) -> None:
    with running_manager(
        tmp_path,
        ldap_url=slapd.url,
        ldap_base=BASE,
        ldap_bind_dn=MANAGER,
        ldap_bind_password_file=password_file,
        max_failed_logins=2,
    ) as manager:
        client = manager.client
        client.user_groups.create("viewers", ldap_dn=LOOKERS.upper().replace(",", ", "))
        client.tenants.add_user_group("viewers", "default_tenant", "viewer")
        client.user_groups.create("local")

        # A wrong password opens nothing and makes nobody, however often.
        for _ in range(4):
            assert ask(manager, "ben", "wrong").status_code == 401
        assert "ben" not in [user["username"] for user in client.users.list().items]

        found = ask(manager, "ben", "a password of ben").json()
        assert (found["username"], found["source"], found["role"]) == ("ben", "ldap", "default")
        assert ask(manager, "ben", "a password of ben", "/blueprints").status_code == 200
        client.user_groups.add_user("ben", "local")
        assert client.users.details("ben", get_data=True)["groups"] == ["local", "viewers"]

        # Neither does the directory lock anybody by the manager, nor the manager anybody of the directory.
        for _ in range(4):
            assert ask(manager, "ben", "wrong").status_code == 401
        assert client.users.details("ben")["is_locked"] is False
        assert ask(manager, "ben", "a password of ben").status_code == 200
        # The manager's own users are not the directory's.
        assert ask(manager, "admin", "not the manager's admin").status_code == 401
        with pytest.raises(ClientError, match="kept by `ldap`"):
            client.users.set_password("ben", "another password")

        # What the directory says now counts at the next log-in, and only for groups that stand for its own.
        slapd.replace("member: uid=ben,", "member: uid=zoe,")
        assert ask(manager, "ann", "a password of ann").status_code == 200
        client.users.deactivate("ann")
        assert ask(manager, "ann", "a password of ann").status_code == 401

        # Without the directory local users sign in as ever, and the others are told why they cannot.
        slapd.stop()
        away = ask(manager, "zoe", "x")
        assert (away.status_code, "cannot be asked" in away.json()["message"]) == (503, True)
        told = json.loads((manager.home / "credentials.json").read_text())
        assert ask(manager, "admin", told["password"]).status_code == 200
