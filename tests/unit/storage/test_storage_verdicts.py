"""What a failure means: whether to tell the caller, to try again, or to wait for the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from cloudwright.errors import Conflict, NotFound
from cloudwright.storage.database import Verdict, refusal
from cloudwright.storage.postgresql import PostgresDatabase
from cloudwright.storage.sqlite import SqliteDatabase

POSTGRES = PostgresDatabase(make_url("postgresql://x@/y"))


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), Verdict.OUTAGE),
        (psycopg.InterfaceError("the connection is closed"), Verdict.OUTAGE),
        (pg.AdminShutdown(), Verdict.OUTAGE),
        (pg.CrashShutdown(), Verdict.OUTAGE),
        (pg.CannotConnectNow(), Verdict.OUTAGE),
        (pg.ConnectionFailure(), Verdict.OUTAGE),
        (pg.DiskFull(), Verdict.OUTAGE),
        (pg.TooManyConnections(), Verdict.OUTAGE),
        (pg.ReadOnlySqlTransaction(), Verdict.OUTAGE),
        (pg.LockNotAvailable(), Verdict.OUTAGE),
        (pg.IdleInTransactionSessionTimeout(), Verdict.OUTAGE),
        (pg.DeadlockDetected(), Verdict.AGAIN),
        (pg.SerializationFailure(), Verdict.AGAIN),
        (pg.UniqueViolation(), Verdict.REFUSED),
        (pg.UndefinedTable(), Verdict.REFUSED),
        (psycopg.DataError("text fields cannot contain NUL"), Verdict.REFUSED),
        (NotFound("no"), Verdict.REFUSED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_postgresql(error: Exception, verdict: Verdict) -> None:
    assert POSTGRES.judge(error) is verdict
    assert POSTGRES.judge(OperationalError("SELECT", {}, error)) is verdict


def failure(path: Path, *statements: str) -> sqlite3.Error:
    try:
        with closing(sqlite3.connect(path, 0, isolation_level=None)) as conn:
            for statement in statements:
                conn.execute(statement)
    except sqlite3.Error as error:
        return error
    raise AssertionError("it did not fail")


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = SqliteDatabase(path)
    refused = [
        failure(path, "SELEKT"),
        failure(path, "CREATE TABLE t (a PRIMARY KEY)", "INSERT INTO t VALUES (1), (1)"),
    ]
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    out = [
        failure(path, "BEGIN IMMEDIATE"),
        failure(path, "PRAGMA query_only=ON", "INSERT INTO t VALUES (2)"),
        failure(tmp_path, "SELECT 1"),
        failure(tmp_path / "b.db", "PRAGMA max_page_count=1", "CREATE TABLE t (a)", "CREATE TABLE u (a)"),
    ]
    holder.close()
    assert [database.judge(error) for error in refused] == [Verdict.REFUSED] * 2
    assert [database.judge(error) for error in out] == [Verdict.OUTAGE] * 4
    assert database.judge(OperationalError("BEGIN", {}, out[0])) is Verdict.OUTAGE
    assert database.judge(ZeroDivisionError()) is Verdict.REFUSED


def test_what_contradicts_the_stored_is_a_conflict(tmp_path: Path) -> None:
    broken = failure(tmp_path / "a.db", "CREATE TABLE t (a PRIMARY KEY)", "INSERT INTO t VALUES (1), (1)")
    told = refusal(broken)
    assert isinstance(told, Conflict)
    assert str(told) == "It contradicts what is stored (UNIQUE constraint failed: t.a). Nothing was written."
    assert told.__cause__ is broken
    other = ZeroDivisionError()
    assert refusal(other) is other
