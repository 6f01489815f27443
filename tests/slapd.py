"""A directory of the tests' own: Debian's slapd over a folder, on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

SLAPD = "/usr/sbin/slapd"
BASE = "dc=example,dc=com"
MANAGER, MANAGER_PASSWORD = f"cn=cloudwright,{BASE}", "the manager's own"
START_SECONDS = 60

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/pid
TLSCACertificateFile {certificate}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database ldif
suffix "{base}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{manager}" read by * none
"""
_ENTRIES = """
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=cloudwright,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: cloudwright
userPassword: the manager's own

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
userPassword: a password of ann

dn: uid=ben,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: B
userPassword: a password of ben

dn: uid=admin,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: admin
cn: Somebody else
sn: C
userPassword: not the manager's admin

dn: cn=operators,dc=example,dc=com
objectClass: groupOfNames
cn: operators
member: uid=ann,ou=people,dc=example,dc=com

dn: cn=lookers,dc=example,dc=com
objectClass: groupOfNames
cn: lookers
member: uid=ann,ou=people,dc=example,dc=com
member: uid=ben,ou=people,dc=example,dc=com
"""


class Slapd:
    """Runs from the beginning until ``stop``; ``certificate`` is that of its encrypted port."""

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        assert Path(SLAPD).exists(), (
            "slapd is not installed: log-ins by LDAP are tested with it. Run `sh scripts/need-slapd`, as"
            " `make test` does, or install Debian's slapd."
        )
        (folder / "data").mkdir(parents=True)
        self._config = folder / "slapd.conf"
        self._config.write_text(
            _CONFIG.format(folder=folder, certificate=certificate, key=key, base=BASE, manager=MANAGER)
        )
        entries = folder / "entries.ldif"
        entries.write_text(_ENTRIES.lstrip())
        self._run("-T", "add", "-f", str(self._config), "-l", str(entries))
        self.port, self.tls_port = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "log"
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def start(self) -> None:
        urls = f"{self.url}/ ldaps://127.0.0.1:{self.tls_port}/"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [SLAPD, "-d", "0", "-h", urls, "-f", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "slapd does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None

    def replace(self, old: str, new: str) -> None:
        """Change the entries, and start again with them."""
        self.stop()
        shutil.rmtree(self._folder / "data")
        (self._folder / "data").mkdir()
        entries = self._folder / "entries.ldif"
        text = entries.read_text()
        assert old in text
        entries.write_text(text.replace(old, new))
        self._run("-T", "add", "-f", str(self._config), "-l", str(entries))
        self.start()

    def _run(self, *arguments: str) -> None:
        ran = subprocess.run([SLAPD, *arguments], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
