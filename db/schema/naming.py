"""What all tables have in common: one set of metadata, how constraints are called, the type of ids."""

from enum import StrEnum

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


ID = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit id; SQLite keeps a table by its key, without an index beside it, only where that is called INTEGER."""


def one_of(column: str, states: type[StrEnum]) -> str:
    """The SQL condition that a text column holds a member of an enumeration."""
    return f"{column} IN ({', '.join(repr(state.value) for state in states)})"
