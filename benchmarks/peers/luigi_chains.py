"""Luigi: a process for each task, whose result is a file. ``luigi_chains.py CHAINS TASKS FOLDER``."""

import json
import logging
import sys
import time
from pathlib import Path

import luigi

FOLDER = Path(sys.argv[3])
WORKERS = 4


class Nothing(luigi.Task):
    chain = luigi.IntParameter()
    place = luigi.IntParameter()

    def requires(self):
        return Nothing(self.chain, self.place - 1) if self.place else []

    def output(self):
        return luigi.LocalTarget(FOLDER / f"{self.chain}-{self.place}")

    def run(self):
        self.output().open("w").close()


def main(chains, tasks):
    logging.disable(logging.WARNING)
    begun = time.perf_counter()
    last = [Nothing(chain, tasks - 1) for chain in range(chains)]
    if not luigi.build(last, local_scheduler=True, workers=WORKERS, log_level="ERROR"):
        raise RuntimeError("it did not end well")
    print(json.dumps({"tasks/s": chains * tasks / (time.perf_counter() - begun)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
