"""Authorities and certificates by hand (CA-1, CA-2, CA-3, CERT-4, CERT-6, CERT-10,
ENR-1, ENR-8, ENR-14), judged by openssl and keytool."""
import json

from conftest import Server, run
from scep_clients import chain_files, fetch_ca, openssl_accepts, strongswan
from test_scep import entity, events, serial_of


def issue_by_csr(server, scratch, cn, profile="identity"):
    key, csr, out = scratch / f"{cn}.key", scratch / f"{cn}.csr", scratch / f"{cn}.pem"
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={cn}",
        "-addext", f"subjectAltName=DNS:{cn}", "-keyout", key, "-out", csr)
    server.signet("issue", "--profile", profile, "--cn", cn, "--csr", csr, "-o", out)
    return out, key


# CA-2: renewing keeps what was issued: the new root alone verifies the old leaf
def test_renew_keeps_earlier_identities(any_server, scratch):
    cert, _ = issue_by_csr(any_server, scratch, "pbx1.example.com")
    (scratch / "old").mkdir()
    (scratch / "new").mkdir()
    old_root, old_rest = chain_files(any_server, scratch / "old")
    assert openssl_accepts(cert, old_root, old_rest).returncode == 0
    any_server.signet("ca", "renew")
    root, rest = chain_files(any_server, scratch / "new")
    assert root.read_text() != old_root.read_text()
    assert serial_of(root) != serial_of(old_root)
    assert openssl_accepts(cert, root, rest).returncode == 0
    assert openssl_accepts(cert, root, old_rest).returncode == 0  # the old issuing one too
    later, _ = issue_by_csr(any_server, scratch, "pbx2.example.com")
    assert openssl_accepts(later, root, rest).returncode == 0
    assert openssl_accepts(later, old_root, old_rest).returncode == 0


# CA-2: a new CA never replaces silently
def test_create_says_what_would_break_and_keeps_the_old(server, scratch):
    cert, _ = issue_by_csr(server, scratch, "pbx1.example.com")
    root, rest = chain_files(server, scratch)
    answer = server.json("ca", "create", "--name", "Second")
    assert answer["would_break"]["certificates"] >= 1
    assert "signet ca activate" in answer["next_step"]
    states = {a["id"]: a["state"] for a in server.json("ca", "list")["authorities"]}
    assert sorted(states.values()).count("current") == 2 and "next" in states.values()
    # still the old one issues
    second, _ = issue_by_csr(server, scratch, "pbx2.example.com")
    assert openssl_accepts(second, root, rest).returncode == 0
    nxt = [i for i, st in states.items() if st == "next" and i.startswith("issuing")][0]
    server.signet("ca", "activate", nxt)
    states = {a["id"]: a["state"] for a in server.json("ca", "list")["authorities"]}
    assert "retired" in states.values()
    third, _ = issue_by_csr(server, scratch, "pbx3.example.com")
    assert openssl_accepts(third, root, rest).returncode != 0
    subjects = [c["subject"] for c in server.json("trust", "list")["certificates"]]
    assert any("Example Telephony Root" in s for s in subjects)  # the old root stays for trust
    assert any("Second Root" in s for s in subjects)


# CA-1: one level, no CA at all, and ignition only once
def test_single_level_and_no_ca(scratch):
    one = Server(scratch / "one")
    one.signet("ignite", "--name", "One", "--single-level")
    one.start()
    try:
        cert, _ = issue_by_csr(one, scratch, "leaf.example.com")
        root, rest = chain_files(one, scratch)
        assert rest.read_text() == ""
        assert openssl_accepts(cert, root, rest).returncode == 0
        code, words = one.refused("ignite", "--name", "Again")
        assert code == 1 and "already" in words
    finally:
        one.stop()
    none = Server(scratch / "none")
    none.signet("ignite", "--no-ca")
    none.start()
    try:
        assert none.json("ca", "list")["authorities"] == []
        code, words = none.refused("issue", "--profile", "identity", "--cn", "x", "--csr", scratch / "leaf.example.com.csr",
                                   "-o", scratch / "x.pem")
        assert code == 1 and "ca" in words.lower()
    finally:
        none.stop()


# CA-1 approach 2: an outside CA's intermediate as PKCS#12
def test_import_of_an_outside_intermediate(scratch):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Outside Root",
        "-keyout", scratch / "or.key", "-out", scratch / "or.pem", "-days", "3650",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Outside Issuing",
        "-keyout", scratch / "oi.key", "-out", scratch / "oi.csr")
    (scratch / "ext").write_text("basicConstraints=critical,CA:TRUE,pathlen:0\n"
                                 "keyUsage=critical,keyCertSign,cRLSign,digitalSignature\n"
                                 "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    run("openssl", "x509", "-req", "-in", scratch / "oi.csr", "-CA", scratch / "or.pem", "-CAkey", scratch / "or.key",
        "-set_serial", "17", "-days", "1800", "-extfile", scratch / "ext", "-out", scratch / "oi.pem")
    run("openssl", "pkcs12", "-export", "-in", scratch / "oi.pem", "-inkey", scratch / "oi.key", "-certfile",
        scratch / "or.pem", "-passout", "pass:Outside-2026-xq", "-out", scratch / "oi.p12")
    (scratch / "pw").write_text("Outside-2026-xq\n")
    s = Server(scratch / "state")
    s.signet("ignite", "--import-ca", scratch / "oi.p12", "--password-file", scratch / "pw")
    s.start()
    try:
        cert, _ = issue_by_csr(s, scratch, "via-outside.example.com")
        assert run("openssl", "verify", "-CAfile", scratch / "or.pem", "-untrusted", scratch / "oi.pem",
                   cert).returncode == 0
    finally:
        s.stop()


