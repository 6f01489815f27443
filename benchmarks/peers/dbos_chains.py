"""DBOS: a workflow for each chain, its tasks as steps. ``dbos_chains.py CHAINS TASKS DATABASE``."""

import json
import sys
import time

from dbos import DBOS


@DBOS.step()
def nothing():
    pass


@DBOS.workflow()
def chain(tasks):
    for _ in range(tasks):
        nothing()


def main(chains, tasks, database):
    DBOS(config={"name": "chains", "system_database_url": database, "log_level": "ERROR"})
    DBOS.launch()
    begun = time.perf_counter()
    running = [DBOS.start_workflow(chain, tasks) for _ in range(chains)]
    for handle in running:
        handle.get_result()
    print(json.dumps({"tasks/s": chains * tasks / (time.perf_counter() - begun)}))
    DBOS.destroy()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
