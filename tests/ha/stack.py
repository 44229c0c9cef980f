"""Two PostgreSQL servers under Patroni, with etcd and HAProxy, as in docs/high-availability.md, on the loopback interface.

    with stack(synchronous=True) as it: it.through_haproxy, it.several_hosts, it.leader(), it.nodes["one"].kill()

All of them run as one unprivileged user in a temporary folder, with Debian's programs but not its services.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.throwaway_postgres import (
    ended_in_order,
    folder_of_the_servers,
    free_port,
    rights_of_the_server,
    server_binaries,
    wait_until,
)

PROGRAMS = {"patroni": "patroni", "patronictl": "patroni", "etcd": "etcd-server", "haproxy": "haproxy"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The times, and everything below `bootstrap`, are those of docs/high-availability.md.
_PATRONI = """
scope: pharos
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
etcd: {{host: '127.0.0.1:{etcd}'}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    maximum_lag_on_failover: 1048576
    synchronous_mode: {synchronous}
    postgresql:
      use_pg_rewind: true
      remove_data_directory_on_rewind_failure: true
      remove_data_directory_on_diverged_timelines: true
      parameters: {{wal_log_hints: 'on', max_connections: 100}}
  initdb: [{{encoding: UTF8}}, {{locale: C.UTF-8}}, data-checksums]
  pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']
postgresql:
  listen: '127.0.0.1:{port}'
  connect_address: '127.0.0.1:{port}'
  data_dir: {folder}/data
  bin_dir: {binaries}
  pgpass: {folder}/pgpass
  authentication: {{superuser: {{username: pharos}}, replication: {{username: copies, password: copies}}}}
  parameters: {{unix_socket_directories: '{folder}', fsync: 'off'}}
"""
_HAPROXY = """
defaults
    mode tcp
    timeout connect 2s
    timeout check 2s
    timeout client 1h
    timeout server 1h
listen primary
    bind 127.0.0.1:{port}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fall 2 rise 3 on-marked-down shutdown-sessions
{servers}
"""


def missing() -> list[str]:
    """Returns Debian's packages that have to be installed first."""
    found = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=_PATH)]
    return sorted({*found, *([] if server_binaries() else ["postgresql"])})


def _start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts a program that writes to a log in its folder."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [shutil.which(name, path=_PATH) or name, *arguments],
            cwd=folder,
            env={"PATH": _PATH, "HOME": str(folder), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **rights_of_the_server(),
        )


def _children(parent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False).stdout
    return [int(number) for number in found.split()]


@dataclass
class Node:
    """A machine: its Patroni and its PostgreSQL, which can only fail together."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    rest: int = field(default_factory=free_port)
    patroni: subprocess.Popen[bytes] | None = None

    @property
    def configuration(self) -> str:
        return str(self.folder / "patroni.yml")

    def start(self) -> None:
        self.patroni = _start(self.folder, "patroni", self.configuration)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.patroni:
            self.patroni.wait()
            self.patroni = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def processes(self) -> list[int]:
        """Returns its processes, Patroni first: otherwise it would start PostgreSQL again."""
        found = [self.patroni.pid, *_children(self.patroni.pid)] if self.patroni else []
        with contextlib.suppress(FileNotFoundError):
            first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            if Path(f"/proc/{first}/cwd").exists() and Path(f"/proc/{first}/cwd").resolve() == self.folder / "data":
                found += [first, *_children(first)]
        return list(dict.fromkeys(found))

    def _signal(self, number: int) -> None:
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)


@dataclass
class Stack:
    """What runs, and its two addresses for DATABASE_URL."""

    folder: Path
    synchronous: bool
    nodes: dict[str, Node]
    etcd: int = field(default_factory=free_port)
    haproxy: int = field(default_factory=free_port)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def through_haproxy(self) -> str:
        return f"postgres://pharos@127.0.0.1:{self.haproxy}/postgres"

    @property
    def several_hosts(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes.values())
        return f"postgres://pharos@{hosts}/postgres?target_session_attrs=read-write&connect_timeout=2"

    def start(self) -> None:
        self._start_etcd()
        for node in self.nodes.values():
            self._configure(node)
            node.start()
        servers = (f"    server {one.name} 127.0.0.1:{one.port} check port {one.rest}" for one in self.nodes.values())
        configuration = self.folder / "haproxy.cfg"
        configuration.write_text(_HAPROXY.format(port=self.haproxy, servers="\n".join(servers)))
        self.others.append(_start(self.folder, "haproxy", "-db", "-f", str(configuration)))

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self.etcd}", f"http://127.0.0.1:{free_port()}"
        urls = ("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer)
        first = ("--enable-v2", "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
        self.others.append(_start(self.folder, "etcd", "--data-dir", str(self.folder / "etcd"), *urls, *first))

    def _configure(self, node: Node) -> None:
        Path(node.configuration).write_text(
            _PATRONI.format(
                name=node.name,
                rest=node.rest,
                port=node.port,
                folder=node.folder,
                etcd=self.etcd,
                binaries=server_binaries(),
                synchronous=str(self.synchronous).lower(),
            )
        )

    def members(self) -> dict[str, dict[str, Any]]:
        """What the first node that answers knows of all of them; empty if none does."""
        for node in self.nodes.values():
            url = f"http://127.0.0.1:{node.rest}/cluster"
            with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=1) as answer:
                return {one["name"]: one for one in json.load(answer)["members"]}
        return {}

    def leader(self) -> Node | None:
        names = [name for name, one in self.members().items() if one["role"] == "leader"]
        return self.nodes[names[0]] if names else None

    def is_well(self) -> bool:
        """Whether the other node follows the leader and, in synchronous mode, each commit waits for it."""
        members = self.members().values()
        roles = sorted(one["role"] for one in members)
        timelines = {one.get("timeline") for one in members}
        return (
            roles == ["leader", "sync_standby" if self.synchronous else "replica"]
            and len(timelines) == 1
            and all(one["state"] in ("running", "streaming") for one in members)
            and all(one.get("lag", 0) == 0 for one in members)
        )

    def describe(self) -> str:
        """What each node is, and the last lines of its log."""
        logs = [f"{node.name}:\n{(node.folder / 'log').read_text()[-2000:]}" for node in self.nodes.values()]
        return "\n".join([str(self.members()), *logs])

    def switch_over(self) -> None:
        """Returns when patronictl says that it is done."""
        leader = self.leader()
        assert leader
        [candidate] = {*self.nodes} - {leader.name}
        command = ["patronictl", "-c", leader.configuration, "switchover", "--leader", leader.name]
        done = subprocess.run(
            [*command, "--candidate", candidate, "--force"], capture_output=True, text=True, check=False
        )
        assert "Successfully switched over" in done.stdout, done.stdout + done.stderr

    def stop(self) -> None:
        for node in self.nodes.values():
            node.thaw()
            node.kill()
        for process in self.others:
            process.kill()
            process.wait()


@contextlib.contextmanager
def stack(*, synchronous: bool) -> Iterator[Stack]:
    """Starts it and waits until both nodes are well; ends and removes everything afterward."""
    with ended_in_order(), folder_of_the_servers() as folder:
        nodes = {name: Node(name, folder / name) for name in ("one", "two")}
        for node in nodes.values():
            with folder_of_the_servers(keep=node.folder):
                pass
        it = Stack(folder, synchronous, nodes)
        try:
            it.start()
            wait_until(it.is_well, 180)
            yield it
        except BaseException:
            print(it.describe(), file=sys.stderr)  # noqa: T201
            raise
        finally:
            it.stop()
