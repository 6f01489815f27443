from __future__ import annotations

from collections.abc import Iterator

import pytest
from served_api import Api, served


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for all tests of a module; each test uses blueprints and deployments of its own."""
    with served(tmp_path_factory.mktemp("api")) as running:
        yield running
