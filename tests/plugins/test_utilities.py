"""Parts of Cloudify's utilities plugin, unchanged, that no public blueprint here uses: files, keys, secrets,
lists of resources, terminals, and suspending.
"""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from site_of_plugins import Deployment, Site, copied

from cloudwright.client.errors import NotFound
from sshd import Sshd

HERE = Path(__file__).parent / "utilities"


@pytest.fixture
def deployment(site: Site, sshd: Sshd, name: str, tmp_path: Path) -> Deployment:
    site.plugin("cloudify-utilities-plugin")
    site.secret("ssh_key", sshd.private_key)
    owner = f"{pwd.getpwuid(os.geteuid()).pw_name}:{grp.getgrgid(os.getegid()).gr_name}"
    inputs = {"folder": str(tmp_path), "owner": owner, "port": sshd.port, "user": sshd.user}
    return site.deploy(name, copied(HERE, tmp_path), inputs)


def test_the_life_of_a_deployment(site: Site, deployment: Deployment, tmp_path: Path) -> None:
    secrets = site.manager.client.secrets
    deployment.run("install")
    made = tmp_path / "greeting"
    assert made.read_text() == "hello, world"
    assert made.stat().st_mode & 0o777 == 0o640
    assert "BEGIN RSA PRIVATE KEY" in secrets.get("tried_key_private")["value"]
    [reader] = deployment.instances("reader")
    assert reader["data"]["tried_password"]["value"] == "hello"
    [terminal] = deployment.instances("terminal")
    assert "from the terminal" in terminal["said"]
    [address] = deployment.instances("address")
    assert address["reservation"] == "10.0.1.0/24"
    deployment.run("scale", scalable_entity_name="address", delta=1)
    taken = {each["reservation"] for each in deployment.instances("address")}
    assert taken == {"10.0.1.0/24", "10.0.2.0/24"}
    deployment.run("suspend")
    deployment.run("resume")
    deployment.run("heal", node_instance_id=deployment.ids("file")[0])
    deployment.update(inputs={"content": "goodbye"})
    assert made.read_text() == "goodbye, world"
    deployment.run("uninstall")
    assert not made.exists()
    with pytest.raises(NotFound):
        secrets.get("tried_key_private")
    deployment.delete()
