"""What is sent of a blueprint: folders, archives, downloads."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from cloudwright.cli import blueprint_source
from cloudwright.cli.blueprint_source import open_source
from cloudwright.cli.failure import Failure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my_app"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text("x: 1\n")
    return folder


def names(archive: IO[bytes]) -> list[str]:
    with tarfile.open(fileobj=archive) as opened:
        return opened.getnames()


def test_a_folder_is_packed_without_what_no_blueprint_needs(folder: Path) -> None:
    for path in (
        "scripts/run.sh", ".git/config", "a/__pycache__/b.pyc", "plugin/x.py", "plugin/x.pyc", ".DS_Store",
        "env/pyvenv.cfg", "env/bin/python", ".hidden", "notes.txt~",
    ):  # fmt: skip
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    os.mkfifo(folder / "pipe")
    (folder / "empty").mkdir()
    (folder / "link.sh").symlink_to("scripts/run.sh")
    with open_source(str(folder), None) as source:
        packed = names(source.archive)
        assert set(packed) == {
            "my_app/blueprint.yaml", "my_app/.hidden", "my_app/link.sh", "my_app/scripts",
            "my_app/scripts/run.sh", "my_app/plugin", "my_app/plugin/x.py", "my_app/a", "my_app/empty",
        }  # fmt: skip
        assert (source.main_file, source.default_id) == ("blueprint.yaml", "my-app")


def test_archives_of_one_folder_have_one_order_and_no_owner(folder: Path) -> None:
    for name in "cab":
        (folder / name).write_text(name)
    with open_source(str(folder), None) as source, tarfile.open(fileobj=source.archive) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}


def test_executable_bits_are_kept(folder: Path) -> None:
    (folder / "run.sh").write_text("")
    (folder / "run.sh").chmod(0o755)
    with open_source(str(folder), None) as source, tarfile.open(fileobj=source.archive) as archive:
        assert archive.getmember("my_app/run.sh").mode & 0o111


@pytest.mark.parametrize(
    ("named", "filename", "main_file", "identifier"),
    [
        ("", None, "blueprint.yaml", "my-app"),
        ("blueprint.yaml", None, "blueprint.yaml", "my-app"),
        ("aws.yaml", None, "aws.yaml", "my-app"),
        ("", "aws.yaml", "aws.yaml", "my-app.aws"),
        ("aws.yaml", "aws.yaml", "aws.yaml", "my-app.aws"),
    ],
)
def test_the_main_file_and_the_id(
    folder: Path, named: str, filename: str | None, main_file: str, identifier: str
) -> None:
    (folder / "aws.yaml").write_text("")
    with open_source(str(folder / named), filename) as source:
        assert (source.main_file, source.default_id) == (main_file, identifier)


def test_the_folder_is_found_from_within(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for named in ("blueprint.yaml", "."):
        with open_source(named, None) as source:
            assert source.default_id == "my-app"


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    (folder / "link").symlink_to("../secret")
    with pytest.raises(Failure, match="leads out of the blueprint's folder"), open_source(str(folder), None):
        pass


def test_large_folders_are_refused_before_they_are_packed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blueprint_source, "LARGEST_FOLDER", 10)
    (folder / "image.iso").write_text("x" * 100)
    with pytest.raises(Failure, match="is too large to be uploaded: 2 files"), open_source(str(folder), None):
        pass


def test_a_folder_without_the_main_file_names_what_it_has(folder: Path) -> None:
    with (
        pytest.raises(Failure, match=r"There is no `main.yaml` in .* It holds blueprint.yaml"),
        open_source(str(folder), "main.yaml"),
    ):
        pass


@pytest.mark.parametrize("named", ["nowhere.yaml", "no/where.yaml", "nothing", "a/b/c", "ftp://x/y.zip"])
def test_what_is_not_there(named: str) -> None:
    with pytest.raises(Failure, match=r"There is no file|cannot be fetched"), open_source(named, None):
        pass


def make_archive(path: Path, members: dict[str, str]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w:bz2") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("name", ["app.zip", "app.tar.gz", "app.tar.bz2"])
def test_archives_are_sent_as_they_are(tmp_path: Path, name: str) -> None:
    path = make_archive(tmp_path / name, {"shop/blueprint.yaml": "x: 1", "shop/a/b.txt": ""})
    with open_source(str(path), None) as source:
        assert source.archive.read() == path.read_bytes()
        assert (source.main_file, source.default_id) == ("blueprint.yaml", "shop")


def test_archives_that_are_none_of_a_blueprint(tmp_path: Path) -> None:
    loose = make_archive(tmp_path / "loose.zip", {"blueprint.yaml": "", "x": ""})
    with pytest.raises(Failure, match=r"holds `blueprint\.yaml`, `x`"), open_source(str(loose), None):
        pass
    flat = make_archive(tmp_path / "flat.zip", {"blueprint.yaml": ""})
    with pytest.raises(Failure, match=r"holds `blueprint\.yaml`"), open_source(str(flat), None):
        pass
    for number, member in enumerate(("shop/../../evil", "/evil")):
        astray = make_archive(tmp_path / f"astray{number}.zip", {"shop/blueprint.yaml": "", member: ""})
        with pytest.raises(Failure, match="evil` leads out of it"), open_source(str(astray), None):
            pass
    other = make_archive(tmp_path / "other.zip", {"shop/main.yaml": "", "shop/deep/er.yaml": ""})
    with (
        pytest.raises(Failure, match=r"no `blueprint.yaml` in .* It holds main.yaml, deep/er.yaml"),
        open_source(str(other), None),
    ):
        pass
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not an archive")
    with (
        pytest.raises(Failure, match=r"neither a YAML file nor an archive that can be read\.$"),
        open_source(str(broken), None),
    ):
        pass


@contextmanager
def serving(content: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/shop.zip"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(content if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_archive_behind_a_url(tmp_path: Path) -> None:
    path = make_archive(tmp_path / "shop.zip", {"shop/blueprint.yaml": ""})
    with serving(path.read_bytes()) as url:
        with open_source(f"{url}/shop.zip", None) as source:
            assert (source.archive.read(), source.default_id) == (path.read_bytes(), "shop")
        with pytest.raises(Failure, match="HTTP status 404"), open_source(f"{url}/none.zip", None):
            pass
    with pytest.raises(Failure, match="cannot be fetched"), open_source(f"{url}/shop.zip", None):
        pass


def test_a_repository_on_github_is_its_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    @contextmanager
    def remember(url: str, filename: str | None) -> Iterator[None]:
        asked.append(url)
        yield

    monkeypatch.setattr(blueprint_source, "_downloaded", remember)
    for named in ("org/some-repo", "org/some.repo:v1.2", "org/repo:feature/x"):
        with open_source(named, None):
            pass
    assert asked == [
        "https://github.com/org/some-repo/archive/master.tar.gz",
        "https://github.com/org/some.repo/archive/v1.2.tar.gz",
        "https://github.com/org/repo/archive/feature/x.tar.gz",
    ]
