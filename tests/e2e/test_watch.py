"""WATCH-2 and ACC-8: events reach a real rsyslogd as they happen, and none is lost
while it is down or the server restarts; the expiry sweep warns once."""
import datetime
import os
import re
import signal
import subprocess

import pytest

from conftest import Server
from test_ca import issue_by_csr
from test_scep import events, wait_for


class Rsyslog:
    """The distribution's rsyslogd in the foreground, one scratch socket, one file."""

    def __init__(self, folder):
        self.folder = folder
        self.socket, self.file = folder / "dev-log", folder / "received.log"
        (folder / "rsyslog.conf").write_text(
            f'global(workDirectory="{folder}")\n'
            'module(load="imuxsock" SysSock.Use="off")\n'
            f'input(type="imuxsock" Socket="{self.socket}" UseSpecialParser="off" '
            'RateLimit.Interval="0" CreatePath="off")\n'
            'template(name="all" type="string" string="%syslogseverity% %timereported:::date-rfc3339% '
            '%app-name% %msgid% %structured-data% %msg%\\n")\n'
            f'action(type="omfile" file="{self.file}" template="all")\n')
        self.process = None

    def start(self):
        if self.socket.exists():
            self.socket.unlink()
        self.process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")],
            stdout=subprocess.DEVNULL, stderr=open(self.folder / "rsyslogd.err", "ab"))
        wait_for(self.socket.exists, 10)
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
            self.process = None

    def seqs(self):
        text = self.file.read_text() if self.file.exists() else ""
        return [int(n) for n in re.findall(r'\[signet@32473 seq="(\d+)"', text)]


@pytest.fixture
def collector(scratch):
    folder = scratch / "rsyslog"
    folder.mkdir()
    c = Rsyslog(folder)
    yield c
    c.stop()


def loud(server):
    """Sequence numbers of the events that must arrive: at least notice."""
    return [e["seq"] for e in server.json("audit", "list", "--limit", "1000", "--severity", "notice")["events"]]


# WATCH-2, ACC-8: as it happens, over an outage of the collector and a restart of ours
def test_events_reach_rsyslog_and_none_is_lost(scratch, collector):
    config = scratch / "signet.yaml"
    config.write_text(f"syslog:\n  socket: {collector.socket}\n")
    collector.start()
    s = Server(scratch / "state", "--config", str(config)).start()
    try:
        s.signet("ignite", "--name", "Example")
        s.signet("entity", "add", "pbx1")
        wait_for(lambda: set(loud(s)) <= set(collector.seqs()))
        assert re.search(r'^5 \S+ signet entity.add \[signet@32473 .*object="entity pbx1".*\]',
                         collector.file.read_text(), re.M)
        collector.stop()
        for i in range(20):
            s.signet("entity", "add", f"away-{i}")
        s.process.send_signal(signal.SIGTERM)
        s.stop()
        s = Server(scratch / "state", "--config", str(config)).start()
        for i in range(5):
            s.signet("entity", "add", f"later-{i}")
        collector.start()
        wait_for(lambda: set(loud(s)) <= set(collector.seqs()), 30)
        # killed, not stopped: lines may come twice, none is missing
        core = [p for p, n in s.pids().items() if n == "signet-core"][0]
        s.signet("entity", "add", "before-the-kill")
        os.kill(core, signal.SIGKILL)
        wait_for(lambda: core not in s.pids() and "signet-core" in s.pids().values())
        s.signet("entity", "add", "after-the-kill")
        wait_for(lambda: set(loud(s)) <= set(collector.seqs()), 30)
    finally:
        s.stop()


# WATCH-2: warned of at the first start within the time, and never twice
def test_expiry_is_warned_of_once(scratch):
    s = Server(scratch / "state")
    s.signet("ignite", "--name", "Example")
    s.start()
    try:
        issue_by_csr(s, scratch, "ends.example.com")
        left = s.json("certs")["certificates"][0]["days_left"]
        assert not events(s, "cert.expiring")
    finally:
        s.stop()
    for days, when in ((left - 61, 0), (left - 30, 1), (left - 20, 1)):
        s = Server(scratch / "state", "--clock-offset", str(days * 86400)).start()
        try:
            if when:
                wait_for(lambda: events(s, "cert.expiring"))
            found = events(s, "cert.expiring")
            assert len(found) == when
            if found:
                assert found[0]["detail"]["subject"].endswith("CN=ends.example.com")
                assert found[0]["detail"]["days_left"] in (29, 30)
                assert s.json("certs", "--expiring", "60d")["total"] == 1
        finally:
            s.stop()


# WATCH-2: the authorities' own certificates, which stand in no list of issued ones
def test_an_authority_near_its_end_is_an_error(scratch, database):
    s = Server(scratch / "state", database=database).start()
    try:
        s.signet("ignite", "--name", "Example")
        issuing = [a for a in s.json("ca", "list")["authorities"] if a["kind"] == "issuing"][0]
        assert not events(s, "cert.expiring")
    finally:
        s.stop()
    end = datetime.datetime.fromisoformat(issuing["not_after"].replace("Z", "+00:00"))
    away = int((end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) - 50 * 86400
    for _ in range(2):
        s = Server(scratch / "state", "--clock-offset", str(away), database=database).start()
        try:
            of_ca = lambda: [e for e in events(s, "cert.expiring") if e["detail"].get("role") == "ca"]
            wait_for(of_ca)
            assert [e["object"] for e in of_ca()] == [f"ca {issuing['id']}"]
            found = of_ca()[0]
            assert found["severity"] == "error" and found["detail"]["serial"] == issuing["serial"]
            assert found["detail"]["days_left"] in (49, 50)
        finally:
            s.stop()
