#!/usr/bin/python3
"""The figures Signet is held to, each beside a peer or the raw limit in one run.

  tests/bench/run [scep|growth|listing|start ...]

Servers are pinned to one core and the load generator to the other, unless a
figure is about two cores. Nothing here passes or fails: it prints.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from conftest import BIN, Server, run  # noqa: E402

BENCH = BIN.parent / "bench"
SERVER_CORE, CLIENT_CORE = "0", "1"


def line(name, value, unit, beside=None):
    """beside: (what, value)"""
    number = lambda v: f"{v:,.1f}".replace(",", " ")
    text = f"{name}: {number(value)} {unit}"
    if beside:
        text += f" (beside {beside[0]}: {number(beside[1])}, ratio {value / beside[1]:.2f})"
    print(text, flush=True)


def raw_limit():
    """RSA-2048 private operations a second on the server's core."""
    out = run("taskset", "-c", SERVER_CORE, "openssl", "speed", "-seconds", "3", "rsa2048").stdout
    return float(re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)", out.decode())[1])


class Pinned(Server):
    """A server whose processes all run on the given cores."""

    def __init__(self, state, cores, *args):
        super().__init__(state, *args)
        self.cores = cores

    def start(self):
        super().start()
        for pid in [self.process.pid, *self.pids()]:
            run("taskset", "-a", "-p", "-c", self.cores, pid)
        return self

    def memory(self):
        """{program: [PSS in KiB, ...]}"""
        out = {}
        for pid, name in {self.process.pid: "signetd", **self.pids()}.items():
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            out.setdefault(name, []).append(int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]))
        return out


def ignited(folder, cores, *args):
    s = Pinned(folder / "state", cores, *args)
    s.signet("ignite", "--name", "Bench", "--org", "Bench")
    s.start()
    e = s.json("entity", "add", "bench", "--profile", "phone", "--hours", "48", "--uses", "0")
    return s, e["password"]


def ra_certificate(s, folder):
    folder.mkdir(exist_ok=True)
    run("pki", "--scepca", "--url", s.http + "/scep", "--caout", "ca.der", "--raout", "ra.der",
        "--outform", "der", "--force", cwd=folder)
    return sorted(folder.glob("ra*.der"))[0]


def prepare(ra, password, count, out):
    run(BENCH / "bench_scep", "prepare", ra, password, count, out, timeout=3000)
    return out


def send(port, path, file, clients, first, count, core=CLIENT_CORE):
    p = run("taskset", "-c", core, BENCH / "bench_scep", "run", "127.0.0.1", port, path, file,
            clients, first, count, check=False, timeout=3000)
    return json.loads(p.stdout)


