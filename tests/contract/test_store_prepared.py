"""A prepared statement returns what SQLAlchemy would, for every type of column."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from stored import NOW, at

from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.store import database_at

things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("flag", Boolean),
    Column("share", Float),
    Column("many", BigInteger),
    Column("name", Text),
    Column("raw", LargeBinary),
    Column("at", UtcDateTime),
    Column("status", EnumText(ExecutionStatus)),
    Column("document", Json),
)
NAMES = tuple(column.name for column in things.columns)
FULL = (1, True, 0.25, 2**60, "ü", b"\0\xff", NOW, ExecutionStatus.FAILED, {"a": [None, 1]})
EMPTY = (2, *[None] * 8)

INSERT = Prepared(insert(things), NAMES)
ALL = Prepared(select(things).order_by(things.c.id))
ONE = Prepared(select(things.c.flag, things.c.at).where(things.c.id == bindparam("which")))
FAIL = Prepared(
    update(things)
    .where(things.c.status == bindparam("old"))
    .values(status=ExecutionStatus.CANCELLED, document=None, at=bindparam("when"))
    .returning(things.c.status, things.c.document, things.c.at)
)
DELETE = Prepared(delete(things).where(things.c.id > bindparam("least")))


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with database_at(database_url).writing.connect() as connection:
        things.metadata.create_all(connection)
        yield connection
        connection.rollback()


def test_values_come_back_as_they_were_given(conn: Connection) -> None:
    INSERT.run_many(conn, [dict(zip(NAMES, row, strict=True)) for row in (FULL, EMPTY)])
    assert ALL.all(conn) == [FULL, EMPTY]
    assert [tuple(row) for row in conn.execute(select(things).order_by(things.c.id))] == [FULL, EMPTY]
    row = ONE.first(conn, which=1)
    assert row is not None
    assert type(row[0]) is bool
    assert ONE.first(conn, which=9) is None


def test_constants_and_what_is_answered_are_converted(conn: Connection) -> None:
    INSERT.run(conn, **dict(zip(NAMES, FULL, strict=True)))
    assert FAIL.all(conn, old=ExecutionStatus.FAILED, when=at(1)) == [
        (ExecutionStatus.CANCELLED, None, at(1))
    ]
    assert FAIL.first(conn, old=ExecutionStatus.FAILED, when=at(1)) is None
    DELETE.run(conn, least=0)
    assert ALL.all(conn) == []


def test_it_begins_a_transaction_as_any_statement_does(conn: Connection) -> None:
    conn.commit()
    INSERT.run(conn, **dict(zip(NAMES, FULL, strict=True)))
    assert conn.in_transaction()
    conn.rollback()
    assert ALL.all(conn) == []
    conn.rollback()
    with conn.begin():
        things.drop(conn)


def test_a_value_that_the_statement_has_no_place_for_is_refused(conn: Connection) -> None:
    some = Prepared(insert(things), ("id", "name"))
    with pytest.raises(ValueError, match="no parameter flag"):
        some.run(conn, id=1, name="a", flag=True)
    with pytest.raises(ValueError, match="no parameter flag"):
        some.run_many(conn, [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "flag": True}])
    with pytest.raises(ValueError, match="no parameter other"):
        ONE.first(conn, which=1, other=2)
    assert ALL.all(conn) == []
