"""Procrastinate: each task defers the next of its chain: ``procrastinate_chains.py CHAINS TASKS DATABASE``"""

import asyncio
import json
import sys
import time

from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=sys.argv[3], min_size=4, max_size=12))
over = asyncio.Event()
left = 0


@app.task
async def nothing(tasks):
    global left
    if tasks > 1:
        await nothing.defer_async(tasks=tasks - 1)
        return
    left -= 1
    if not left:
        over.set()


async def main(chains, tasks):
    global left
    left = chains
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(app.run_worker_async(concurrency=chains, install_signal_handlers=False))
        await asyncio.sleep(1)  # it listens by then
        begun = time.perf_counter()
        for _ in range(chains):
            await nothing.defer_async(tasks=tasks)
        await over.wait()
        print(json.dumps({"tasks/s": chains * tasks / (time.perf_counter() - begun)}))
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