def micromdm(folder, cores):
    """micromdm's scepserver on a free port, its CA made the way it documents."""
    folder.mkdir()
    run("scepserver", "ca", "-init", cwd=folder)
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    p = subprocess.Popen(["taskset", "-c", cores, "scepserver", "-depot", "depot", "-port", str(port),
                          "-allowrenew", "0"], cwd=folder, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while run("curl", "-sf", "-o", folder / "ca.der",
              f"http://127.0.0.1:{port}/scep?operation=GetCACert", check=False).returncode:
        assert time.monotonic() < deadline, "scepserver does not answer"
        time.sleep(0.05)
    return p, port, folder / "ca.der"


def bench_scep(folder):
    limit = raw_limit() / 3
    line("raw limit, one core", limit, "enrolments/s (three RSA-2048 private operations each)")
    peer, port, ca = micromdm(folder / "peer", SERVER_CORE)
    try:
        file = prepare(ca, "", 1600, folder / "peer.req")
        peer1 = send(port, "/scep", file, 1, 0, 500)["rate"]
        peer8 = send(port, "/scep", file, 8, 500, 1000)["rate"]
    finally:
        peer.send_signal(signal.SIGTERM)
        peer.wait()
    for cores, processes in ((SERVER_CORE, 1), ("0,1", 2)):
        here = folder / f"cores{processes}"
        here.mkdir()
        s, password = ignited(here, cores, "--fronts", str(processes), "--keys", str(processes))
        try:
            file = prepare(ra_certificate(s, here / "ca"), password, 13000, here / "req")
            send(s.port, "/scep", file, 8, 0, 1000)
            one = send(s.port, "/scep", file, 1, 1000, 4000)
            eight = send(s.port, "/scep", file, 8, 5000, 8000)
        finally:
            s.stop()
        label = "one core" if processes == 1 else "two cores (shared with the client)"
        for clients, r, peer_rate in ((1, one, peer1), (8, eight, peer8)):
            assert r["refused"] == 0, r
            name = f"SCEP enrolments, {clients} client{'s' if clients > 1 else ''}, {label}"
            line(name, r["rate"], "/s", ("the raw limit of one core", limit))
            line(name, r["rate"], "/s", ("micromdm scep", peer_rate))


def bench_growth(folder, count=100_000, step=20_000):
    s, password = ignited(folder, SERVER_CORE, "--fronts", "1", "--keys", "1")
    try:
        ra = ra_certificate(s, folder / "ca")
        db = s.state / "signet.db"
        size0, rates = disk(s.state), []
        # other names and keys each time: the file is made anew from a fresh offset
        file = prepare(ra, password, count, folder / "req")
        for first in range(0, count, step):
            r = send(s.port, "/scep", file, 8, first, step)
            assert r["refused"] == 0, r
            rates.append(r)
        line("first thousand of 100 000", rates[0]["first"], "enrolments/s")
        line("last thousand of 100 000", rates[-1]["last"], "enrolments/s",
             ("the first thousand", rates[0]["first"]))
        memory = s.memory()
    finally:
        s.stop()
    for name, kib in memory.items():
        line(f"memory of {name} after 100 000", sum(kib) / len(kib) / 1024, "MiB (PSS)")
    line("disk", (disk(s.state) - size0) / count, "bytes/certificate")


def disk(state):
    return sum(f.stat().st_size for f in state.rglob("*") if f.is_file())


def bench_listing(folder, count=1_000_000):
    s = Pinned(folder / "state", SERVER_CORE)
    s.signet("ignite", "--name", "Bench", "--org", "Bench")
    url = f"sqlite:{s.state / 'signet.db'}"
    r = json.loads(run(BENCH / "bench_fill", "fill", url, count, timeout=1200).stdout)
    line(f"filling {count} certificates", r["seconds"], "s")
    r = json.loads(run(BENCH / "bench_fill", "sweep", url, timeout=600).stdout)
    line(f"daily sweep over {count} ({r['warned']} warned of)", r["seconds"], "s (ceiling 5)")
    r = json.loads(run(BENCH / "bench_fill", "sweep", url, timeout=600).stdout)
    line(f"daily sweep, nothing new ({r['warned']} warned of)", r["seconds"] * 1000, "ms")
    s.start()
    try:
        times = []
        for _ in range(20):
            t = time.perf_counter()
            out = s.signet("certs", "--expiring", "60d", "--json").stdout
            times.append((time.perf_counter() - t) * 1000)
        line(f"signet certs --expiring 60d over {count}", sorted(times)[len(times) // 2],
             f"ms, the slowest of 20 {max(times):.1f} (ceiling 50), {len(out)} bytes")
    finally:
        s.stop()


def bench_start(folder):
    times = []
    for _ in range(10):
        t = time.perf_counter()
        run(BIN / "signet", "--help")
        times.append((time.perf_counter() - t) * 1000)
    line("signet --help", sorted(times)[5], "ms")
    s = Pinned(folder / "state", SERVER_CORE)
    t = time.perf_counter()
    s.signet("ignite", "--name", "Bench", "--org", "Bench")
    line("signet ignite", time.perf_counter() - t, "s (RSA-2048 root, issuing, RA)")
    t = time.perf_counter()
    s.start()
    line("signetd to ready", (time.perf_counter() - t) * 1000, "ms")
    s.stop()


ALL = {"scep": bench_scep, "growth": bench_growth, "listing": bench_listing, "start": bench_start}


def main():
    names = sys.argv[1:] or list(ALL)
    for name in names:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sgb-", dir=os.environ.get("BENCH_DIR")))
        try:
            ALL[name](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
