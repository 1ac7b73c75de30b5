"""The trust store from the command line (TRUST-1, TRUST-2, TRUST-3, CERT-2)."""
import json
import shutil

from conftest import SEEDS, run
from test_scep import events, wait_for

PUSH = SEEDS / "trust/push-notification-bundle.txt"


# TRUST-3, CERT-2: the bundle as published, noise and all
def test_published_bundle_imports_as_three(any_server):
    report = any_server.json("trust", "add", PUSH)
    assert (report["added"], report["already"], report["refused"]) == (3, 0, 0)
    subjects = " ".join(c["subject"] for c in report["certificates"])
    for name in ("Sectigo RSA Organization Validation", "USERTrust RSA", "AAA Certificate Services"):
        assert name in subjects
    dropped = [n for n in report["notes"] if "sectigo.com/knowledge" in json.dumps(n)]
    assert dropped and all(n["line"] > 0 for n in dropped)
    again = any_server.json("trust", "add", PUSH)
    assert (again["added"], again["already"]) == (0, 3)
    lines = any_server.signet("trust", "add", PUSH).stdout.decode().splitlines()
    assert len([l for l in lines if l.startswith("already there ")]) == 3 and "already-there" not in str(lines)
    assert lines[-1] == "0 added, 3 already there, 0 refused"


# TRUST-3: nothing is half-imported
def test_a_broken_object_imports_nothing(server, scratch):
    text = PUSH.read_text()
    at = text.index("MIIFgTCCBGmg")
    broken = scratch / "broken.pem"
    broken.write_text(text[:at] + "AAAA" + text[at + 40:])
    before = len(server.json("trust", "list")["certificates"])
    p = server.signet("trust", "add", broken, "--json", check=False)
    assert p.returncode == 1
    assert len(server.json("trust", "list")["certificates"]) == before
    code, words = server.refused("trust", "add", "/dev/null")
    assert code in (1, 2) and words


# TRUST-2: shipped defaults, expired ones flagged and not trusted
def test_defaults_flag_expired_ones(server):
    d = server.json("trust", "defaults")
    names = {c["name"]: c for c in d["certificates"]}
    assert len(names) == 9
    assert "expired" in names["Let's Encrypt Authority X3"]["flags"]
    assert "expired" not in names["ISRG Root X1"]["flags"]


# TRUST-1: add, list, export, remove; the drop-in folders
def test_drop_in_folders_and_export(server, scratch):
    server.signet("trust", "add", PUSH)
    out = scratch / "export.pem"
    server.signet("trust", "export", "-o", out)
    assert out.read_text().count("BEGIN CERTIFICATE") >= 3
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Dropped Root",
        "-keyout", scratch / "k", "-out", scratch / "dropped.pem", "-days", "30")
    der = scratch / "dropped.der"
    run("openssl", "x509", "-in", scratch / "dropped.pem", "-outform", "der", "-out", der)
    shutil.copy(der, server.state / "trust/add/dropped.der")
    has = lambda: any("Dropped Root" in c["subject"] for c in server.json("trust", "list")["certificates"])
    wait_for(has)
    text = (scratch / "dropped.pem").read_bytes().replace(b"\n", b"\r\n")
    (server.state / "trust/delete/dropped.pem").write_bytes(text)
    wait_for(lambda: not has())
    assert events(server, "trust.add") and events(server, "trust.remove")
