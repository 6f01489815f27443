"""Text that others wrote stays text, whatever it holds and however long it is."""

from __future__ import annotations

from console_page import Console, action, add_log, status_of
from manager_process import ManagerProcess
from playwright.sync_api import expect

SCRIPT = "<script>window.taken = 1</script><img src=x onerror='window.taken = 1'>"
HTML = "<b style='position:fixed'>bold</b> </div></section> &amp; <a href='javascript:alert(1)'>x</a>"


def _held(manager: ManagerProcess) -> str:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    return id


def test_markup_scripts_colours_and_marks_in_logs(console: Console, manager: ManagerProcess) -> None:
    id = _held(manager)
    requests: list[str] = []
    console.page.on("request", lambda request: requests.append(request.url))
    page = console.open_execution(id)
    lines = page.locator("#lines")
    add_log(manager, id, SCRIPT)
    add_log(manager, id, HTML)
    add_log(manager, id, "\x1b[1;31mred and bold\x1b[0m plain \x1b[2J\x1b]0;title\x07 \x08")
    add_log(manager, id, "invoice\u202efdp.exe \u2066hidden\u2069 zero\u200bwidth")
    add_log(manager, id, "see https://example.org/a?b=1&c=2, or javascript:alert(1)")
    expect(lines).to_contain_text("javascript:alert(1)")
    expect(lines).to_contain_text(SCRIPT)
    expect(lines).to_contain_text(HTML)
    assert lines.locator("script, img, b, [onerror]").count() == 0
    expect(lines.locator(".ansi-bold.ansi-red")).to_have_text("red and bold")
    expect(lines).to_contain_text("invoiceU+202Efdp.exe")
    expect(lines).to_contain_text("U+0008")
    expect(lines).not_to_contain_text("\x1b")
    (link,) = lines.locator(".text a").all()
    assert link.get_attribute("href") == "https://example.org/a?b=1&c=2"
    assert link.get_attribute("rel") == "noopener noreferrer"
    # The same after a reload: then the manager has drawn it all at once.
    page.reload()
    expect(page.locator("#lines")).to_contain_text(SCRIPT)
    assert page.evaluate("window.taken") is None
    assert [url for url in requests if not url.startswith(console.root)] == []
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")


def test_a_line_of_ten_megabytes_is_folded_and_can_be_read_whole(
    console: Console, manager: ManagerProcess
) -> None:
    id = _held(manager)
    add_log(manager, id, "a" * 10_000_000)
    page = console.open_execution(id)
    more = page.locator("#lines").get_by_role("link", name="show all of it (10.0 MB)")
    expect(more).to_be_visible()
    assert len(page.content()) < 300_000
    address = more.get_attribute("href")
    assert address is not None
    assert len(page.request.get(console.root + address).text()) == 10_000_000
    action(page, "Cancel").click()
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")


def test_errors_parameters_and_names_are_text_and_are_cut(console: Console, manager: ManagerProcess) -> None:
    id = manager.run(
        "chain", steps=1, kwargs={"fail": "never", "markup": SCRIPT + HTML, "more": "b" * 1_000_000}
    )
    assert manager.end(id)["status"] == "failed"
    page = console.open_execution(id)
    page.get_by_text("Parameters").click()
    parameters = page.locator("#parameters")
    expect(parameters).to_contain_text("The first 16 kB of 1.0 MB")
    assert len(page.content()) < 300_000
    # An address with anything in it is at worst nothing.
    for path in ("executions/%3Cscript%3E", "executions?status=%3Cscript%3Ealert(1)%3C/script%3E"):
        refused = console.open(path)
        assert refused.locator("main script").count() == 0
        expect(refused.locator("main")).to_contain_text("<script>")
    assert page.evaluate("window.taken") is None