# ENR-8: PKCS#10 by hand: upload, review, approve, download
def test_csr_by_hand(server, scratch):
    key, csr = scratch / "h.key", scratch / "h.csr"
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=aes.example.com", "-keyout", key,
        "-out", csr)
    up = server.json("request", "upload", csr, "--profile", "identity")
    assert up["state"] == "pending"
    assert server.json("request", "show", str(up["id"]))["subject"] == "CN=aes.example.com"
    server.signet("request", "approve", str(up["id"]))
    out = scratch / "h.pem"
    server.signet("request", "download", str(up["id"]), "-o", out)
    root, rest = chain_files(server, scratch)
    assert openssl_accepts(out, root, rest).returncode == 0
    again = server.json("request", "upload", csr, "--profile", "identity", check=False)
    assert again.get("id") in (up["id"], None)
    assert len(server.json("certs")["certificates"]) == 1


# ENR-1, CERT-3, CERT-4: keystores made where the key is; keytool and openssl open them
def test_keystore_tokens(server, scratch):
    (scratch / "pw").write_text("Quiet-Phone-2026\n")
    for kind, suffix in (("p12", "p12"), ("jks", "jks")):
        out = scratch / f"token.{suffix}"
        server.signet("issue", "--profile", "identity", "--cn", f"{kind}.example.com", "--key", "rsa2048",
                      "--password-file", scratch / "pw", "-o", out)
        listed = run("keytool", "-list", "-v", "-keystore", out, "-storepass", "Quiet-Phone-2026").stdout.decode()
        assert "PrivateKeyEntry" in listed and "Certificate chain length: 3" in listed
    run("openssl", "pkcs12", "-in", scratch / "token.p12", "-passin", "pass:Quiet-Phone-2026", "-noout")
    (scratch / "weak").write_text("abc\n")
    code, words = server.refused("issue", "--profile", "identity", "--cn", "weak.example.com", "--key", "rsa2048",
                                 "--password-file", scratch / "weak", "-o", scratch / "weak.p12")
    assert code in (1, 2) and "password" in words.lower()
    assert not (scratch / "weak.p12").exists()


# revocation: state, CRL, hold and release, as openssl sees it
def test_revocation_reaches_the_crl(any_server, scratch):
    cert, _ = issue_by_csr(any_server, scratch, "gone.example.com")
    keep, _ = issue_by_csr(any_server, scratch, "stays.example.com")
    root, rest = chain_files(any_server, scratch)
    authority = [a for a in any_server.json("ca", "list")["authorities"] if a["kind"] == "issuing"][0]["id"]

    def verdict(which):
        crl = scratch / "ca.crl"
        run("curl", "-sSf", "-o", scratch / "ca.der", f"{any_server.http}/crl/{authority}.crl")
        run("openssl", "crl", "-inform", "der", "-in", scratch / "ca.der", "-out", crl)
        return openssl_accepts(which, root, rest, "-crl_check", "-CRLfile", crl).returncode == 0

    assert verdict(cert) and verdict(keep)
    any_server.signet("hold", serial_of(cert))
    assert not verdict(cert)
    any_server.signet("release", serial_of(cert))
    assert verdict(cert)
    any_server.signet("revoke", serial_of(cert), "--reason", "keyCompromise")
    assert not verdict(cert) and verdict(keep)
    code, _ = any_server.refused("release", serial_of(cert))
    assert code == 1
    code, words = any_server.refused("revoke", "00ff00", "--reason", "keyCompromise")
    assert code == 1 and words
    state = [c["state"] for c in any_server.json("certs")["certificates"] if c["serial"] == serial_of(cert)]
    assert state == ["revoked"]


# CA-2: export under a password, backup, restore on another server
def test_export_backup_restore(server, scratch):
    (scratch / "pw").write_text("Long-Winter-Night-7\n")
    cert, _ = issue_by_csr(server, scratch, "before.example.com")
    issuing = [a for a in server.json("ca", "list")["authorities"] if a["kind"] == "issuing"][0]["id"]
    server.signet("ca", "export", issuing, "-o", scratch / "ca.p12", "--password-file", scratch / "pw")
    out = run("openssl", "pkcs12", "-in", scratch / "ca.p12", "-passin", "pass:Long-Winter-Night-7", "-nodes").stdout
    assert b"PRIVATE KEY" in out
    server.signet("ca", "backup", "-o", scratch / "backup", "--password-file", scratch / "pw")
    assert b"PRIVATE KEY" not in (scratch / "backup").read_bytes()
    other = Server(scratch / "other").start()
    try:
        other.signet("ca", "restore", scratch / "backup", "--password-file", scratch / "pw")
        later, _ = issue_by_csr(other, scratch, "after.example.com")
        (scratch / "o").mkdir()
        root, rest = chain_files(server, scratch / "o")
        assert openssl_accepts(later, root, rest).returncode == 0
    finally:
        other.stop()
    assert events(server, "ca.export") and events(server, "ca.backup")


# CA-3: a profile of one's own; refusals name file, line and key
def test_own_profile(server, scratch):
    good = server.signet("profile", "show", "phone", "--yaml").stdout
    mine = scratch / "doorphone.yaml"
    mine.write_bytes(good)
    server.signet("profile", "add", "doorphone", mine)
    assert "doorphone" in {p["name"] for p in server.json("profile", "list")["profiles"]}
    cert, _ = issue_by_csr(server, scratch, "door.example.com", "doorphone")
    mine.write_bytes(good + b"\nfrobnicate: 7\n")
    code, words = server.refused("profile", "edit", "doorphone", mine)
    assert code in (1, 2) and "frobnicate" in words
    code, words = server.refused("profile", "remove", "phone")
    assert code == 1 and words
