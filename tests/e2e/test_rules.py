"""The rules of enrolment as strangers meet them: one certificate per request however
often it is sent, refusals in the protocol's own words, lockout, a wrong clock, old
algorithms, names and lifetimes (ENR-2, ENR-3, ENR-9, ENR-10, CERT-5, CERT-7, CERT-8,
CERT-10, CA-3, CA-6)."""
import base64
import concurrent.futures
import json

import pytest

from conftest import Server, run
from scep_clients import chain_files, micromdm, openssl_accepts, strongswan
from test_scep import entity, events, serial_of, wait_for
from tools_scep import (BAD_MESSAGE_CHECK, BAD_REQUEST, FAILURE, SUCCESS, answer, post,
                        prepare, query, read_answer)

PAST = "-1000000000"  # thirty years ago: a board whose battery is empty


def certificates(server):
    return server.json("certs", "--limit", "1000")["certificates"]


def configured(scratch, text):
    config = scratch / "signet.yaml"
    config.write_text(text)
    s = Server(scratch / "state", "--config", str(config))
    s.signet("ignite", "--name", "Example Telephony", "--org", "Example")
    return s.start()


# ENR-3, CA-6: the same transactionID with another key is refused, and does not
# disturb the one who had it first
def test_transaction_belongs_to_one_key(any_server, scratch):
    s = any_server
    e = entity(s, "many", "--uses", "0")
    first, = prepare(s, scratch / "a", e["password"], 1)
    other, = prepare(s, scratch / "b", e["password"], 1)
    assert answer(s.port, first)[0] == SUCCESS
    status, fail, text = answer(s.port, other)
    assert (status, fail) == (FAILURE, BAD_REQUEST) and "transactionID" in text
    assert events(s, "request.refused")
    assert answer(s.port, first)[0] == SUCCESS
    assert len(certificates(s)) == 1


# CA-6, ENR-2: a request sent again, and ten times at once with a password for one
# use, is one certificate
def test_same_request_is_one_certificate(any_server, scratch):
    s = any_server
    e = entity(s, "once")
    message, = prepare(s, scratch / "a", e["password"], 1)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda _: answer(s.port, message), range(10)))
    assert [g[0] for g in got] == [SUCCESS] * 10, got
    assert answer(s.port, message)[0] == SUCCESS
    serials = [c["serial"] for c in certificates(s)]
    assert len(serials) == 1
    assert [e["object"] for e in events(s, "cert.issue")] == ["cert " + serials[0]]
    assert len(s.json("request", "list", "--state", "issued")["requests"]) == 1
    # restarted, it is still the same one
    s.stop()
    s.start()
    assert answer(s.port, message)[0] == SUCCESS
    assert [c["serial"] for c in certificates(s)] == serials


# ENR-2: ten different requests race for one use; one wins, the others are told
def test_one_use_is_one_use_under_a_race(any_server, scratch):
    s = any_server
    e = entity(s, "race")
    messages = prepare(s, scratch / "a", e["password"], 10)

    def ask(message):
        while True:  # 503 is "ask again": the winner is not known yet
            status, body = post(s.port, message)
            if status == 200:
                return read_answer(body)
            assert status == 503, (status, body)

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        got = list(pool.map(ask, messages))
    assert sorted(g[0] for g in got) == [SUCCESS] + [FAILURE] * 9, got
    assert all("used up" in text for status, _, text in got if status == FAILURE), got
    assert len(certificates(s)) == 1
    assert s.json("entity", "show", "race")["passwords"][0]["state"] == "used"


