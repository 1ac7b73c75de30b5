"""Crash proof (CA-6, ACC-8): enrolments under load while every process is killed
at random. What a client received is in the store and the ledger, no serial twice,
no request with two certificates, and the service is never away for long.

SIGNET_CRASH_KILLS sets the number of kills (the suite's default keeps it short;
200 on each store is the figure of the record, see docs/TESTING.md)."""
import concurrent.futures
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

from conftest import BIN, Server, run
from test_scep import entity

KILLS = int(os.environ.get("SIGNET_CRASH_KILLS", "200"))
BENCH = BIN.parent / "bench" / "bench_scep"


class Load(threading.Thread):
    """Sends prepared requests over and over the same way real clients would:
    a failed one is sent again until it is answered."""

    def __init__(self, port, messages, results):
        super().__init__(daemon=True)
        self.port, self.messages, self.results = port, messages, results
        self.stop = threading.Event()
        self.longest = 0.0

    def run(self):
        import http.client
        for name, message in self.messages:
            if self.stop.is_set():
                return
            since = time.monotonic()
            while not self.stop.is_set():
                try:
                    c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
                    c.request("POST", "/scep?operation=PKIOperation", message,
                              {"Content-Type": "application/x-pki-message"})
                    r = c.getresponse()
                    body = r.read()
                    c.close()
                    if r.status == 200:
                        self.results.append((name, body, time.monotonic()))
                        break
                except (OSError, http.client.HTTPException):
                    pass
            self.longest = max(self.longest, time.monotonic() - since)


class Probe(threading.Thread):
    """Asks for GetCACaps all the time: how long was there no answer?"""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop, self.longest, self.asked = port, threading.Event(), 0.0, 0

    def run(self):
        import http.client
        last = time.monotonic()
        while not self.stop.is_set():
            try:
                c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                c.request("GET", "/scep?operation=GetCACert")
                if c.getresponse().status == 200:
                    now = time.monotonic()
                    self.longest, last = max(self.longest, now - last), now
                    self.asked += 1
                c.close()
            except (OSError, http.client.HTTPException):
                pass


def prepared(path, count):
    data, at, out = path.read_bytes(), 0, []
    for i in range(count):
        n = int.from_bytes(data[at:at + 4], "little")
        out.append((i, data[at + 4:at + 4 + n]))
        at += 4 + n
    return out


def issued_status(body):
    """pkiStatus of a CertRep: PrintableString after its OID (2.16.840.1.113733.1.9.3)."""
    oid = bytes.fromhex("060a6086480186f845010903")
    at = body.find(oid)
    return body[at + len(oid) + 4:at + len(oid) + 5] if at >= 0 else b""


def test_killed_at_random_nothing_is_lost(any_server, scratch):
    s = any_server
    e = entity(s, "load", "--uses", "0", "--hours", "24")
    (scratch / "ca").mkdir()
    run("pki", "--scepca", "--url", s.http + "/scep", "--caout", "ca.der", "--raout", "ra.der",
        "--outform", "der", "--force", cwd=scratch / "ca")
    count = max(2000, KILLS * 80)  # more than can be served meanwhile
    run(BENCH, "prepare", sorted((scratch / "ca").glob("ra*.der"))[0], e["password"], count, scratch / "req",
        timeout=600)
    messages = prepared(scratch / "req", count)
    results = []
    loads = [Load(s.port, messages[i::4], results) for i in range(4)]
    probe = Probe(s.port)
    for t in [*loads, probe]:
        t.start()
    dice, kills = random.Random(20261121), {}
    total = 0
    while total < KILLS:
        pids = s.pids()
        # choose a program first, so that each kind dies about as often
        program = dice.choice(sorted(set(pids.values())))
        pid = dice.choice([p for p, n in pids.items() if n == program])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills[program] = kills.get(program, 0) + 1
        total += 1
        # until it is replaced, so that every kill hits a living service
        deadline = time.monotonic() + 5
        while len(s.pids()) < len(pids) or pid in s.pids():
            assert time.monotonic() < deadline, "not restarted:\n" + s.log()[-3000:]
            time.sleep(0.005)
        dice_wait = time.monotonic() + dice.uniform(0.0, 0.08)
        while time.monotonic() < dice_wait:
            time.sleep(0.005)
    time.sleep(0.5)  # the load goes on a little on the healed service
    for t in [*loads, probe]:
        t.stop.set()
    for t in [*loads, probe]:
        t.join(30)
    answers = {}
    for name, body, _ in results:
        answers.setdefault(issued_status(body), set()).add(name)
    received = answers.get(b"0", set())
    verify = s.json("audit", "verify")
    certs, after = [], ""
    while True:
        page = s.json("certs", "--limit", "1000", *(["--after", after] if after else []))
        certs += page["certificates"]
        after = str(page.get("next") or "")
        if not after:
            break
    requests, after = [], ""
    while True:
        page = s.json("request", "list", "--state", "issued", "--limit", "1000", *(["--after", after] if after else []))
        requests += page["requests"]
        after = str(page.get("next") or "")
        if not after:
            break
    exported = s.signet("audit", "export").stdout.decode()
    in_ledger = set(re.findall(r'"object":"cert ([0-9a-f]+)"', exported))
    serials = [c["serial"] for c in certs]
    by_name = {r["subject"]: r for r in requests}
    times = sorted(t for _, _, t in results)
    gap = max(b - a for a, b in zip(times, times[1:]))  # no client at all was served
    missing = [n for n in received if f"CN=bench-{n:08d}.example.com" not in by_name]
    print(f"\ncrash: {total} kills {kills}; {len(received)} certificates received, {len(certs)} in the store, "
          f"{len(requests)} requests, {verify['events']} ledger events, longest time without an enrolment {gap:.2f} s, without an answer "
          f"{probe.longest:.2f} s, longest single enrolment {max(l.longest for l in loads):.2f} s", flush=True)
    assert verify["good"] is True, verify
    assert set(answers) <= {b"0"}, {k: len(v) for k, v in answers.items()}
    assert 200 <= len(received) < count  # the load lasted as long as the killing
    assert not missing
    assert len(serials) == len(set(serials))
    assert set(serials) <= in_ledger
    assert len({r["id"] for r in requests}) == len(requests) == len(certs)
    assert gap < 2.0 and probe.longest < 2.0


# the supervisor itself dies: nothing of it lives on, and a new one serves again
def test_supervisor_killed(server, scratch):
    e = entity(server, "survivor")
    children = list(server.pids())
    server.process.kill()
    server.process.wait()
    deadline = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{p}") for p in children):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    again = Server(server.state, "--http", server.ready["http"]).start()
    try:
        from scep_clients import micromdm
        micromdm(again, scratch / "m", "survivor", e["password"])
        assert again.json("audit", "verify")["good"] is True
    finally:
        again.stop()
