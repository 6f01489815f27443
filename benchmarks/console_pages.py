"""U1: the console in Chromium, with a history stored: the manager alone, and with T1 running beside it.

Figures: milliseconds (median of ten) until a page is painted, until a click is answered by a painted page,
and until the page shows a change that another client had stored. The browser shares the two cores.
"""

from __future__ import annotations

import shutil
import time

import history
import probe
from busy import many_operations
from figures import percentile
from managed import Ear, Manager, answer, manager, options
from playwright.sync_api import Page, sync_playwright

SHOWS = "text => document.querySelector('.banner .now').innerText.includes(text)"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    given = options(__doc__, executions=100_000, times=10, busy=10, nodes=500)
    program = shutil.which("chromium")
    assert program, "this needs Debian's Chromium: `make chromium` installs it"
    figures: dict[str, float] = {}
    with manager(given.database) as managed, sync_playwright() as playwright:
        ear = Ear(managed.folder)
        managed.upload("probe", probe.write(managed.folder / "probe"), ear=str(ear.path))
        last = history.of(managed, "probe", given.executions)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_context().new_page()
            page.goto(managed.client.target.url + managed.client.console_links.create()["path"])
            figures |= timed(managed, page, last, given.times, "")
            if given.busy:
                with many_operations(managed, given.nodes):
                    figures |= timed(managed, page, last, given.busy, "busy ")
        finally:
            browser.close()
    answer(**figures)


def timed(managed: Manager, page: Page, execution: str, times: int, prefix: str) -> dict[str, float]:
    root = f"{managed.client.target.url}/console/t/default_tenant"
    taken: dict[str, list[float]] = {}
    for _ in range(times):
        for name, path in (("list", "executions"), ("execution", f"executions/{execution}")):
            page.goto(f"{root}/{path}")
            taken.setdefault(f"{name} painted", []).append(painted(page))
        page.goto(f"{root}/executions")
        for name, link in (("filter", "Failed"), ("older", "Older"), ("menu", "Deployments")):
            page.goto(f"{root}/executions")
            begun = time.perf_counter()
            page.get_by_role("link", name=link, exact=True).first.click()
            page.wait_for_function(f"() => {PAINTED}")
            taken.setdefault(f"{name} clicked", []).append(1000 * (time.perf_counter() - begun))
        taken.setdefault("change seen", []).append(seen(managed, page, root))
    return {f"{prefix}{name}": percentile(each, 0.5) for name, each in taken.items()}


def painted(page: Page) -> float:
    page.wait_for_function(f"() => {PAINTED}")
    return float(page.evaluate(PAINTED))


def seen(managed: Manager, page: Page, root: str) -> float:
    """Return how long after a cancel was stored for another client the open page shows it."""
    begin = int((time.time() + 3600) // 60)
    scheduled = time.strftime("%Y%m%d%H%M+0000", time.gmtime(60 * begin))
    id = managed.asking.ask(
        "POST",
        "/executions",
        {"deployment_id": "probe", "workflow_id": "install", "scheduled_time": scheduled},
    )["id"]
    with page.expect_response(lambda response: response.url.endswith("/live")):
        page.goto(f"{root}/executions/{id}")
    page.wait_for_function(SHOWS, arg="scheduled")
    managed.asking.ask("POST", f"/executions/{id}", {"action": "cancel"})
    begun = time.perf_counter()
    page.wait_for_function(SHOWS, arg="cancelled")
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