# ENR-10: a message cut in half, and one that was altered on the way
def test_cut_and_altered_messages(server, scratch):
    e = entity(server, "cut")
    message, = prepare(server, scratch / "a", e["password"], 1)
    for part in (message[:len(message) // 2], message[:1], message[:-1], message + b"\0"):
        status, body = post(server.port, part)
        assert status == 400 and body, (len(part), status, body)
    seen = wait_for(lambda: events(server, "request.malformed"))
    assert seen[0]["actor"] == "scep" and seen[0]["source"] == "127.0.0.1"
    altered = message[:-1] + bytes([message[-1] ^ 1])  # the signature's last octet
    assert answer(server.port, altered)[:2] == (FAILURE, BAD_MESSAGE_CHECK)
    assert certificates(server) == []
    assert answer(server.port, message)[0] == SUCCESS


# ENR-10: guessing passwords locks that address out, for a while, with one event
def test_lockout_of_one_source(scratch):
    s = configured(scratch, "limits:\n  failures: 5\n  window_s: 600\n  lockout_s: 2\n")
    try:
        e = entity(s, "honest", "--uses", "0")
        wrong = prepare(s, scratch / "w", "AAAA-AAAA-AAAA-AAAA-AAAA", 7)
        honest = prepare(s, scratch / "h", e["password"], 20)[10:]
        for message in wrong[:4]:
            assert answer(s.port, message)[:2] == (FAILURE, BAD_REQUEST)
        assert events(s, "lockout") == []
        assert answer(s.port, honest[0])[0] == SUCCESS  # four are not five
        assert answer(s.port, wrong[4])[0] == FAILURE
        status, _, text = answer(s.port, honest[1])
        assert status == FAILURE and "locked out" in text, text
        answer(s.port, wrong[5])
        # nobody else is held up by it
        assert answer(s.port, honest[2], source="127.0.0.2")[0] == SUCCESS
        locked = events(s, "lockout")
        assert len(locked) == 1 and locked[0]["object"] == "source 127.0.0.1"
        assert locked[0]["severity"] == "warning"
        wait_for(lambda: answer(s.port, honest[1])[0] == SUCCESS, 10)
        assert len(events(s, "lockout")) == 1
        assert len(events(s, "request.refused")) == 5
        assert len(certificates(s)) == 3
    finally:
        s.stop()


# CERT-7: with a clock earlier than the software no certificate is made; it is said
# at the start, to the asker and in the status; with the time right it goes on
def test_wrong_clock_makes_no_certificate(scratch):
    s = Server(scratch / "state")
    s.signet("ignite", "--name", "Example", "--org", "Example")
    key, csr, out = scratch / "k", scratch / "csr", scratch / "c.pem"
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clock.example.com",
        "-keyout", key, "-out", csr)
    issue = ("issue", "--profile", "identity", "--cn", "clock.example.com", "--csr", csr, "-o", out)
    s.start()
    e = entity(s, "late")
    message, = prepare(s, scratch / "a", e["password"], 1)
    before = len(events(s, "clock"))
    s.stop()
    bad = Server(s.state, "--clock-offset", PAST).start()
    try:
        told = events(bad, "clock")
        assert len(told) > before and told[-1]["severity"] == "error"
        code, words = bad.refused(*issue)
        assert code == 1 and "clock" in words and not out.exists()
        status, fail, text = answer(bad.port, message)
        assert (status, fail) == (FAILURE, BAD_REQUEST) and "clock" in text, (status, fail, text)
        alarms = [a for a in bad.json("status")["alarms"] if a["severity"] == "critical"]
        assert any("clock" in a["text"] and "time" in a["remedy"] for a in alarms), alarms
        assert certificates(bad) == []
        code, words = bad.refused("ca", "renew")
        assert code == 1 and "clock" in words
    finally:
        bad.stop()
    s.start()
    try:
        assert not [a for a in s.json("status")["alarms"] if "earlier" in a["text"]]
        s.signet(*issue)
        assert out.exists()
        assert answer(s.port, message)[0] == SUCCESS
        assert s.json("audit", "verify")["good"]
    finally:
        s.stop()


# CERT-7: nor is a root made that was valid thirty years ago
def test_wrong_clock_ignites_nothing(scratch):
    s = Server(scratch / "state", "--clock-offset", PAST).start()
    try:
        code, words = s.refused("ignite", "--name", "Example")
        assert code == 1 and "clock" in words
        assert s.json("status")["ca"]["ignited"] is False
    finally:
        s.stop()
    s = Server(scratch / "state").start()
    try:
        s.signet("ignite", "--name", "Example")
    finally:
        s.stop()


# CERT-5: RSA 1024 and SHA-1 only by the profile that says legacy, with a warning
def test_legacy_is_issued_by_its_profile_only(server, scratch):
    key, csr, out = scratch / "k", scratch / "csr", scratch / "c.pem"
    run("openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=old.example.com",
        "-keyout", key, "-out", csr)
    for profile in ("identity", "server", "client", "phone", "ipoffice", "sip-domain"):
        code, words = server.refused("issue", "--profile", profile, "--cn", "old.example.com", "--csr", csr,
                                     "-o", out)
        assert code == 1 and "rsa1024" in words.lower().replace(" ", "").replace("-", ""), words
        assert not out.exists()
    assert certificates(server) == [] and events(server, "cert.issue-legacy") == []
    server.signet("issue", "--profile", "legacy", "--cn", "old.example.com", "--csr", csr, "-o", out)
    text = run("openssl", "x509", "-in", out, "-noout", "-text").stdout.decode()
    assert "(1024 bit)" in text and "sha1WithRSAEncryption" in text
    warned = events(server, "cert.issue-legacy")
    assert len(warned) == 1 and warned[0]["severity"] == "warning" and serial_of(out) in warned[0]["object"]
    # what is not old is not warned of
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=new.example.com",
        "-keyout", key, "-out", csr)
    server.signet("issue", "--profile", "identity", "--cn", "new.example.com", "--csr", csr, "-o", scratch / "n.pem")
    assert len(events(server, "cert.issue-legacy")) == 1


