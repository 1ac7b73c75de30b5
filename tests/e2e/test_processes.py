"""The processes: what each may and holds, secrets at rest, death and return, wrong
configuration, a database that goes away (CA-5, CA-6, ACC-1, ENR-10, ENR-14)."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BIN, READY_S, Postgres, Server, run
from scep_clients import micromdm
from test_scep import entity, events, wait_for
from tools_scep import FAILURE, SUCCESS, answer, post, prepare, read_answer

IS_ROOT = os.getuid() == 0
COUNTS = ("--fronts", "2", "--keys", "2")
PASSWORD = "Long-Winter-Night-7"


def status_of(pid):
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def descriptors(pid):
    """{number: what it is}"""
    out = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            out[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    return out


def ignited(scratch, *args, **kw):
    s = Server(scratch / "state", *COUNTS, *args, **kw)
    s.signet("ignite", "--name", "Example Telephony", "--org", "Example")
    return s


def ended(argv, timeout=READY_S):
    """A server that must not come up: (exit code, what it said)."""
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    assert b"ready " not in p.stdout, p.stdout
    return p.returncode, p.stderr.decode()


@pytest.fixture
def two(scratch):
    """An ignited server with two fronts and two key processes."""
    s = ignited(scratch).start()
    yield s
    s.stop()


# CA-5, ENR-14: every child is sandboxed; a front is nobody and can do nothing
def test_children_are_confined(two):
    programs = two.pids()
    assert sorted(programs.values()) == ["signet-core", "signet-front", "signet-front", "signet-front",
                                         "signet-key", "signet-key"]
    for pid, program in programs.items():
        st = status_of(pid)
        assert st["Seccomp"] == "2" and st["NoNewPrivs"] == "1", (program, st)
        assert st["Groups"] == "" or not IS_ROOT
        # to lock secrets in memory, and nothing else
        most = 0 if program == "signet-front" else 1 << 14
        for which in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(st[which], 16) & ~most == 0, (program, which, st[which])
        if IS_ROOT and program == "signet-front":
            assert set(st["Uid"].split()) == set(st["Gid"].split()) == {"65534"}


# CA-5: no process holds what is another's: files, the network, what signetd was
# started with
def test_descriptors_are_their_own(scratch):
    s = ignited(scratch)
    (scratch / "foreign").write_text("not yours")
    foreign = os.open(scratch / "foreign", os.O_RDONLY)
    argv = [BIN / "signetd", "--state", s.state, *s.args, "--http", "127.0.0.1:0"]
    with open(s.log_path, "ab") as log:
        s.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=log, text=True,
                                     pass_fds=[foreign])
    os.close(foreign)
    try:
        line = s.process.stdout.readline()
        assert line.startswith("ready "), s.log()
        s.ready = dict(w.split("=", 1) for w in line.split()[1:])
        entity(s, "one")
        listening = run("ss", "-Htlnp").stdout.decode()
        for pid, program in s.pids().items():
            held = descriptors(pid)
            files = {w for w in held.values() if w.startswith("/") and w not in ("/dev/null", str(s.log_path))}
            if program == "signet-core":
                assert any(w.endswith("/signet.db") for w in files)
                assert all(w.startswith(str(s.state / "signet.db")) for w in files), files
            else:
                assert files == set(), (program, files)
            odd = [w for w in held.values() if not re.match(r"/|socket:|pipe:|anon_inode:", w)]
            assert not odd, odd
            if program != "signet-front":
                assert f"pid={pid}," not in listening
        assert any(f"pid={p}," in listening for p, n in s.pids().items() if n == "signet-front")
        # all but the log's error channel is closed to the outside: the core has
        # no socket that is not one of ours
        for pid, program in s.pids().items():
            if program != "signet-front":
                assert not run("ss", "-Htunap").stdout.decode().count(f"pid={pid},"), program
    finally:
        s.stop()


# ACC-1: secrets are in nobody's arguments or environment
def test_no_secret_in_arguments_or_environment(scratch, postgres):
    config, pw = scratch / "signet.yaml", scratch / "pw"
    config.write_text(f"database: \"{postgres.new()}&password=Database-Secret-9\"\n")
    pw.write_text(PASSWORD + "\n")
    os.environ["SIGNET_TEST_SECRET"] = "Environment-Secret-3"
    s = Server(scratch / "state", "--config", str(config), *COUNTS)
    try:
        s.start()
        s.signet("ignite", "--name", "Example")
        e = entity(s, "one")
        s.signet("ca", "backup", "-o", scratch / "b", "--password-file", pw)
        needles = [n.encode() for n in (e["password"], e["password"].replace("-", ""), PASSWORD,
                                        "Database-Secret-9")]
        children = s.pids()
        assert len(children) == 6
        for pid in [s.process.pid, *children]:
            for what in ("cmdline", "environ"):
                text = open(f"/proc/{pid}/{what}", "rb").read()
                assert not [n for n in needles if n in text], (pid, what)
                if pid != s.process.pid:
                    assert b"Environment-Secret-3" not in text
        said = s.log().encode() + s.signet("audit", "export").stdout + s.signet("status").stdout
        assert not [n for n in needles if n in said]
    finally:
        del os.environ["SIGNET_TEST_SECRET"]
        s.stop()


def rsa_numbers(key):
    """{name: bytes} of an RSA key, as openssl prints them."""
    text = run("openssl", "rsa", "-in", key, "-noout", "-text").stdout.decode()
    out = {}
    for name, digits in re.findall(r"^(\w+):\s*\n((?:    [0-9a-f:]+\n)+)", text, re.M):
        out[name] = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
    return out


def forms(number):
    """Raw, hexadecimal and base64 at each of its three alignments."""
    middle = number[8:-8]
    yield middle
    yield middle.hex().encode()
    yield middle.hex().upper().encode()
    for shift in range(3):
        part = middle[shift:]
        yield base64.b64encode(part[:len(part) // 3 * 3])[:40]


# ACC-1, CA-5: the CA's private key is nowhere in clear: not in the state folder,
# not in either database
def test_keys_are_sealed_at_rest(any_server, scratch, postgres):
    s, pw = any_server, scratch / "pw"
    pw.write_text(PASSWORD + "\n")
    secret, public = [], []
    for authority in ("root-1", "issuing-1"):
        s.signet("ca", "export", authority, "-o", scratch / "x.p12", "--password-file", pw)
        run("openssl", "pkcs12", "-in", scratch / "x.p12", "-passin", "pass:" + PASSWORD, "-nodes", "-nocerts",
            "-out", scratch / "x.key")
        numbers = rsa_numbers(scratch / "x.key")
        assert {"modulus", "privateExponent", "prime1", "prime2"} <= set(numbers)
        secret += [numbers[n] for n in ("privateExponent", "prime1", "prime2", "exponent1")]
        public.append(numbers["modulus"])
        (scratch / "x.p12").unlink()
    s.stop()
    places = {str(p): p.read_bytes() for p in s.state.rglob("*") if p.is_file()}
    assert [p for p in places if p.endswith(".key")]
    if "--database" in s.args:
        url = s.args[s.args.index("--database") + 1]
        places["dump"] = postgres.tool("pg_dump", url).stdout
    # the search finds what is there: the public half, in the certificates
    assert all(any(f in text for text in places.values() for f in forms(n)) for n in public)
    for name, text in places.items():
        assert b"PRIVATE KEY" not in text, name
        assert not [f for n in secret for f in forms(n) if f in text], name
    assert all(os.stat(p).st_mode & 0o077 == 0 for p in places if "/key/" in p)
    assert s.state.stat().st_mode & 0o077 == 0


# ACC-1: bound to the machine: the copied folder opens here, and nowhere else
def test_copied_state_does_not_open_elsewhere(scratch):
    if not os.path.exists("/etc/machine-id") or run("unshare", "-m", "true", check=False).returncode:
        pytest.skip("needs /etc/machine-id and the right to make a mount namespace")
    s = ignited(scratch)
    shutil.copytree(s.state, scratch / "copy", ignore=shutil.ignore_patterns("*.sock", "lock"))
    (scratch / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    script = 'mount --bind "$1" /etc/machine-id && shift && exec "$@"'
    elsewhere = ("unshare", "-m", "sh", "-c", script, "sh", scratch / "machine-id")
    code, words = ended([*elsewhere, BIN / "signetd", "--state", scratch / "copy", "--http", "127.0.0.1:0"])
    assert code == 1, words
    assert "seal" in words and "machine" in words, words
    here = Server(scratch / "copy").start()
    try:
        micromdm(here, scratch / "m", "x", entity(here, "x")["password"])
    finally:
        here.stop()


# CA-5, ACC-1: a damaged key file is named; nothing is signed with what it holds
@pytest.mark.parametrize("damage", ["head", "nonce", "middle", "tag", "cut", "another"])
def test_damaged_key_is_named(scratch, damage):
    s = ignited(scratch)
    file = [p for p in (s.state / "key").iterdir() if p.name.startswith("issuing-1")][0]
    root = [p for p in (s.state / "key").iterdir() if p.name.startswith("root-1")][0]
    good = file.read_bytes()
    at = {"head": 0, "nonce": 20, "middle": len(good) // 2, "tag": len(good) - 1}.get(damage)
    if at is not None:
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1:])
    else:
        file.write_bytes(good[:-40] if damage == "cut" else root.read_bytes())
    csr = scratch / "csr"
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x.example.com",
        "-keyout", scratch / "k", "-out", csr)
    issue = ("issue", "--profile", "identity", "--csr", csr, "-o", scratch / "c.pem")
    s.start()
    try:
        assert str(file) in s.log() and "CA-5" in s.log()
        code, words = s.refused(*issue)
        assert code == 1 and words and not (scratch / "c.pem").exists()
        assert s.json("certs")["certificates"] == []
        # the others' keys are as good as before
        s.signet("ca", "crl", "root-1")
        assert s.json("audit", "verify")["good"]
    finally:
        s.stop()
    file.write_bytes(good)
    s.start()
    try:
        s.signet(*issue)
        micromdm(s, scratch / "m", "x", entity(s, "x")["password"])
    finally:
        s.stop()


# CA-6: whichever process is killed, enrolment works again within two seconds
def test_each_process_comes_back(two, scratch):
    e = entity(two, "many", "--uses", "0")
    messages = prepare(two, scratch / "a", e["password"], 20)
    assert answer(two.port, messages.pop())[0] == SUCCESS
    victims = list(two.pids().items())
    for pid, program in victims:
        os.kill(pid, signal.SIGKILL)
        since, message, got = time.monotonic(), messages.pop(), None
        while got != SUCCESS:
            try:
                status, body = post(two.port, message)
                got = read_answer(body)[0] if status == 200 else None
                assert got in (SUCCESS, None), (program, body)
            except OSError:
                pass
            assert time.monotonic() - since < 2, (program, two.log()[-2000:])
        wait_for(lambda: pid not in two.pids() and len(two.pids()) == len(victims), 2)
        assert two.json("status")["server"]
    micromdm(two, scratch / "m", "after", entity(two, "after")["password"])
    assert two.json("audit", "verify")["good"]
    assert len(two.json("certs")["certificates"]) == 2 + len(victims)


# CA-6: two servers on one state: the second is refused and harms nobody
def test_second_server_is_refused(two, scratch):
    code, words = ended([BIN / "signetd", "--state", two.state, "--http", "127.0.0.1:0"])
    assert code == 1 and str(two.state) in words and "another signetd" in words, words
    micromdm(two, scratch / "m", "x", entity(two, "x")["password"])
    # an address that is taken is said, too
    code, words = ended([BIN / "signetd", "--state", scratch / "other", "--http", two.ready["http"]])
    assert code == 1 and two.ready["http"] in words, words


# CA-6: told to end, it ends in order, and nothing of it is left
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_in_order(scratch, how):
    s = ignited(scratch).start()
    children = list(s.pids())
    s.process.send_signal(how)
    assert s.process.wait(15) == 0
    assert not [p for p in children if os.path.exists(f"/proc/{p}")]
    s.stop()
    s.start()
    try:
        kinds = [e["kind"] for e in s.json("audit", "list")["events"]]
        assert kinds.count("server.stop") >= 1
    finally:
        s.stop()


# CA-6, ENR-10: a wrong configuration ends the start and names file, line and key
@pytest.mark.parametrize("text,line,says", [
    ("http: \"127.0.0.1:0\"\nprocesess:\n  fronts: 2\n", 2, ["processes"]),
    ("processes:\n  front: 2\n", 2, ["fronts"]),
    ("limits:\n  failures: 5\n  lockout: 2\n", 3, ["lockout_s"]),
    ("scep:\n  - name: old\n    legcy: yes\n", 3, ["legacy"]),
    ("processes:\n  fronts: many\n", 2, ["fronts", "many"]),
    ("processes:\n  fronts: 17\n", 2, ["fronts", "16"]),
    ("limits:\n  failures: 0\n", 2, ["failures"]),
    ("limits: 5\n", 1, ["limits"]),
    ("http: [1, 2]\n", 1, ["http"]),
    ("expiry:\n  warn_days: -3\n", 2, ["warn_days"]),
    ("database: mysql://localhost/x\n", 1, ["database", "postgresql://"]),
    ("scep:\n  - name: a\n  - name: a\n", 3, ["name"]),
    ("http: \"nowhere\"\n", 1, ["http", "nowhere"]),
    ("http: \"127.0.0.1:0\"\nhttp: \"127.0.0.1:1\"\n", 2, ["http"]),
    ("public_url: ftp://example.com\n", 1, ["public_url"]),
    ("http: \"127.0.0.1:0\n", 1, []),
])
def test_wrong_configuration_is_named(scratch, text, line, says):
    config = scratch / "signet.yaml"
    config.write_text(text)
    code, words = ended([BIN / "signetd", "--state", scratch / "state", "--config", config])
    assert code == 2, words
    assert re.search(re.escape(str(config)) + rf"\D{{1,8}}{line}\b", words), words
    assert not [w for w in says if w not in words], words
    assert not (scratch / "state" / "signet.db").exists()


class Stoppable(Postgres):
    """A cluster of the test's own that goes away and comes back."""

    def down(self):
        self.server.send_signal(signal.SIGINT)
        self.server.wait(20)

    def up(self):
        self.server = subprocess.Popen(
            [*self.as_user, f"{self.bin}/postgres", "-D", str(self.dir / "data"),
             "-k", str(self.dir), "-c", "listen_addresses="],
            stdout=subprocess.DEVNULL, stderr=open(self.dir / "log", "ab"), cwd="/", env=self.env)


