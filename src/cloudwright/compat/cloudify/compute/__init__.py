"""``cloudify.compute``: user data of virtual machines, of several parts."""

from __future__ import annotations

import email
from collections.abc import Iterable
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from cloudwright.child.errors import NonRecoverableError

__all__ = ["create_multi_mimetype_userdata"]

#: What a part's first line starts with: its MIME subtype, and the extension that Windows wants to see.
#: Longest first.
_KINDS = (
    ("#cloud-config-archive", "cloud-config-archive", ""),
    ("#cloud-boothook", "cloud-boothook", ""),
    ("#ps1_sysnative", "x-shellscript", ".ps1"),
    ("#cloud-config", "cloud-config", ""),
    ("#include-once", "x-include-once-url", ""),
    ("#part-handler", "part-handler", ""),
    ("#upstart-job", "upstart-job", ""),
    ("#ps1_x86", "x-shellscript", ".ps1"),
    ("#include", "x-include-url", ""),
    ("rem cmd", "x-shellscript", ".cmd"),
    ("#!", "x-shellscript", ".sh"),
)


def create_multi_mimetype_userdata(userdatas: Iterable[str]) -> str:
    """Return one multipart message of all parts, in order; those that are multipart are taken apart.

    Raises NonRecoverableError for a part whose first line says no kind that cloud-init knows.
    """
    message = MIMEMultipart()
    for number, part in enumerate(part for userdata in userdatas for part in _parts(userdata)):
        extension = part.get_filename("").rpartition(".")[1:]
        del part["Content-Disposition"]
        part.add_header("Content-Disposition", "attachment", filename=f"{number:03d}{''.join(extension)}")
        message.attach(part)
    return message.as_string(unixfrom=False)


def _parts(userdata: str) -> list[Message]:
    parsed = email.message_from_string(userdata)
    if parsed.is_multipart():
        return [part for part in parsed.walk() if part.get_content_maintype() != "multipart"]
    first = userdata.partition("\n")[0]
    for start, subtype, extension in _KINDS:
        if first.startswith(start):
            part = MIMEText(userdata, _subtype=subtype)
            if extension:
                part.add_header("Content-Disposition", "attachment", filename=f"part{extension}")
            return [part]
    raise NonRecoverableError(
        f"User data that starts with `{first[:80]}` is of no kind that cloud-init knows."
    )
