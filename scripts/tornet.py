"""A private Tor network on loopback, of real `tor` daemons: three authorities, a few exits, one client with a SOCKS port.

Comes in: `up [EXITS]` or `down`. Goes out: where the client's SOCKS and control ports are, as lines or as one object
(`--json`). All that it leaves on the machine is one folder and the processes named in it, and `down` removes both. Nothing
reaches the Internet. Needs the programs `tor` and `tor-gencert`; `scripts/debian.py` installs them.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".tornet"
AUTHORITIES = 3
EXITS = 3
EXITS_MAX = 4
START_S = 120.0  # measured: 8 to 25
END_S = 10.0
LOOK_EVERY_S = 0.1
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

Json = dict[str, Any]

# What a network of a few relays on one address needs to work at all, and at once (tor's manual, TESTING NETWORK OPTIONS).
EVERYBODY = """
TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.67
ClientRejectInternalAddresses 0
ClientDNSRejectInternalAddresses 0
EnforceDistinctSubnets 0
UseDefaultFallbackDirs 0
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
ShutdownWaitLength 0
ConfluxEnabled 0
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 10
NumCPUs 1
"""
# An exit may reach loopback, and asks no resolver of the system.
RELAY = """
Address 127.0.0.1
SocksPort 0
ExitRelay 1
ExitPolicy accept *:*
ExitPolicyRejectPrivate 0
ExitPolicyRejectLocalInterfaces 0
IPv6Exit 0
ServerDNSDetectHijacking 0
ServerDNSAllowBrokenConfig 1
ServerDNSTestAddresses
"""
AUTHORITY = """
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 6
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
AuthDirMaxServersPerAddr 0
"""


class Refused(Exception):
    """It cannot be done; the sentence says why."""


def program(name: str) -> str:
    """Where a program of Debian's package `tor` stands."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise Refused(f"{name} is not installed: python3 scripts/debian.py installs it")
    return found


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Daemon:
    """One tor: its folder, its settings, and while it runs its process."""

    def __init__(self, folder: Path, name: str, settings: str) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(mode=0o700)
        self.settings = f"{EVERYBODY}{settings}\nNickname {name}\nDataDirectory {self.folder}\n"
        self.settings += f"PidFile {self.folder / 'pid'}\nLog notice file {self.folder / 'log'}\n"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *more: str) -> list[str]:
        """How it is started."""
        return [program("tor"), "--defaults-torrc", os.devnull, "-f", str(self.folder / "torrc"), *more]

    def start(self, authorities: str) -> None:
        """Run it."""
        (self.folder / "torrc").write_text(self.settings + authorities)
        with (self.folder / "output").open("w") as output:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def check(self) -> None:
        """Raise `Refused` if it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise Refused(f"{self.name} ended: {(self.folder / 'output').read_text().strip()[-800:]}")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fingerprint(self) -> str:
        """Of its identity, which is made now if need be."""
        (self.folder / "torrc").write_text(self.settings + "DirAuthority none 127.0.0.1:1 " + "F" * 40 + "\n")
        done = subprocess.run(self.command("--list-fingerprint"), capture_output=True, text=True, check=False)
        last = done.stdout.strip().splitlines()[-1:] or [done.stderr]
        words = last[0].split()
        if done.returncode or len(words) < 2:
            raise Refused(f"{self.name} has no fingerprint: {done.stdout[-800:]}")
        return "".join(words[1:])

    def known_relays(self) -> int:
        """How many relays the consensus that it holds lists."""
        try:
            return (self.folder / "cached-microdesc-consensus").read_text().count("\nr ")
        except OSError:
            return 0


def _certificate(daemon: Daemon, port: int) -> str:
    """Make an authority's keys; the fingerprint of its voting identity."""
    keys = daemon.folder / "keys"
    keys.mkdir(mode=0o700)
    subprocess.run(
        [program("tor-gencert"), "--create-identity-key", "-m", "12", "-a", f"127.0.0.1:{port}",
         "-i", str(keys / "authority_identity_key"), "-s", str(keys / "authority_signing_key"),
         "-c", str(keys / "authority_certificate"), "--passphrase-fd", "0"],
        input=b"a network for tests\n", capture_output=True, check=True,
    )  # fmt: skip
    lines = (keys / "authority_certificate").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("fingerprint "))


