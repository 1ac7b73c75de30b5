"""End-to-end tests: real programs of ours, real foreign clients, loopback ports
chosen at run time. Every process a test starts is ended by the test."""
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SIGNET_BIN", ROOT / "build/bin"))
SEEDS = ROOT / "tests/data"
READY_S = 30


def run(*argv, check=True, timeout=120, **kw):
    """Runs a foreign program; its output is in the failure when it fails."""
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    p = subprocess.run([str(a) for a in argv], timeout=timeout, **kw)
    if check and p.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, argv))} ended with {p.returncode}\n"
            f"stdout: {p.stdout[-3000:]}\nstderr: {p.stderr[-3000:]}"
        )
    return p


class Server:
    """One signetd on a state folder."""

    def __init__(self, state, *args, database=None):
        self.state = pathlib.Path(state)
        self.args = list(args)
        if database:
            self.args += ["--database", database]
        self.process = None
        self.ready = {}
        self.log_path = self.state.parent / (self.state.name + ".log")

    def start(self):
        log = open(self.log_path, "ab")
        argv = [BIN / "signetd", "--state", self.state, *self.args]
        if "--http" not in self.args:
            argv += ["--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdout=subprocess.PIPE, stderr=log, text=True
        )
        log.close()
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if not line:
                break
            if line.startswith("ready "):
                self.ready = dict(w.split("=", 1) for w in line.split()[1:])
                return self
        self.process.kill()
        raise AssertionError("signetd did not get ready:\n" + self.log())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("signetd did not stop within 15 s:\n" + self.log())
        if self.process:
            self.process.stdout.close()
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def http(self):
        return "http://" + self.ready["http"]

    @property
    def port(self):
        return int(self.ready["http"].rsplit(":", 1)[1])

    def pids(self):
        """{pid: program} of the supervisor's children."""
        out = run("ps", "-o", "pid=,comm=", "--ppid", self.process.pid, check=False).stdout.decode()
        return {int(l.split()[0]): l.split()[1] for l in out.splitlines() if l.strip()}

    def signet(self, *args, check=True, **kw):
        return run(BIN / "signet", "--state", self.state, *args, check=check, **kw)

    def json(self, *args, **kw):
        return json.loads(self.signet(*args, "--json", **kw).stdout)

    def refused(self, *args):
        """The command must say no; returns (exit code, what it said)."""
        p = self.signet(*args, check=False)
        assert p.returncode != 0, p.stdout
        return p.returncode, p.stderr.decode()


@pytest.fixture
def scratch():
    """A short path: Unix sockets have little room for long ones."""
    d = tempfile.mkdtemp(prefix="sg-")
    yield pathlib.Path(d)
    shutil.rmtree(d, ignore_errors=True)


class Postgres:
    """A private cluster, Unix socket only, as an ordinary user."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sgpg-"))
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.as_user = []
        if os.getuid() == 0:
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.dir, "postgres", "postgres")
        self.env = dict(os.environ, LC_ALL="C.UTF-8")
        self.names = 0
        self.tool("initdb", "-D", self.dir / "data", "-U", "signet", "-A", "trust", "--no-sync")
        self.server = subprocess.Popen(
            [*self.as_user, f"{self.bin}/postgres", "-D", str(self.dir / "data"),
             "-k", str(self.dir), "-c", "listen_addresses=", "-c", "max_connections=40"],
            stdout=subprocess.DEVNULL, stderr=open(self.dir / "log", "ab"), cwd="/", env=self.env)
        deadline = time.monotonic() + READY_S
        while run(f"{self.bin}/pg_isready", "-h", self.dir, check=False).returncode:
            assert time.monotonic() < deadline and self.server.poll() is None, \
                (self.dir / "log").read_text()
            time.sleep(0.05)

    def tool(self, name, *args):
        return run(*self.as_user, f"{self.bin}/{name}", *args, cwd="/", env=self.env)

    def new(self):
        """URL of a fresh database."""
        self.names += 1
        self.tool("createdb", "-h", self.dir, "-U", "signet", f"signet{self.names}")
        return f"postgresql:///signet{self.names}?host={self.dir}&user=signet"

    def stop(self):
        self.server.send_signal(signal.SIGINT)
        self.server.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres():
    p = Postgres()
    yield p
    p.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """None for SQLite, else the URL of a fresh PostgreSQL database."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres").new()


@pytest.fixture
def blank(scratch):
    """A running server that nobody has ignited."""
    s = Server(scratch / "state").start()
    yield s
    s.stop()


@pytest.fixture
def server(scratch):
    """A running, ignited server on SQLite."""
    s = Server(scratch / "state")
    s.signet("ignite", "--name", "Example Telephony", "--org", "Example")
    s.start()
    yield s
    s.stop()


@pytest.fixture
def any_server(scratch, database):
    """A running, ignited server, once on SQLite and once on PostgreSQL."""
    s = Server(scratch / "state", database=database).start()
    s.signet("ignite", "--name", "Example Telephony", "--org", "Example")
    yield s
    s.stop()
