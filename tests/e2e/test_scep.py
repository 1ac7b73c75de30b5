"""SCEP with the clients people really run: enrolment, renewal, approval by hand,
refusals in the protocol's own words, the next CA (ENR-1, ENR-2, ENR-3, ENR-9,
ENR-10, ENR-14, CERT-10)."""
import json
import os
import subprocess
import threading
import time

import pytest

from conftest import run
from scep_clients import (chain_files, fetch_ca, micromdm, new_key, openssl_accepts, pem_of,
                          strongswan)


def entity(server, name, *more):
    return server.json("entity", "add", name, "--profile", "phone", *more)


def serial_of(cert):
    return run("openssl", "x509", "-in", cert, "-noout", "-serial").stdout.decode().strip().split("=")[1].lower()


def events(server, kind):
    return [e for e in server.json("audit", "list", "--limit", "1000")["events"] if e["kind"] == kind]


def keytool_accepts(cert, root, rest, folder):
    """keytool builds the chain reply only if it can verify it to a trusted root."""
    store = folder / "trust.jks"
    run("keytool", "-importcert", "-noprompt", "-alias", "root", "-file", root,
        "-keystore", store, "-storepass", "changeit")
    if rest.read_text().strip():
        run("keytool", "-importcert", "-noprompt", "-alias", "rest", "-file", rest,
            "-keystore", store, "-storepass", "changeit")
    out = run("keytool", "-importcert", "-alias", "leaf", "-file", cert, "-keystore", store,
              "-storepass", "changeit", input=b"no\n", check=False).stdout.decode()
    printed = run("keytool", "-printcert", "-file", cert).stdout.decode()
    return "Owner:" in printed and "error" not in out.lower()


# ENR-3, ENR-1, CA-6: enrolment and renewal, on both stores
def test_strongswan_enrols_and_renews(any_server, scratch):
    e = entity(any_server, "pbx1.example.com")
    _, cert, key = strongswan(any_server, scratch / "c", "pbx1.example.com", e["password"])
    root, rest = chain_files(any_server, scratch)
    assert openssl_accepts(cert, root, rest).returncode == 0
    assert keytool_accepts(cert, root, rest, scratch)
    # renewal: type 17 signed by the old certificate, with a new key
    ca = fetch_ca(any_server, scratch / "c")
    new = new_key(scratch / "c" / "new.pem")
    p = run("pki", "--scep", "--url", any_server.http + "/scep", "--in", new, "--dn", "CN=pbx1.example.com",
            "--cacert-enc", ca["ras"][0], "--cacert-sig", ca["ras"][0],
            *[x for c in ca["cas"] for x in ("--cacert", c)],
            "--cert", cert, "--key", key, "--outform", "pem", cwd=scratch / "c")
    renewed = scratch / "c" / "renewed.pem"
    renewed.write_bytes(p.stdout)
    assert openssl_accepts(renewed, root, rest).returncode == 0
    assert serial_of(renewed) != serial_of(cert)
    assert {x["serial"] for x in any_server.json("certs")["certificates"]} >= {serial_of(renewed), serial_of(cert)}
    assert events(any_server, "cert.renew")
    assert any_server.json("audit", "verify")["good"] is True


def test_micromdm_scepclient_enrols(any_server, scratch):
    e = entity(any_server, "phone-7")
    _, cert, key = micromdm(any_server, scratch / "m", "phone-7", e["password"])
    root, rest = chain_files(any_server, scratch)
    assert openssl_accepts(cert, root, rest).returncode == 0
    a = run("openssl", "x509", "-in", cert, "-noout", "-pubkey").stdout
    b = run("openssl", "pkey", "-in", key, "-pubout").stdout
    assert a == b  # the certificate is for the client's own key


@pytest.fixture
def certmonger(scratch, server):
    """certmonger on a private session bus; its SCEP helper does the talking."""
    home = scratch / "home"
    home.mkdir()
    env = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home), XDG_RUNTIME_DIR=str(home))
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True)
    env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    daemon = subprocess.Popen(["/usr/lib/certmonger/certmonger-session", "-n", "-d", "2"],
                              stdout=subprocess.DEVNULL, stderr=open(scratch / "certmonger.log", "wb"), env=env)
    yield lambda *argv, check=True: run(*argv, env=env, check=check, cwd=home)
    daemon.terminate()
    daemon.wait(10)
    bus.terminate()
    bus.wait(10)


def wait_for(what, seconds=40):
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


# ENR-3: certmonger through its scep-submit helper
def test_certmonger_enrols_and_resubmits(server, scratch, certmonger):
    e = entity(server, "host1.example.com", "--uses", "2")
    certmonger("getcert", "add-scep-ca", "-s", "-c", "signet", "-u", server.http + "/scep")
    key, cert = scratch / "cm.key", scratch / "cm.pem"
    wait_for(lambda: b"signet" in certmonger("getcert", "list-cas", "-s").stdout)
    certmonger("getcert", "request", "-s", "-c", "signet", "-k", key, "-f", cert, "-I", "one",
               "-N", "CN=host1.example.com", "-L", e["password"])
    wait_for(lambda: b"status: MONITORING" in certmonger("getcert", "list", "-s", "-i", "one").stdout)
    root, rest = chain_files(server, scratch)
    assert openssl_accepts(cert, root, rest).returncode == 0
    first = serial_of(cert)
    certmonger("getcert", "resubmit", "-s", "-i", "one")
    wait_for(lambda: serial_of(cert) != first)
    assert openssl_accepts(cert, root, rest).returncode == 0


