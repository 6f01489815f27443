from __future__ import annotations

import bz2
import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudwright.manager.archives import Limits, UnsafeArchive, only_folder, unpack

BLUEPRINT = b"tosca_definitions_version: cloudify_dsl_1_3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "in" / "unpacked"
    target.mkdir(parents=True)
    return target


def tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, cast(Any, mode)) as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def zipped(path: Path, *members: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode:
                info.external_attr = mode << 16
            file.writestr(info, content)
    return path


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
def test_every_kind_of_tar(tmp_path: Path, folder: Path, mode: str) -> None:
    unpack(tar(tmp_path / "it", ("app/blueprint.yaml", BLUEPRINT), ("app/a/b.sh", b"x"), mode=mode), folder)

    assert only_folder(folder) == folder / "app"
    assert (folder / "app" / "blueprint.yaml").read_bytes() == BLUEPRINT
    assert everything_in(folder) == {"app", "app/blueprint.yaml", "app/a", "app/a/b.sh"}
    assert os.listdir(folder.parent) == ["unpacked"]


def test_a_zip(tmp_path: Path, folder: Path) -> None:
    unpack(zipped(tmp_path / "it", ("app/", b""), ("app/blueprint.yaml", BLUEPRINT)), folder)

    assert (only_folder(folder) / "blueprint.yaml").read_bytes() == BLUEPRINT


def test_only_whether_a_file_may_be_executed_is_kept(tmp_path: Path, folder: Path) -> None:
    script, setuid = tarfile.TarInfo("app/run.sh"), tarfile.TarInfo("app/evil")
    script.mode, setuid.mode = 0o700, stat.S_ISUID | 0o666
    unpack(tar(tmp_path / "it", script, setuid), folder)

    assert (folder / "app/run.sh").stat().st_mode & 0o7111 == 0o111
    assert (folder / "app/evil").stat().st_mode & 0o7111 == 0


def test_links_that_stay_inside(tmp_path: Path, folder: Path) -> None:
    unpack(
        tar(
            tmp_path / "it",
            special("app/latest", tarfile.SYMTYPE, "versions/1"),
            special("app/versions/1/up", tarfile.SYMTYPE, "../../blueprint.yaml"),
            ("app/blueprint.yaml", BLUEPRINT),
            special("app/same.yaml", tarfile.LNKTYPE, "app/blueprint.yaml"),
        ),
        folder,
    )

    assert (folder / "app/latest/up").read_bytes() == BLUEPRINT
    assert (folder / "app/same.yaml").read_bytes() == BLUEPRINT
    assert (folder / "app/same.yaml").stat().st_nlink == 1


UNSAFE_TARS: dict[str, list[tarfile.TarInfo | tuple[str, bytes]]] = {
    "../outside": [("../outside", b"x")],
    "app/../../outside": [("app/../../outside", b"x")],
    "/absolute": [("/absolute", b"x")],
    "app/device": [special("app/device", tarfile.CHRTYPE)],
    "app/block": [special("app/block", tarfile.BLKTYPE)],
    "app/pipe": [special("app/pipe", tarfile.FIFOTYPE)],
    "app/root": [special("app/root", tarfile.SYMTYPE, "/etc")],
    "app/up": [special("app/up", tarfile.SYMTYPE, "../../up")],
    "app/nowhere": [special("app/nowhere", tarfile.SYMTYPE, "")],
    "app/hard": [special("app/hard", tarfile.LNKTYPE, "../../etc/passwd")],
    "app/hard-root": [special("app/hard-root", tarfile.LNKTYPE, "/etc/passwd")],
    "app/early": [special("app/early", tarfile.LNKTYPE, "app/later"), ("app/later", b"x")],
    "app/twice": [("app/twice", b"x"), ("app/twice", b"y")],
    "app/file/below": [("app/file", b"x"), ("app/file/below", b"y")],
    "app/link/behind": [
        special("app/link", tarfile.SYMTYPE, "."),
        special("app/link/behind", tarfile.SYMTYPE, "x"),
    ],
    # Each link is harmless alone; together they lead out.
    "s/evil": [
        special("s", tarfile.SYMTYPE, "a/b/c/.."),
        special("a/b/c", tarfile.SYMTYPE, "../.."),
        special("s/evil", tarfile.SYMTYPE, "x"),
    ],
    "s": [special("a/b/c", tarfile.SYMTYPE, "../.."), special("s", tarfile.SYMTYPE, "a/b/c/..")],
    "app/circle": [special("app/circle", tarfile.SYMTYPE, "circle")],
    "app/" + "n" * 300: [("app/" + "n" * 300, b"x")],
}


@pytest.mark.parametrize("name", UNSAFE_TARS)
def test_an_unsafe_member_of_a_tar_is_refused_by_name(tmp_path: Path, folder: Path, name: str) -> None:
    archive = tar(tmp_path / "it", *UNSAFE_TARS[name])
    before = everything_in(tmp_path) - {"in/unpacked"}

    with pytest.raises(UnsafeArchive) as refused:
        unpack(archive, folder)

    assert f"`{name[:200]}" in str(refused.value)
    outside = {path for path in everything_in(tmp_path) if not path.startswith("in/unpacked")}
    assert outside == before


@pytest.mark.parametrize("levels", [101, 2000])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE])
def test_folders_that_lie_too_deep_are_refused(
    tmp_path: Path, folder: Path, levels: int, kind: bytes
) -> None:
    archive = tar(tmp_path / "a", special("/".join("d" * levels), kind, "x"))
    with pytest.raises(UnsafeArchive, match=f"{levels - 1} folders.*100 levels"):
        unpack(archive, folder)
    assert list(folder.iterdir()) == []