# CA-6: the database stops and starts again under a running server: refused in the
# meantime, then served, with everything that was answered
def test_database_goes_away_and_comes_back(scratch):
    pg = Stoppable()
    s = Server(scratch / "state", *COUNTS, database=pg.new())
    try:
        s.start()
        s.signet("ignite", "--name", "Example")
        e = entity(s, "many", "--uses", "0")
        messages = prepare(s, scratch / "a", e["password"], 12)
        for m in messages[:4]:
            assert answer(s.port, m)[0] == SUCCESS
        before = {c["serial"] for c in s.json("certs")["certificates"]}
        assert len(before) == 4
        for turn in range(2):
            pg.down()
            m = messages[4 + turn]
            since = time.monotonic()
            try:
                status, body = post(s.port, m)
                assert status == 503 or read_answer(body)[0] == FAILURE, (status, body[:200])
            except OSError:
                pass
            p = s.signet("entity", "add", f"lost{turn}", check=False, timeout=60)
            assert p.returncode in (1, 3) and p.stderr, p
            assert time.monotonic() - since < 60
            assert s.process.poll() is None, s.log()[-3000:]
            pg.up()

            def served():
                try:
                    status, body = post(s.port, m)
                except OSError:
                    return False
                return status == 200 and read_answer(body)[0] == SUCCESS

            wait_for(served, 30)
        assert answer(s.port, messages[0])[0] == SUCCESS  # the answer of the first time
        wait_for(lambda: s.signet("status", check=False).returncode == 0)
        after = {c["serial"] for c in s.json("certs")["certificates"]}
        assert before < after and len(after) == 6
        assert not {"lost0", "lost1"} & {x["name"] for x in s.json("entity", "list")["entities"]}
        assert s.json("audit", "verify")["good"]
    finally:
        s.stop()
        pg.stop()
