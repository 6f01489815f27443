from __future__ import annotations

from collections.abc import Iterator

import pytest
from reference import Reference


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    server = Reference(tmp_path_factory.mktemp("types"))
    yield server
    server.close()
