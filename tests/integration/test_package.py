"""The wheel and the source distribution install into an empty environment, and their commands run there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cloudwright import __version__

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "development.lock"
#: How packages are reached, and nothing that leads back to this checkout.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}


def run(*words: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions as constraints, which install nothing by themselves."""
    path = tmp_path_factory.mktemp("versions") / "constraints.txt"
    pins = [line.removesuffix(" \\") for line in LOCK.read_text().splitlines() if "==" in line]
    path.write_text("\n".join(pins))
    return path


@pytest.mark.timeout(600)
def test_the_wheel_installs_into_an_empty_environment(built: Path, versions: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"cloudwright-{__version__}-py3-none-any.whl"
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    commands = tmp_path / "env" / "bin"
    run(
        commands / "python", "-m", "pip", "install", "-q", "--no-compile", "-c", versions, wheel, cwd=tmp_path
    )
    run(commands / "python", "-m", "pip", "check", cwd=tmp_path)
    assert "Usage: cfy" in run(commands / "cfy", "--help", cwd=tmp_path)
    assert "Usage: cloudwright" in run(commands / "cloudwright", "--help", cwd=tmp_path)
    assert __version__ in run(commands / "cfy", "--version", cwd=tmp_path)


def test_the_source_distribution_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=folder)
    (ours,), (again,) = built.glob("*.whl"), tmp_path.glob("*.whl")
    assert again.read_bytes() == ours.read_bytes()