def new_csr(scratch, subject, san=None, name="csr"):
    out = scratch / name
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", scratch / "k",
        "-out", out, *(["-addext", "subjectAltName=" + san] if san else []))
    return out


# CERT-8: duplicate, empty or ill-formed names are refused and named
@pytest.mark.parametrize("sans,entry", [
    ("DNS:a.example.com,DNS:a.example.com", "a.example.com"),
    ("DNS:a.example.com,DNS:A.Example.COM", "A.Example.COM"),
    ("IP:192.0.2.1,IP:192.0.2.1", "192.0.2.1"),
    ("DNS:", "DNS:"), ("DNS:a.example.com,,DNS:b.example.com", ""), ("DNS:a..example.com", "a..example.com"),
    ("DNS:-a.example.com", "-a.example.com"), ("DNS:a b.example.com", "a b"),
    ("IP:300.1.1.1", "300.1.1.1"), ("IP:192.0.2", "192.0.2"), ("EMAIL:nobody", "nobody"),
    ("URI:no scheme", "no scheme"), ("HOST:x.example.com", "HOST")])
def test_bad_names_are_refused_and_named(server, scratch, sans, entry):
    csr = new_csr(scratch, "/CN=names.example.com")
    out = scratch / "c.pem"
    for argv in (("issue", "--profile", "identity", "--cn", "names.example.com", "--san", sans, "--csr", csr,
                  "-o", out),
                 ("entity", "add", "names", "--san", sans)):
        code, words = server.refused(*argv)
        assert code in (1, 2) and entry in words, (argv, words)
    assert not out.exists() and certificates(server) == []
    assert "names" not in {e["name"] for e in server.json("entity", "list")["entities"]}


BAD_IN_CSR = [("DNS:a.example.com,DNS:a.example.com", "a.example.com"),
              ("DNS:a.example.com,DNS:A.EXAMPLE.com", "A.EXAMPLE.com"),
              ("DNS:a..example.com", "a..example.com"), ("DNS:a b.example.com", "a b.example.com"),
              ("email:nobody", "nobody")]


# CERT-8: the same rule for what stands in a foreign CSR: by SCEP, by hand, by an
# operator's word
@pytest.mark.parametrize("san,entry", BAD_IN_CSR)
def test_bad_names_in_a_csr_are_refused(server, scratch, san, entry):
    csr = new_csr(scratch, "/CN=names.example.com", san)
    up = server.json("request", "upload", csr, "--profile", "identity")
    code, words = server.refused("request", "approve", str(up["id"]))
    assert code == 1 and entry in words and "CERT-8" in words, words
    e = entity(server, "names")
    if san.count("DNS") == 1 and " " in san or "email" in san:
        return  # strongSwan does not send these
    p, _, _ = strongswan(server, scratch / "s", "names", e["password"],
                         *[x for s in san.split(",") for x in ("--san", s[4:])], check=False)
    assert p.returncode != 0
    refused = events(server, "request.refused")[-1]
    assert entry in json.dumps(refused) and "CERT-8" in json.dumps(refused), refused
    assert certificates(server) == []
    # well-formed, the same password still serves
    strongswan(server, scratch / "t", "names", e["password"], "--san", "a.example.com", "--san", "b.example.com")


