"""The console in a real browser, as its tests use it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import httpx
from manager_process import ManagerProcess
from playwright.sync_api import Browser, BrowserContext, Page, expect

#: The checker of accessibility, as its package in the npm registry has it (axe-core 4.14.1, MPL-2.0).
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 780}
# Many times what anything takes: the machine may be busy.
expect.set_options(timeout=60_000)


class Console:
    """A browser of one user that is signed in. What the browser complains about is a failure."""

    def __init__(self, browser: Browser, manager: ManagerProcess, **context: Any) -> None:
        self.manager = manager
        self.root = manager.client.target.url.rstrip("/")
        self.context: BrowserContext = browser.new_context(**{"viewport": WIDE, **context})
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._on_console)

    def _on_console(self, message: Any) -> None:
        # What is refused, and a manager that is not there, is said by the page itself.
        expected = (
            "Failed to load resource",
            "Response Status Error Code",
            "htmx:sendError",
            "htmx:afterRequest",
        )
        if message.type == "error" and not any(text in message.text for text in expected):
            self.complaints.append(message.text)

    def sign_in(self) -> Console:
        self.page.goto(self.root + self.manager.client.console_links.create()["path"])
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        return self

    def url(self, path: str) -> str:
        return f"{self.root}/console/t/default_tenant/{path}"

    def open(self, path: str) -> Page:
        self.page.goto(self.url(path))
        return self.page

    def open_execution(self, id: str) -> Page:
        """Open its page, and wait until it is told of changes."""
        with self.page.expect_response(re.compile(r"/executions/[^/]+/live")):
            self.open(f"executions/{id}")
        return self.page

    def violations(self) -> list[str]:
        """Return what the checker of accessibility finds in the page as it is."""
        content = AXE.read_text()
        assert hashlib.sha256(content.encode()).hexdigest() == AXE_DIGEST
        # The page's policy forbids scripts from elsewhere, so it comes by way of the developer tools.
        self.page.evaluate(content)
        found = self.page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
        )
        return [
            f"{violation['id']}: {node['html'][:200]} {json.dumps(node['any'])[:300]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def close(self) -> None:
        self.context.close()
        assert not self.complaints, self.complaints


def add_log(manager: ManagerProcess, id: str, text: str, level: str = "info") -> None:
    """Have an execution say something, as a plugin would."""
    target = manager.client.target
    response = httpx.post(
        f"{target.url}/api/v3.1/events",
        json={"execution_id": id, "logs": [{"message": {"text": text}, "level": level}]},
        headers={"Authentication-Token": str(target.token)},
        timeout=60,
    )
    response.raise_for_status()


def status_of(page: Page) -> Any:
    """Return where the page says the status."""
    return page.locator(".banner .now")


def action(page: Page, name: str) -> Any:
    return page.locator(".actions").get_by_role("button", name=name, exact=True)


def confirm(page: Page, name: str) -> None:
    """Press a button that asks once more, and go on."""
    action(page, name).click()
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