class TorNetwork:
    """A running network. `stop` ends it; its folder stays."""

    def __init__(self, folder: Path, exits: int = EXITS, owner: int | None = None) -> None:
        """Start it, and wait until its client has built circuits. With `owner`, it ends when that process does."""
        count = AUTHORITIES + exits
        ports = free_ports(count + AUTHORITIES + 2)
        resolver = folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n")
        owned = "" if owner is None else f"__OwningControllerProcess {owner}\n"
        relay = f"{RELAY}{owned}ServerDNSResolvConfFile {resolver}\n"
        self.socks, self.control = ("127.0.0.1", ports[-1]), ("127.0.0.1", ports[-2])
        self.relays: list[Daemon] = []
        authorities = ""
        for number in range(count):
            settings = f"{relay}ORPort 127.0.0.1:{ports[number]} IPv4Only\n"
            if number < AUTHORITIES:
                directory = ports[count + number]
                settings += f"{AUTHORITY}DirPort 127.0.0.1:{directory} IPv4Only\nContactInfo nobody\n"
                daemon = Daemon(folder, f"authority{number}", settings)
                voter = _certificate(daemon, directory)
                authorities += (
                    f"DirAuthority {daemon.name} orport={ports[number]} no-v2 v3ident={voter} "
                    f"127.0.0.1:{directory} {daemon.fingerprint()}\n"
                )
            else:
                daemon = Daemon(folder, f"exit{number - AUTHORITIES}", settings)
            self.relays.append(daemon)
        self.client = Daemon(
            folder,
            "client",
            f"{owned}SocksPort 127.0.0.1:{ports[-1]} IsolateSOCKSAuth\nControlPort 127.0.0.1:{ports[-2]}\n",
        )
        self._start(authorities, count)

    def _start(self, authorities: str, count: int) -> None:
        try:
            for daemon in self.relays:
                daemon.start(authorities)
            # A client that starts while relays are missing fails one connection in thirty (measured).
            self._wait(
                "no consensus that lists all", lambda: all(d.known_relays() == count for d in self.relays)
            )
            self.client.start(authorities)
            self._wait("no circuit", self._has_circuits)
        except BaseException:
            self.stop()
            raise

    def _wait(self, else_why: str, holds: Any) -> None:
        deadline = time.monotonic() + START_S
        while not holds():
            for daemon in self.daemons:
                daemon.check()
            if time.monotonic() > deadline:
                raise Refused(f"the network did not start within {START_S:g} s: {else_why}")
            time.sleep(LOOK_EVERY_S)

    def _has_circuits(self) -> bool:
        try:
            return "PROGRESS=100" in "".join(ask(self.control, "GETINFO status/bootstrap-phase"))
        except OSError:
            return False

    @property
    def daemons(self) -> list[Daemon]:
        """All of them."""
        return [*self.relays, self.client]

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [daemon.pid for daemon in self.daemons]

    def circuits(self) -> dict[str, list[str]]:
        """Which circuits each SOCKS user name has now."""
        found: dict[str, list[str]] = {}
        for line in ask(self.control, "GETINFO circuit-status"):
            for word in line.split():
                if word.startswith("SOCKS_USERNAME="):
                    found.setdefault(word.split("=", 1)[1].strip('"'), []).append(line.split()[0])
        return found

    def stop(self) -> None:
        """End every process."""
        for daemon in self.daemons:
            daemon.kill()


def ask(control: tuple[str, int], question: str) -> list[str]:
    """The lines that a tor answers on its control port. Raises OSError."""
    with socket.create_connection(control, timeout=5.0) as stream, stream.makefile("rw", newline="") as lines:
        for line in ("AUTHENTICATE", question, "QUIT"):
            lines.write(line + "\r\n")
        lines.flush()
        return [line.strip().removeprefix("250-").removeprefix("250+") for line in _all(lines)]


def _all(lines: Any) -> Iterator[str]:
    with contextlib.suppress(ConnectionResetError):
        yield from lines


# ------------------------------------------------------------------------- the command


def up(folder: Path, exits: int) -> Json:
    """Start a network that outlives this command; its description."""
    if not 1 <= exits <= EXITS_MAX:
        raise Refused(f"{exits} exits: from 1 to {EXITS_MAX} can be started")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Refused(f"{folder} exists: a network is up, take it down first") from None
    try:
        network = TorNetwork(folder, exits)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return {"up": True, "socks": "{}:{}".format(*network.socks), "control": "{}:{}".format(*network.control),
            "pids": network.pids, "folder": str(folder)}  # fmt: skip


def down(folder: Path) -> Json:
    """End the network of this folder and remove it."""
    if not folder.exists():
        raise Refused(f"no network is up: {folder} does not exist")
    if not (folder / "resolv.conf").exists():
        raise Refused(f"{folder} is no network of ours; nothing was removed")
    pids = [pid for path in folder.glob("*/pid") if _is_ours(pid := int(path.read_text() or 0), folder)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + END_S
    while any(_is_ours(pid, folder) for pid in pids) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    shutil.rmtree(folder)
    return {"down": True, "processes": len(pids)}


def _is_ours(pid: int, folder: Path) -> bool:
    try:
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def show(said: Json) -> None:
    """What is up, for people."""
    print(f"A private Tor network, {len(said['pids'])} processes; it reaches this machine alone.")
    print(f"Its SOCKS port:   {said['socks']}   (SOS_SOCKS={said['socks']} .venv/bin/sos call ...)")
    print(f"Its control port: {said['control']}")
    elsewhere = "" if said["folder"] == str(FOLDER) else f" --folder {said['folder']}"
    print(f"Take it down:     python3 scripts/tornet.py down{elsewhere}")


def main(words: Sequence[str] | None = None) -> int:
    """Up or down."""
    parser = argparse.ArgumentParser(description="A private Tor network on loopback.")
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument(
        "exits", type=int, nargs="?", default=EXITS, help=f"how many exits, at most {EXITS_MAX}"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where its files are kept while it is up")
    parser.add_argument("--json", action="store_true", help="print one object")
    asked = parser.parse_args(words)
    folder = asked.folder.absolute()

    def work() -> Json:
        return up(folder, asked.exits) if asked.what == "up" else down(folder)

    return finish("tornet", work, show, as_json=asked.json)


def finish(program: str, work: Callable[[], Json], show: Callable[[Json], None], *, as_json: bool) -> int:
    """How a command ends that takes a network up or down (`testnet.py` too): what it printed is whole, and the exit code."""
    try:
        said = work()
    except Refused as refused:
        print(json.dumps({"error": str(refused)}) if as_json else f"{program}: {refused}.", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(said))
    elif said.get("down"):
        print(f"The network is down: {said['processes']} processes ended, nothing is left.")
    else:
        show(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
