"""The secrets of Cloudify 7.0.5: its command line, and scripts around its REST client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent


def test_a_script_with_the_real_client(manager: ManagerProcess, credentials: dict[str, str]) -> None:
    port = credentials["url"].rpartition(":")[2]
    ran = subprocess.run(
        [
            str(CLOUDIFY_CFY.with_name("python")),
            "-W",
            "ignore",
            str(HERE / "secrets_script.py"),
            port,
            credentials["token"],
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


@pytest.mark.timeout(300)
def test_a_secrets_life(cfy: Cfy, tmp_path: Path) -> None:
    assert "Secret `typed` created" in cfy("secrets", "create", "typed", "-s", "one")
    assert "already" in cfy("secrets", "create", "typed", "-s", "two", code=1)
    cfy("secrets", "create", "typed", "-s", "two", "-u")
    file = tmp_path / "value"
    file.write_text("from a file\n")
    cfy("secrets", "create", "filed", "-f", file, "--hidden-value", "-l", "private")
    cfy("secrets", "create", "listed", "-s", "[1, 2]", "--list")
    cfy("secrets", "create", "shaped", "-s", '{"a": 1}', "--schema", '{"type": "object"}')
    assert json.loads(cfy("secrets", "get", "filed", "--json"))["value"] == "from a file\n"
    assert "two" in cfy("secrets", "get", "typed")
    assert "not found" in cfy("secrets", "get", "nothing")

    rows = {row["key"]: row for row in json.loads(cfy("secrets", "list", "--json"))}
    assert set(rows) >= {"typed", "filed", "listed", "shaped"}
    assert rows["filed"]["visibility"] == "private"
    assert "from a file" not in cfy("secrets", "list")
    assert "Showing 1 of 1" in cfy("secrets", "list", "--search", "typed")

    assert "updated" in cfy("secrets", "update", "typed", "-s", "three", "--hidden-value")
    assert "updated" in cfy("secrets", "update", "listed", "-s", "[3]")
    assert json.loads(cfy("secrets", "get", "typed", "--json"))["is_hidden_value"] is True
    assert "was set to global" in cfy("secrets", "set-visibility", "typed", "-l", "global")
    assert "was set to global" in cfy("secrets", "set-global", "shaped")
    assert "owned by user `admin`" in cfy("secrets", "set-owner", "typed", "-s", "admin")


def test_export_and_import(cfy: Cfy, tmp_path: Path) -> None:
    cfy("secrets", "create", "travels", "-s", "three")
    exported = tmp_path / "exported.json"
    cfy("secrets", "export", "-p", "a passphrase", "--filter-by", "travels", "-o", exported)
    assert "three" not in exported.read_text()
    assert [item["key"] for item in json.loads(exported.read_text())] == ["travels"]
    assert "Secret removed" in cfy("secrets", "delete", "travels")
    said = cfy("secrets", "import", "-p", "a passphrase", "-i", exported)
    assert "Secrets imported" in said
    assert "not imported" not in said
    again = ("-p", "a passphrase", "-i", exported, "--override-collisions")
    assert "overridden" in cfy("secrets", "import", *again)
    assert json.loads(cfy("secrets", "get", "travels", "--json"))["value"] == "three"


def test_providers_are_refused(cfy: Cfy) -> None:
    for words in (
        ("list",),
        ("get", "vault"),
        ("create", "vault", "-y", "local"),
        ("delete", "vault"),
        ("test", "vault"),
    ):
        assert "no providers of secrets" in cfy("secrets", "providers", *words, code=1), words
