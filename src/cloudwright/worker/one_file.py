"""``__main__`` of the agent's program as one file (``agent_program``): unpacks it in the home, and runs it.

Older versions of Python can read this file, so that it can say that they are too old.
"""

import os
import sys

_RUN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from cloudwright.worker.__main__ import main; sys.exit(main())"
)


def main() -> None:
    """Run the agent in place of this process."""
    if sys.version_info < (3, 11):  # noqa: UP036 - those whom this file was sent to
        found = sys.version.split()[0]
        sys.exit("The agent needs Python 3.11 or newer, and %s is %s." % (sys.executable, found))  # noqa: UP031
    if "--home" not in sys.argv[:-1]:
        sys.exit("The agent needs a folder for its state: --home DIR.")
    home = os.path.abspath(sys.argv[sys.argv.index("--home") + 1])
    folder = _unpacked(os.path.abspath(sys.argv[0]), os.path.join(home, "program"))
    # -P: nothing is imported from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-X", "utf8", "-c", _RUN, folder, *sys.argv[1:]])  # noqa: S606


def _unpacked(archive: str, programs: str) -> str:
    """Return the folder with the program's files; those of other versions are removed."""
    import hashlib  # noqa: PLC0415 - as the others: what older versions lack is not looked for
    import shutil  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    with open(archive, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:20]
    folder = os.path.join(programs, digest)
    if not os.path.isdir(folder):
        os.makedirs(programs, mode=0o700, exist_ok=True)
        new = tempfile.mkdtemp(dir=programs)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(new)
        os.rename(new, folder)
    for name in os.listdir(programs):
        if name != digest:
            shutil.rmtree(os.path.join(programs, name), ignore_errors=True)
    return folder


if __name__ == "__main__":
    main()