def test_folders_may_lie_as_deep_as_the_limit(tmp_path: Path, folder: Path) -> None:
    name = "/".join("d" * 100)
    unpack(tar(tmp_path / "a", (name, b"x")), folder)
    assert (folder / name).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["../outside", "/absolute", "app/../../x"])
def test_an_unsafe_member_of_a_zip_is_refused_by_name(tmp_path: Path, folder: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive, match=name):
        unpack(zipped(tmp_path / "it", (name, b"x")), folder)
    assert everything_in(folder) == set()


def test_links_and_devices_in_a_zip(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UnsafeArchive, match=r"`app/l`.*`/etc/passwd`"):
        unpack(zipped(tmp_path / "1", ("app/l", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), folder)
    with pytest.raises(UnsafeArchive, match="`app/d`"):
        unpack(zipped(tmp_path / "2", ("app/d", b""), mode=stat.S_IFCHR | 0o666), folder)
    unpack(zipped(tmp_path / "3", ("app/l", b"elsewhere"), mode=stat.S_IFLNK | 0o777), folder)
    assert os.readlink(folder / "app/l") == "elsewhere"


def test_an_encrypted_zip_is_refused(tmp_path: Path, folder: Path) -> None:
    path = zipped(tmp_path / "it", ("app/a", b"x"))
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    with pytest.raises(UnsafeArchive, match="`app/a` is encrypted"):
        unpack(path, folder)


SMALL = Limits(members=10, total=100_000, yaml=20_000)
PACKERS: dict[str, Callable[..., Path]] = {"tar": tar, "zip": zipped}


@pytest.mark.parametrize("pack", PACKERS)
def test_too_much_content_is_refused(tmp_path: Path, folder: Path, pack: str) -> None:
    bomb = PACKERS[pack](tmp_path / "it", ("app/small", b"0" * 50_000), ("app/bomb", b"0" * 50_001))
    assert bomb.stat().st_size < 2_000

    with pytest.raises(UnsafeArchive, match=r"`app/bomb` is too large.*100000 bytes"):
        unpack(bomb, folder, SMALL)


@pytest.mark.parametrize("pack", PACKERS)
def test_a_large_yaml_is_refused(tmp_path: Path, folder: Path, pack: str) -> None:
    with pytest.raises(UnsafeArchive, match=r"`app/blueprint.YAML` is too large.*20000 bytes"):
        unpack(PACKERS[pack](tmp_path / "it", ("app/blueprint.YAML", b" " * 20_001)), folder, SMALL)


@pytest.mark.parametrize("pack", PACKERS)
def test_too_many_members_are_refused(tmp_path: Path, folder: Path, pack: str) -> None:
    members = [(f"app/{number}", b"") for number in range(11)]
    with pytest.raises(UnsafeArchive, match="more than 10 members"):
        unpack(PACKERS[pack](tmp_path / "it", *members), folder, SMALL)

    fits = folder.parent / "fits"
    fits.mkdir()
    unpack(PACKERS[pack](tmp_path / "fits", *members[:10]), fits, SMALL)
    assert len(everything_in(fits)) == 11


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_a_compressed_tar_cannot_fill_the_disk(
    tmp_path: Path, folder: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "it"
    path.write_bytes(compress(bytes(3_000_000)))
    with pytest.raises(UnsafeArchive, match="more than 100000 bytes"):
        unpack(path, folder, SMALL)
    assert os.listdir(folder.parent) == ["unpacked"]


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path, folder: Path) -> None:
    name = special("app/x", tarfile.GNUTYPE_LONGNAME)
    name.size = 1 << 40
    path = tmp_path / "it"
    path.write_bytes(name.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    with pytest.raises(UnsafeArchive, match="header of"):
        unpack(path, folder)


def test_a_zip_that_says_it_has_more_members_than_allowed(tmp_path: Path, folder: Path) -> None:
    path = zipped(tmp_path / "it", ("app/a", b"x"))
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    struct.pack_into("<H", content, end + 10, 65_535)
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match="more than 10 members"):
        unpack(path, folder, SMALL)


@pytest.mark.parametrize("zip64", [False, True])
def test_a_zip_that_says_it_has_fewer_members_than_it_has(tmp_path: Path, folder: Path, zip64: bool) -> None:
    content = zipped(tmp_path / "it", *((f"app/{n}", b"") for n in range(11))).read_bytes()
    end = content.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<2I", content, end + 12)
    further = b""
    if zip64:
        further = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 11, 11, size, offset)
        further += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        size = offset = 0
    last = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, size, offset, 0)
    path = tmp_path / "it"
    path.write_bytes(content[:end] + further + last)
    assert len(zipfile.ZipFile(path).infolist()) == 11
    with pytest.raises(UnsafeArchive, match="more than 10 members, which is the limit"):
        unpack(path, folder, SMALL)
    unpack(path, folder)
    assert len(everything_in(folder)) == 12


