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
from cloudwright.storage.database import ErrorClass, caller_error
from cloudwright.storage.postgresql import PostgresDatabase
from cloudwright.storage.sqlite import SqliteDatabase

POSTGRES = PostgresDatabase(make_url("postgresql://x@/y"))


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), ErrorClass.UNAVAILABLE),
        (psycopg.InterfaceError("the connection is closed"), ErrorClass.UNAVAILABLE),
        (pg.AdminShutdown(), ErrorClass.UNAVAILABLE),
        (pg.CrashShutdown(), ErrorClass.UNAVAILABLE),
        (pg.CannotConnectNow(), ErrorClass.UNAVAILABLE),
        (pg.ConnectionFailure(), ErrorClass.UNAVAILABLE),
        (pg.DiskFull(), ErrorClass.UNAVAILABLE),
        (pg.TooManyConnections(), ErrorClass.UNAVAILABLE),
        (pg.ReadOnlySqlTransaction(), ErrorClass.UNAVAILABLE),
        (pg.LockNotAvailable(), ErrorClass.UNAVAILABLE),
        (pg.IdleInTransactionSessionTimeout(), ErrorClass.UNAVAILABLE),
        (pg.DeadlockDetected(), ErrorClass.RETRY),
        (pg.SerializationFailure(), ErrorClass.RETRY),
        (pg.UniqueViolation(), ErrorClass.FATAL),
        (pg.UndefinedTable(), ErrorClass.FATAL),
        (psycopg.DataError("text fields cannot contain NUL"), ErrorClass.FATAL),
        (NotFound("no"), ErrorClass.FATAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_postgresql(error: Exception, error_class: ErrorClass) -> None:
    assert POSTGRES.classify(error) is error_class
    assert POSTGRES.classify(OperationalError("SELECT", {}, error)) is error_class


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
    assert [database.classify(error) for error in refused] == [ErrorClass.FATAL] * 2
    assert [database.classify(error) for error in out] == [ErrorClass.UNAVAILABLE] * 4
    assert database.classify(OperationalError("BEGIN", {}, out[0])) is ErrorClass.UNAVAILABLE
    assert database.classify(ZeroDivisionError()) is ErrorClass.FATAL


def test_what_contradicts_the_stored_is_a_conflict(tmp_path: Path) -> None:
    broken = failure(tmp_path / "a.db", "CREATE TABLE t (a PRIMARY KEY)", "INSERT INTO t VALUES (1), (1)")
    told = caller_error(broken)
    assert isinstance(told, Conflict)
    assert (
        str(told)
        == "The change contradicts what is stored (UNIQUE constraint failed: t.a). Nothing was written."
    )
    assert told.__cause__ is broken
    other = ZeroDivisionError()
    assert caller_error(other) is other
