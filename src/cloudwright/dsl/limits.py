"""How large a blueprint may be before it is refused.

Blueprints come from users, so everything that one can make grow has a bound here, and a
refusal names the bound that was exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """``values`` counts scalars, lists and mappings of all files; an alias as often as it is used."""

    file_bytes: int = 32 * 1024 * 1024
    files: int = 1_000
    values: int = 8_000_000
    depth: int = 100
    #: Above this size a file that libyaml refuses is not read again by the slow, more tolerant reader.
    tolerant_bytes: int = 2 * 1024 * 1024
    instances: int = 1_000_000
    #: How long the packed plan may be, as JSON: what one frame of a child can hold, without its head.
    plan_bytes: int = 64 * 1024 * 1024 - 65 * 1024
    problems: int = 100

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        return cls(**{name: int(data[name]) for name in cls.__dataclass_fields__ if name in data})