def test_a_zip_with_a_member_before_its_beginning(tmp_path: Path, folder: Path) -> None:
    path = zipped(tmp_path / "it", ("app/a", b"x"))
    content = bytearray(path.read_bytes())
    # A directory that says to be longer than what is before it moves every member by the difference.
    end = content.rindex(b"PK\x05\x06")
    (offset,) = struct.unpack_from("<I", content, end + 16)
    struct.pack_into("<I", content, end + 16, offset + 20)
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match="damaged") as refused:
        unpack(path, folder)
    assert isinstance(refused.value.__cause__, OSError)


@pytest.mark.parametrize("content", [b"", b"hello", b"tosca_definitions_version: cloudify_dsl_1_3\n" * 100])
def test_what_is_no_archive(tmp_path: Path, folder: Path, content: bytes) -> None:
    path = tmp_path / "it"
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match=r"zip, tar, tar\.gz or tar\.bz2"):
        unpack(path, folder)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([("blueprint.yaml", b"")], "`blueprint.yaml`"),
        ([("a/x", b""), ("b/x", b"")], "`a`, `b`"),
        ([(f"{number}/x", b"") for number in range(6)], "`0`, `1`, `2`, `3`, `4`, ..."),
    ],
)
def test_one_folder_at_the_top(
    tmp_path: Path, folder: Path, members: list[tuple[str, bytes]], found: str
) -> None:
    unpack(tar(tmp_path / "it", *members), folder)
    with pytest.raises(UnsafeArchive) as refused:
        only_folder(folder)
    assert str(refused.value).endswith(f"it holds {found}.")


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.sampled_from(["w", "w:gz", "w:bz2", "zip"]),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(0, 2000)),
)
def test_damage_is_always_told_as_such(
    tmp_path_factory: pytest.TempPathFactory, kind: str, edits: list[tuple[int, bytes]], cut: int | None
) -> None:
    work = tmp_path_factory.mktemp("damage")
    members = (("app/blueprint.yaml", BLUEPRINT * 30), ("app/b", os.urandom(64)))
    path = zipped(work / "it", *members) if kind == "zip" else tar(work / "it", *members, mode=kind)
    content = bytearray(path.read_bytes())
    for offset, patch in edits:
        content[offset % len(content) : offset % len(content) + len(patch)] = patch
    path.write_bytes(content[:cut])
    folder = work / "in" / "unpacked"
    folder.mkdir(parents=True)

    with suppress(UnsafeArchive):
        unpack(path, folder, SMALL)
    assert os.listdir(folder.parent) == ["unpacked"]
    assert {"it", "in"} == set(os.listdir(work))
