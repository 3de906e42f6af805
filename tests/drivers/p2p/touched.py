"""What a process touches of the network: heard from the interpreter's own audit, or from the kernel's side by strace.

Comes in: audit events, or the lines of strace. Goes out: a list of what was dialled and looked up, and what of it is a
leak: whatever is not the proxy's port.
"""

import re
import sys
from typing import Any

# Whatever opens a way out, or asks for a name: the interpreter tells of each before it does it.
AUDITED = (
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.gethostbyaddr", "socket.getnameinfo",
)  # fmt: skip
_INET = re.compile(r'(connect|sendto|sendmsg|sendmmsg)\(.*?sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"')
_DATAGRAMS = re.compile(r"socket\(AF_INET6?, SOCK_DGRAM")
_NAME_SERVICE = re.compile(r'connect\(.*?sun_path="[^"]*(?:nscd|resolve)')

Touch = list[str]  # what was done, and to whom


def audit() -> list[Touch]:
    """From now on, and for as long as this process lives, everything that it touches."""
    touched: list[Touch] = []

    def hear(event: str, given: tuple[Any, ...]) -> None:
        if event not in AUDITED:
            return
        if event.startswith("socket.get"):
            touched.append([event, str(given[0])])
        elif isinstance(given[1], tuple):  # not a path: sockets of files reach nobody
            touched.append([event, f"{given[1][0]}:{given[1][1]}"])

    sys.addaudithook(hear)
    return touched


def traced(lines: str) -> list[Touch]:
    """The same from the lines of `strace -f -e trace=network`."""
    touched: list[Touch] = []
    for line in lines.splitlines():
        if found := _INET.search(line):
            touched.append([found[1], f"{found[3]}:{found[2]}"])
        elif _DATAGRAMS.search(line) or _NAME_SERVICE.search(line):
            touched.append(["look-up", line.split("(", 1)[1]])
    return touched


def leaks(touched: list[Touch], host: str, port: int) -> list[Touch]:
    """What reached, or asked for, anything but the proxy."""
    allowed = (
        ["socket.connect", f"{host}:{port}"],
        ["connect", f"{host}:{port}"],
        [
            "socket.getaddrinfo",
            host,
        ],  # trio reads the digits of an address with it, and may look up nothing
    )
    return [touch for touch in touched if touch not in allowed]
