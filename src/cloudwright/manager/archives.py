"""Unpacking archives that strangers made: nothing lands outside of the folder given or grows without bound.

A zip, tar, tar.gz or tar.bz2 is recognized by its content. Compressed tars are first written out as plain
ones, under the size limit, so that every later step reads a file whose size is known.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cloudwright.errors import InvalidInput

_CHUNK = 256 * 1024
# What a tar may put into one header (a long name, extended attributes): it is read into memory as a whole.
_LARGEST_HEADER = 1 << 20
# What one entry may take besides its content: headers and padding in a tar, its record in a zip's directory.
_PER_ENTRY = 4096
_LONGEST_LINK = 4096
#: How deep folders may lie in folders: what makes and removes them recurses.
_MOST_LEVELS = 100
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
# Where there are these, the reader believes them and not the end.
_ZIP64_END, _ZIP64_LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
_ZIP64_END_SIZE = 56
_ZIP64_SIZE = _ZIP64_END_SIZE + 20
_ZIP_ENTRY_SIZE = 46
_LONGEST_ZIP_COMMENT = 65535
# What the libraries raise if the bytes are not what they should be.
_DAMAGES = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """``total`` and ``yaml`` are in bytes, unpacked; ``yaml`` is for one file whose text will be parsed."""

    members: int = 20_000
    total: int = 2 << 30
    yaml: int = 32 << 20


class UnsafeArchive(InvalidInput):
    """The archive is damaged, of an unknown kind, or holds a member that is refused; the message names it."""


def _damaged(error: Exception) -> UnsafeArchive:
    return UnsafeArchive(f"The archive is damaged: {error}. Make it again, and send it again.")


def _too_many(limits: Limits, name: str) -> UnsafeArchive:
    return UnsafeArchive(f"The archive holds more than {limits.members} members{name}, which is the limit.")


def _mebibytes(size: int) -> str:
    return f"{size} bytes" if size % (1 << 20) else f"{size >> 20} MiB"


def _outside(name: str, target: str) -> UnsafeArchive:
    return UnsafeArchive(f"The archive's member `{name}` is a link to `{target}`, outside of the archive.")


def unpack(archive: Path, folder: Path, limits: Limits | None = None) -> None:
    """Unpack ``archive`` into ``folder``, which exists and is empty.

    Files keep whether they may be executed and nothing else of their mode, owner or time. Links are made
    where they stay inside of the folder. Raises UnsafeArchive; the caller removes what was unpacked by then.
    """
    limits = limits or Limits()
    kind = _kind(archive)
    try:
        if kind == "zip":
            _check_directory_size(archive, limits)
            _unpack_zip(archive, _Unpacking(folder, limits))
        elif kind == "tar":
            _unpack_tar(archive, _Unpacking(folder, limits))
        else:
            with tempfile.NamedTemporaryFile(dir=folder.parent, prefix=".unpack-") as plain:
                _decompress(archive, kind, plain, limits)
                _unpack_tar(Path(plain.name), _Unpacking(folder, limits))
    except _DAMAGES as error:
        raise _damaged(error) from error
    except OSError as error:
        # A place before the beginning of the file, where something was said to be.
        if error.errno != errno.EINVAL:
            raise
        raise _damaged(error) from error


def ending(archive: Path) -> str:
    """How the name of such an archive ends. Raises UnsafeArchive."""
    return {"zip": ".zip", "tar": ".tar", "gzip": ".tar.gz", "bzip2": ".tar.bz2"}[_kind(archive)]


def only_folder(folder: Path) -> Path:
    """Return the single folder that an archive must hold at its top, as every client of the REST API packs
    it.
    """
    entries = sorted(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        return entries[0]
    found = ", ".join(f"`{entry.name}`" for entry in entries[:5]) or "nothing"
    more = ", ..." if len(entries) > 5 else ""
    raise UnsafeArchive(
        "The archive must hold exactly one folder at its top, with everything else inside of it;"
        f" it holds {found}{more}."
    )


def _kind(archive: Path) -> str:
    with archive.open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
    if head.startswith((b"PK\x03\x04", _ZIP_END)):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh"):
        return "bzip2"
    if len(head) == tarfile.BLOCKSIZE and _is_tar_header(head):
        return "tar"
    if not head:
        raise UnsafeArchive("The archive is empty: no bytes arrived. Send a zip, tar, tar.gz or tar.bz2.")
    raise UnsafeArchive("This is not an archive that is understood. Send a zip, tar, tar.gz or tar.bz2.")


def _is_tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _decompress(archive: Path, kind: str, plain: IO[bytes], limits: Limits) -> None:
    room = limits.total + limits.members * _PER_ENTRY
    with gzip.open(archive) if kind == "gzip" else bz2.open(archive) as stream:
        try:
            while chunk := stream.read(_CHUNK):
                room -= len(chunk)
                if room < 0:
                    raise UnsafeArchive(
                        f"The archive takes more than {_mebibytes(limits.total)} unpacked, the limit."
                    )
                plain.write(chunk)
        except OSError as error:
            if error.errno is not None:
                raise
            raise _damaged(error) from error
    plain.flush()


def _is_circle(link: Path) -> bool:
    """Only until Python 3.12 does ``Path.resolve`` say so."""
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


class _Unpacking:
    """Writes members into a folder, and counts."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._members = 0
        self._room = limits.total
        # Made last, so that no member can be written through a link.
        self._links: list[tuple[str, PurePosixPath, str]] = []

    def count(self, name: str) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise _too_many(self._limits, f" (`{name}` is one too many)")

    def directory(self, name: str) -> None:
        self._make_folder(name, _inside(name))

    def file(self, name: str, content: IO[bytes], *, executable: bool) -> None:
        path = _inside(name)
        self._make_folder(name, path.parent)
        room = self._room
        what = f"the whole archive may take {_mebibytes(self._limits.total)} unpacked"
        if path.suffix.lower() in (".yaml", ".yml") and self._limits.yaml < room:
            room = self._limits.yaml
            what = f"a YAML file may take {_mebibytes(self._limits.yaml)}"
        written = 0
        with self._create(name, path, executable=executable) as file:
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written > room:
                    raise UnsafeArchive(f"The archive's member `{name}` is too large: {what}.")
                file.write(chunk)
        self._room -= written

    def hard_link(self, name: str, target: str) -> None:
        """A further name of an earlier member: a copy, because what is unpacked must be counted."""
        if target.startswith("/") or ".." in PurePosixPath(target).parts:
            raise _outside(name, target)
        source = self._folder / _inside(target)
        if not source.is_file():
            raise UnsafeArchive(
                f"The archive's member `{name}` is a link to `{target}`, not to an earlier file."
            )
        with source.open("rb") as content:
            self.file(name, content, executable=bool(source.stat().st_mode & stat.S_IXUSR))

    def symbolic_link(self, name: str, target: str) -> None:
        path = _inside(name)
        if not target or target.startswith("/") or "\0" in target:
            raise _outside(name, target)
        depth = len(path.parent.parts)
        for part in PurePosixPath(target).parts:
            depth += -1 if part == ".." else 1
            if depth < 0:
                raise _outside(name, target)
        self._links.append((name, path, target))

    def finish(self) -> None:
        """Make the links, and see that each, through whatever others it goes, ends inside of the folder."""
        for name, path, target in self._links:
            if any((self._folder / above).is_symlink() for above in path.parents):
                raise UnsafeArchive(f"The archive's member `{name}` lies behind a link of the archive.")
            self._make_folder(name, path.parent)
            try:
                (self._folder / path).symlink_to(target)
            except FileExistsError as error:
                raise UnsafeArchive(f"The archive holds `{name}` twice.") from error
            except OSError as error:
                raise _unusable(name, error) from error
        root = self._folder.resolve()
        for name, path, target in self._links:
            if _is_circle(self._folder / path):
                raise UnsafeArchive(f"The archive's member `{name}` is a link to itself.")
            end = (self._folder / path).resolve()
            if not end.is_relative_to(root):
                raise _outside(name, target)

    def _make_folder(self, name: str, path: PurePosixPath) -> None:
        try:
            (self._folder / path).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UnsafeArchive(f"The archive's member `{name}` lies in what is a file.") from error
        except OSError as error:
            raise _unusable(name, error) from error

    def _create(self, name: str, path: PurePosixPath, *, executable: bool) -> IO[bytes]:
        mode = 0o755 if executable else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            return os.fdopen(os.open(self._folder / path, flags, mode), "wb")
        except FileExistsError as error:
            raise UnsafeArchive(f"The archive holds `{name}` twice.") from error
        except OSError as error:
            raise _unusable(name, error) from error


