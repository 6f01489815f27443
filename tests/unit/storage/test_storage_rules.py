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
    # accounts.py deletes the history of a tenant that is deleted, and writes nothing else.
    assert outside == {"accounts.py"}
    assert "status=" not in (STORAGE / "accounts.py").read_text()


def test_nobody_writes_sql_about_executions_by_hand() -> None:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text().lower()
        assert "update executions" not in text, path
        assert "insert into executions" not in text, path


#: The functions that wait, or name a writer; none of them is a verb.
IMPURE = {
    "exclusive_use.py open": {"time.monotonic", "time.sleep"},
    "migrate.py _migrated": {"time.monotonic"},
    "migrate.py migrate": {"time.monotonic", "time.sleep"},
    "postgresql.py __init__": {"uuid.uuid4"},
    "shared_use.py _boottime": {"time.clock_gettime", "time.CLOCK_BOOTTIME"},
    "shared_use.py open": {"time.monotonic", "time.sleep"},
    "sqlite.py time_limit": {"time.monotonic"},
    "store.py open_exclusively": {"time.sleep"},
    "writer.py _attempt": {"time.monotonic"},
    "writer.py _random_id": {"uuid.uuid4"},
    "writer.py _recovered": {"time.monotonic"},
    "writer.py _wait_out": {"time.monotonic"},
}
CLOCKS_AND_CHANCE = ("time", "datetime.datetime.now", "datetime.datetime.utcnow", "uuid", "random", "secrets")


def impure(path: Path) -> dict[str, set[str]]:
    """What each function of a module uses that differs from call to call, by its full name."""
    imported: dict[str, str] = {}
    found: dict[str, set[str]] = {}

    def full_name(node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{full_name(node.value)}.{node.attr}"
        return imported.get(node.id, "") if isinstance(node, ast.Name) else ""

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        elif isinstance(node, ast.Import):
            imported.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            imported.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        elif isinstance(node, ast.Attribute | ast.Name):
            name = full_name(node)
            if any(name == source or name.startswith(f"{source}.") for source in CLOCKS_AND_CHANCE):
                found.setdefault(f"{path.relative_to(STORAGE)} {function}", set()).add(name)
                return
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(path.read_text()), "")
    return found


def test_verbs_read_no_clock_and_make_no_identifiers() -> None:
    found: dict[str, set[str]] = {}
    for path in STORAGE.rglob("*.py"):
        found.update(impure(path))
    assert found == IMPURE


def test_every_foreign_key_has_an_index() -> None:
    """Else deleting a parent, or checking a key, reads the whole child table."""
    for table in schema.metadata.sorted_tables:
        prefixes = [[column.name for column in index.columns] for index in table.indexes]
        prefixes.append([column.name for column in table.primary_key.columns])
        for key in table.foreign_key_constraints:
            columns = [column.name for column in key.columns]
            firsts = [sorted(prefix[: len(columns)]) for prefix in prefixes]
            assert sorted(columns) in firsts, (table.name, columns)