# ENR-2: wrong, expired and reused passwords, each with its own event
def test_wrong_password_is_refused(server, scratch):
    p, _, _ = strongswan(server, scratch / "c", "x1", "AAAA-AAAA-AAAA-AAAA-AAAA", check=False)
    assert p.returncode != 0
    refused = events(server, "request.refused")
    assert refused and refused[-1]["result"] == "bad-password"
    assert server.json("certs")["certificates"] == []


def test_reused_password_is_refused(server, scratch):
    e = entity(server, "once")
    strongswan(server, scratch / "a", "once", e["password"])
    p, _, _ = strongswan(server, scratch / "b", "once", e["password"], check=False)
    assert p.returncode != 0
    assert len(server.json("certs")["certificates"]) == 1
    assert any("used" in json.dumps(x) for x in events(server, "request.refused"))


def test_expired_password_is_refused(scratch):
    from conftest import Server
    s = Server(scratch / "state")
    s.signet("ignite", "--name", "Example", "--org", "Example")
    s.start()
    e = entity(s, "late", "--hours", "1")
    s.stop()
    s = Server(scratch / "state", "--clock-offset", "3700").start()
    try:
        shown = s.json("entity", "show", "late")
        assert "expired" in json.dumps(shown)
        p, _, _ = strongswan(s, scratch / "c", "late", e["password"], check=False)
        assert p.returncode != 0
        assert events(s, "request.refused")[-1]["result"] == "expired"
    finally:
        s.stop()


# ENR-3: pending, approved by hand while the client polls; and rejected
def test_pending_request_is_approved_by_hand(any_server, scratch):
    box = {}

    def enrol():
        box["result"] = strongswan(any_server, scratch / "c", "waiting", None, check=False)

    t = threading.Thread(target=enrol)
    t.start()
    request = wait_for(lambda: any_server.json("request", "list")["requests"])[0]
    assert request["state"] == "pending"
    any_server.signet("request", "approve", str(request["id"]), "--profile", "phone")
    t.join(60)
    p, cert, _ = box["result"]
    assert p.returncode == 0, p.stderr
    root, rest = chain_files(any_server, scratch)
    assert openssl_accepts(cert, root, rest).returncode == 0


def test_pending_request_is_rejected(server, scratch):
    box = {}
    t = threading.Thread(target=lambda: box.update(r=strongswan(server, scratch / "c", "nobody", None, check=False)))
    t.start()
    request = wait_for(lambda: server.json("request", "list")["requests"])[0]
    server.signet("request", "reject", str(request["id"]), "--reason", "unknown phone")
    t.join(60)
    assert box["r"][0].returncode != 0
    assert server.json("certs")["certificates"] == []
    assert events(server, "request.reject")


def post(server, body, path="/scep?operation=PKIOperation", *more):
    return run("curl", "-s", "-o", "-", "-w", "\n%{http_code}", "-H", "Content-Type: application/x-pki-message",
               "--data-binary", "@-", *more, server.http + path, input=body, check=False).stdout


# ENR-10: noise, cut messages, size: answered, counted, nothing blocked
def test_noise_is_answered_and_counted(server, scratch):
    import random
    noise = random.Random(7).randbytes(10 << 20)
    answer = post(server, noise)
    assert answer.rsplit(b"\n", 1)[1] == b"413"
    assert post(server, noise[:100_000]).rsplit(b"\n", 1)[1] == b"400"
    assert post(server, b"").rsplit(b"\n", 1)[1] == b"400"
    e = entity(server, "after-noise")
    strongswan(server, scratch / "c", "after-noise", e["password"])
    assert wait_for(lambda: events(server, "request.malformed"))
    assert server.json("status")["server"]


# ENR-14: nothing else is reachable on the plain listener; HTTP/1.0 works
def test_plain_listener_serves_only_its_paths(server):
    for path in ("/", "/api/v1/status", "/scep/../api/v1/status", "/etc/passwd", "/metrics", "/crl/none.crl"):
        p = run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", server.http + path)
        assert p.stdout == b"404", path
    caps = run("curl", "-sSf", "-0", server.http + "/scep?operation=GetCACaps").stdout.decode().split()
    assert {"POSTPKIOperation", "AES", "SHA-256", "Renewal", "SCEPStandard", "GetNextCACert"} <= set(caps)
    assert "DES3" not in caps and "SHA-1" not in caps


# ENR-3: the next CA certificate after renewal
def test_get_next_ca_certificate(server, scratch):
    url = server.http + "/scep?operation=GetNextCACert"
    before = run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url).stdout
    assert before != b"200"
    server.signet("ca", "renew")
    out = scratch / "next.p7"
    p = run("curl", "-sS", "-o", out, "-w", "%{http_code} %{content_type}", url)
    assert p.stdout.startswith(b"200 application/x-x509-next-ca-cert")
    ras = fetch_ca(server, scratch / "f")["ras"]
    ra = pem_of(ras[0], scratch / "ra.pem")
    inner = scratch / "inner.der"
    run("openssl", "cms", "-verify", "-inform", "der", "-in", out, "-noverify", "-certfile", ra,
        "-out", inner, "-binary")
    listed = run("openssl", "pkcs7", "-inform", "der", "-in", inner, "-print_certs").stdout.decode()
    assert "Root CA" in listed


# CERT-10: the receipt says what was changed and by which rule
def test_receipt_names_what_was_dropped(server, scratch):
    e = entity(server, "greedy", "--san", "DNS:greedy.example.com")
    strongswan(server, scratch / "c", "greedy", e["password"], "--san", "evil.example.com")
    request = server.json("request", "list", "--state", "issued")["requests"][0]
    receipt = json.dumps(server.json("request", "show", str(request["id"])))
    assert "evil.example.com" in receipt
    text = run("openssl", "x509", "-in", scratch / "c/cert.pem", "-noout", "-ext", "subjectAltName").stdout
    assert b"greedy.example.com" in text and b"evil" not in text
