"""The manager's command line; for every line on its input it prints how many transactions were committed.

With COUNT_METRICS=no nothing is counted for the metrics.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from cloudwright.cli import server
from cloudwright.manager.metrics import Metrics
from cloudwright.storage.store import Store

_open = Store.open.__func__  # type: ignore[attr-defined]


def tell(store: Store) -> None:
    for _ in sys.stdin:
        print(store.commits, flush=True)


def counted(cls: type[Store], *args: Any, **kwargs: Any) -> Store:
    store: Store = _open(cls, *args, **kwargs)
    threading.Thread(target=tell, args=(store,), daemon=True).start()
    return store


def count_nothing(*_: Any) -> None:
    pass


if os.environ.get("COUNT_METRICS") == "no":
    for method in ("execution_ended", "operation_ended", "committed"):
        setattr(Metrics, method, count_nothing)
Store.open = classmethod(counted)  # type: ignore[assignment]
if __name__ == "__main__":
    server.main()
