"""What the code of the store must not do, looked for in its text."""

from __future__ import annotations

import ast
from pathlib import Path

import cloudwright
from cloudwright.storage import schema

SOURCE = Path(cloudwright.__file__).parent
STORAGE = SOURCE / "storage"


def writes_to_executions(path: Path) -> list[ast.Call]:
    """Calls of ``update(executions)`` or ``insert(executions)``, with what is chained to them."""
    tree = ast.parse(path.read_text())
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"update", "insert", "sql_update", "delete"}
        and any(isinstance(argument, ast.Name) and argument.id == "executions" for argument in node.args)
    ]


def test_one_package_writes_the_status() -> None:
    writers = {path for path in STORAGE.rglob("*.py") if writes_to_executions(path)}
    outside = {path.name for path in writers if path.parent != STORAGE / "executions"}
    assert writers, "nothing writes to executions: is the test looking at the right text?"
    # operations.py counts operations that end after their execution, and writes nothing else.
    assert outside == {"operations.py"}
    assert "status=" not in (STORAGE / "operations.py").read_text().replace("execution_status=", "")


def test_nobody_writes_sql_about_executions_by_hand() -> None:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text().lower()
        assert "update executions" not in text, path
        assert "insert into executions" not in text, path


def test_verbs_read_no_clock_and_make_no_identifiers() -> None:
    # A writer names itself, and connections wait for the database with a clock; neither is part of a verb.
    waits = ("exclusive_use.py", "migrate.py", "sqlite.py", "store.py", "writer.py")
    allowed = {"postgresql.py": {"uuid"}, **{name: {"time"} for name in waits}}
    for path in STORAGE.glob("*.py"):
        imported = {
            (node.module if isinstance(node, ast.ImportFrom) else alias.name) or ""
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & {"time", "uuid", "random", "secrets"} - allowed.get(path.name, set()), path.name
        assert ".now(" not in path.read_text()


def test_every_foreign_key_has_an_index() -> None:
    """Else deleting a parent, or checking a key, reads the whole child table."""
    for table in schema.metadata.sorted_tables:
        prefixes = [[column.name for column in index.columns] for index in table.indexes]
        prefixes.append([column.name for column in table.primary_key.columns])
        for key in table.foreign_key_constraints:
            columns = [column.name for column in key.columns]
            firsts = [sorted(prefix[: len(columns)]) for prefix in prefixes]
            assert sorted(columns) in firsts, (table.name, columns)