@pytest.mark.parametrize("san,entry", [
    pytest.param(*b, marks=pytest.mark.xfail(strict=True, reason="src/api/issue.c: sans_add() leaves them out"))
    if "a.example.com," in b[0] or " " in b[0] else b for b in BAD_IN_CSR])
def test_bad_names_in_an_operators_csr_are_refused(server, scratch, san, entry):
    csr = new_csr(scratch, "/CN=names.example.com", san)
    code, words = server.refused("issue", "--profile", "identity", "--csr", csr, "-o", scratch / "c.pem")
    assert code in (1, 2) and entry in words, words
    assert certificates(server) == []


# CERT-8, CERT-10: the first DNS name is the CN when that is a host name
def test_host_name_comes_first(server, scratch):
    def names(cn, *sans):
        csr, out = new_csr(scratch, "/CN=x"), scratch / "c.pem"
        answer = server.json("issue", "--profile", "identity", "--cn", cn, "--csr", csr, "--force", "-o", out,
                             *[x for san in sans for x in ("--san", san)])
        text = run("openssl", "x509", "-in", out, "-noout", "-ext", "subjectAltName", check=False).stdout.decode()
        return text.split("\n")[1].strip().split(", ") if "DNS" in text else [], json.dumps(answer["receipt"])

    got, receipt = names("pbx.example.com")
    assert got == ["DNS:pbx.example.com"] and "CERT-8" in receipt
    got, receipt = names("pbx.example.com", "DNS:other.example.com")
    assert got == ["DNS:pbx.example.com", "DNS:other.example.com"] and "CERT-8" in receipt
    got, receipt = names("pbx.example.com", "DNS:other.example.com", "DNS:pbx.example.com")
    assert got == ["DNS:pbx.example.com", "DNS:other.example.com"] and "moved" in receipt
    got, receipt = names("pbx.example.com", "DNS:pbx.example.com")
    assert got == ["DNS:pbx.example.com"] and "CERT-8" not in receipt
    got, receipt = names("Reception Desk")
    assert got == [] and "CERT-8" not in receipt


# CA-3, CERT-10: a lifetime over the profile's is cut, and the receipt says by what
def test_lifetime_is_cut_to_the_profile(server, scratch):
    def issue(name, *more):
        out = scratch / f"{name}.pem"
        csr = new_csr(scratch, f"/CN={name}.example.com")
        a = server.json("issue", "--profile", "identity", "--csr", csr, "-o", out, *more)
        lifetime = run("openssl", "x509", "-in", out, "-noout", "-checkend", str(1095 * 86400), check=False)
        short = run("openssl", "x509", "-in", out, "-noout", "-checkend", str(1093 * 86400), check=False)
        return a, lifetime.returncode, short.returncode

    answer, over, most = issue("long", "--days", "5000")
    assert over == 1 and most == 0  # not over 1095 days, and nearly so
    cuts = [c for c in answer["receipt"]["changes"] if c["what"] == "lifetime cut"]
    assert len(cuts) == 1 and cuts[0]["rule"] == "validity.max_days" and cuts[0]["from"] > cuts[0]["to"]
    assert cuts[0]["to"] == answer["not_after"]
    answer, over, most = issue("short", "--days", "30")
    assert over == 1 and most == 1
    assert not [c for c in answer["receipt"]["changes"] if c["what"] == "lifetime cut"]
    # the receipt is kept with the request
    kept = server.json("request", "show", str(answer["request"]))
    assert kept["receipt"]["changes"] == answer["receipt"]["changes"]


