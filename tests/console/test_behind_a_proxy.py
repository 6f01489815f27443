"""The console behind Debian's nginx: TLS at the proxy, a path before everything, its own buffering."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from console_page import Console, action, status_of
from manager_process import ManagerProcess, running_manager
from playwright.sync_api import Browser, expect

from certificates import self_signed

PATH = "/a/b"
CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location {path}/ {{
            proxy_pass {manager};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def _nginx(folder: Path, port: int, manager: str) -> Iterator[None]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "these tests need nginx: `make nginx` installs it"
    file = folder / "nginx.conf"
    certificate = self_signed(folder)
    # Without workers of another user, who may not read the test's folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    file.write_text(
        user
        + CONFIGURATION.format(folder=folder, port=port, certificate=certificate, path=PATH, manager=manager)
    )
    process = subprocess.Popen([program, "-c", str(file), "-e", str(folder / "error.log"), "-p", str(folder)])
    try:
        _await_port(port, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)


@pytest.fixture(
    params=[
        pytest.param("", id="path passed on"),
        pytest.param("/", id="path taken away", marks=pytest.mark.thorough),
    ]
)
def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ManagerProcess, str]]:
    port = _free_port()
    root = f"https://127.0.0.1:{port}{PATH}"
    with running_manager(tmp_path, kill_grace=1, public_url=root) as manager:
        where = urlsplit(manager.client.target.url)
        folder = tmp_path / "nginx"
        folder.mkdir()
        with _nginx(folder, port, f"http://{where.netloc}{request.param}"):
            yield manager, root


def test_everything_is_below_the_path_and_live(browser: Browser, proxied: tuple[ManagerProcess, str]) -> None:
    manager, root = proxied
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    console = Console(browser, manager, ignore_https_errors=True)
    console.root = root
    page = console.page
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    console.sign_in()
    (cookie,) = [each for each in console.context.cookies() if "session" in each["name"]]
    assert (cookie["path"], cookie["secure"]) == (f"{PATH}/console", True)
    with page.expect_response(lambda response: response.url.endswith("/live")):
        console.open(f"executions/{id}")
    expect(status_of(page)).to_contain_text("started")
    # The form passes, and what it does comes back as an event, which nginx would hold back by itself.
    action(page, "Cancel").click()
    expect(status_of(page)).to_contain_text("cancelling")
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")
    expect(page.locator("#connection")).to_be_hidden()
    for name in ("Overview", "Executions", "Deployments", "Blueprints"):
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    page.goto(f"{root}/")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    console.open("executions?status=failed")
    expect(page.get_by_label("Password")).to_be_visible()
    assert "next=%2Fa%2Fb%2Fconsole%2Ft%2Fdefault_tenant%2Fexecutions%3Fstatus%3Dfailed" in page.url
    assert [address for address in addresses if not address.startswith(f"{root}/")] == []
    console.close()


@pytest.mark.thorough
@pytest.mark.parametrize(("trusted", "address"), [("127.0.0.1", "203.0.113.9"), ("10.0.0.1", "127.0.0.1")])
def test_only_trusted_proxies_say_where_a_request_comes_from(
    tmp_path: Path, trusted: str, address: str
) -> None:
    with running_manager(tmp_path, trusted_proxies=trusted) as manager:
        target = manager.client.target
        httpx.put(
            f"{target.url}/api/v3.1/secrets/s",
            json={"value": "x"},
            headers={"Authentication-Token": str(target.token), "X-Forwarded-For": "203.0.113.9"},
        ).raise_for_status()
        (record,) = httpx.get(
            f"{target.url}/api/v3.1/audit", headers={"Authentication-Token": str(target.token)}
        ).json()["items"]
        assert record["address"] == address