def _inside(name: str) -> PurePosixPath:
    """Return the path of a member, relative to the folder."""
    if not name or "\0" in name:
        raise UnsafeArchive(f"The archive's member `{name!r}` has no usable name.")
    if name.startswith("/"):
        raise UnsafeArchive(f"The archive's member `{name}` has an absolute path; it must be relative.")
    path = PurePosixPath(name)
    if len(path.parts) > _MOST_LEVELS:
        raise UnsafeArchive(
            f"The archive's member `{name[:200]}` lies in {len(path.parts) - 1} folders, one in the other; "
            f"{_MOST_LEVELS} levels are the limit."
        )
    if ".." in path.parts:
        raise UnsafeArchive(f"The archive's member `{name}` leads out of the archive with `..`.")
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        raise UnsafeArchive(f"The archive's member {name!r} has a name that is not text.") from error
    return path


def _unusable(name: str, error: OSError) -> Exception:
    """A name that the file system refuses is the archive's fault; anything else (a full disk) is not."""
    if error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG):
        return UnsafeArchive(f"The archive's member `{name[:200]}` cannot be stored: {error.strerror}.")
    return error


class _GuardedFile(io.BufferedReader):
    """A plain tar whose reader may not be made to take a header of any size into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > _LARGEST_HEADER:
            raise UnsafeArchive(f"The archive is damaged: it holds a header of {size} bytes.")
        return super().read(size)


def _unpack_tar(archive: Path, unpacking: _Unpacking) -> None:
    with _GuardedFile(io.FileIO(archive)) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            name = member.name
            unpacking.count(name)
            if member.isdir():
                unpacking.directory(name)
            elif member.isreg():
                content = tar.extractfile(member)
                if content is None:
                    raise UnsafeArchive(f"The archive's member `{name}` cannot be read.")
                with content:
                    unpacking.file(name, content, executable=bool(member.mode & stat.S_IXUSR))
            elif member.issym():
                unpacking.symbolic_link(name, member.linkname)
            elif member.islnk():
                unpacking.hard_link(name, member.linkname)
            else:
                raise UnsafeArchive(
                    f"The archive's member `{name}` is a device, a pipe or the like; an archive may hold"
                    " files, folders and links."
                )
    unpacking.finish()


def _unpack_zip(archive: Path, unpacking: _Unpacking) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            name = member.filename
            unpacking.count(name)
            mode = member.external_attr >> 16
            if member.flag_bits & 1:
                raise UnsafeArchive(
                    f"The archive's member `{name}` is encrypted; send it without a password."
                )
            if member.is_dir():
                unpacking.directory(name)
                continue
            kind = stat.S_IFMT(mode)
            if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
                raise UnsafeArchive(f"The archive's member `{name}` is neither a file, a folder nor a link.")
            try:
                with zipped.open(member) as content:
                    if kind == stat.S_IFLNK:
                        target = content.read(_LONGEST_LINK).decode(errors="surrogateescape")
                        unpacking.symbolic_link(name, target)
                    else:
                        unpacking.file(name, content, executable=bool(mode & stat.S_IXUSR))
            except _DAMAGES as error:
                raise UnsafeArchive(f"The archive's member `{name}` cannot be unpacked: {error}.") from error
    unpacking.finish()


def _check_directory_size(archive: Path, limits: Limits) -> None:
    """A zip's directory is read into memory as a whole, so its size is looked at first, and its entries are
    counted: a reader takes what is there, however many there are said to be.
    """
    size = archive.stat().st_size
    with archive.open("rb") as file:
        begin = max(0, size - _ZIP_END_SIZE - _LONGEST_ZIP_COMMENT - _ZIP64_SIZE)
        file.seek(begin)
        tail = file.read()
        at = tail.rfind(_ZIP_END)
        if at < 0 or len(tail) - at < _ZIP_END_SIZE:
            raise _damaged(EOFError("its end is missing"))
        members, directory = struct.unpack_from("<HI", tail, at + 10)
        starts = tail.startswith
        if at >= _ZIP64_SIZE and starts(_ZIP64_LOCATOR, at - 20) and starts(_ZIP64_END, at - _ZIP64_SIZE):
            at -= _ZIP64_SIZE
            directory = struct.unpack_from("<Q", tail, at + 40)[0]
        if members > limits.members or directory > limits.members * _PER_ENTRY:
            raise _too_many(limits, "")
        end = begin + at
        file.seek(max(0, end - directory))
        members = 0
        while file.tell() < end and len(entry := file.read(_ZIP_ENTRY_SIZE)) == _ZIP_ENTRY_SIZE:
            members += 1
            if members > limits.members:
                raise _too_many(limits, "")
            file.seek(sum(struct.unpack_from("<3H", entry, 28)), os.SEEK_CUR)