# ENR-3: DES and SHA-1 where the profile allows them; badAlg elsewhere. micromdm's
# scepclient sends nothing else
def test_old_algorithms_by_profile(server, scratch):
    e = server.json("entity", "add", "modern.example.com", "--profile", "server")
    p, _, _ = micromdm(server, scratch / "m", "modern.example.com", e["password"], check=False)
    assert p.returncode != 0
    assert b"badAlg" in p.stdout + p.stderr, (p.stdout, p.stderr)
    refused = events(server, "request.refused")[-1]
    assert "profile server" in json.dumps(refused) and "DES" in json.dumps(refused)
    assert certificates(server) == []
    # the password is not spent by it: a client of this century gets through
    _, cert, _ = strongswan(server, scratch / "s", "modern.example.com", e["password"])
    root, rest = chain_files(server, scratch)
    assert openssl_accepts(cert, root, rest).returncode == 0
    _, cert, _ = micromdm(server, scratch / "p", "phone-1", entity(server, "phone-1")["password"])
    assert openssl_accepts(cert, root, rest).returncode == 0


# ENR-3: a path with legacy: yes takes them from everybody, and says so
def test_old_algorithms_by_path(scratch):
    s = configured(scratch, "scep:\n  - profile: server\n  - name: old\n    profile: server\n    legacy: yes\n")
    try:
        caps = {p: run("curl", "-sSf", f"{s.http}{p}?operation=GetCACaps").stdout.decode().split()
                for p in ("/scep", "/scep/old")}
        assert {"DES3", "SHA-1"} <= set(caps["/scep/old"]) and not {"DES3", "SHA-1"} & set(caps["/scep"])
        e = s.json("entity", "add", "old.example.com", "--profile", "server")
        p, _, _ = micromdm(s, scratch / "m", "old.example.com", e["password"], check=False)
        assert p.returncode != 0
        micromdm(s, scratch / "n", "old.example.com", e["password"], path="/scep/old")
        assert len(certificates(s)) == 1
    finally:
        s.stop()


# ENR-3: PKIOperation by GET, base64 in the URL, '+' escaped or made a blank on the way
def test_pki_operation_by_get(server, scratch):
    e = entity(server, "by-get", "--uses", "0")
    message = prepare(server, scratch / "a", e["password"], 1)[0]
    text = base64.b64encode(message).decode()
    assert "+" in text

    def get(*data):
        out = scratch / "answer"
        p = run("curl", "-sS", "-G", "-o", out, "-w", "%{http_code} %{content_type}", server.http + "/scep",
                "-d", "operation=PKIOperation", *data)
        return p.stdout.decode(), out.read_bytes()

    # as it must be
    said, body = get("--data-urlencode", "message=" + text)
    assert said == "200 application/x-pki-message" and read_answer(body)[0] == SUCCESS
    # '+' left bare, as micromdm and others do; and what a proxy makes of it
    for mangled in (text, text.replace("+", "%20")):
        said, body = get("-d", "message=" + mangled)
        assert said.startswith("200") and read_answer(body)[0] == SUCCESS, said
    assert len(certificates(server)) == 1
    for bad in ("message=", "message=%21%21", "message=" + text[:100]):
        assert get("-d", bad)[0].startswith("400")
    assert get()[0].startswith("400")
    assert wait_for(lambda: events(server, "request.malformed"))


# ENR-9: whoever asks, by whatever way, is one row of the same kind with a receipt
def test_every_way_ends_in_one_kind_of_request(server, scratch):
    by_scep = entity(server, "by-scep")
    strongswan(server, scratch / "s", "by-scep", by_scep["password"])
    up = server.json("request", "upload", new_csr(scratch, "/CN=by-hand.example.com"), "--profile", "identity")
    server.signet("request", "approve", str(up["id"]))
    done = server.json("issue", "--profile", "identity", "--csr", new_csr(scratch, "/CN=by-word.example.com"),
                       "-o", scratch / "w.pem")
    rows = [server.json("request", "show", str(r["id"]))
            for r in server.json("request", "list", "--state", "issued")["requests"]]
    assert len(rows) == 3 and done["request"] in [r["id"] for r in rows]
    assert len({r["protocol"] for r in rows}) == 3
    for r in rows:
        assert {"asked", "granted", "changes"} <= set(r["receipt"]), r
    assert len(events(server, "cert.issue")) == 3
    assert {c["request"] for c in certificates(server)} == {r["id"] for r in rows}
