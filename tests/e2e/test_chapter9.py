"""CERT-6: the initial certificates of chapter 9 of the IP Office security guidelines,
field for field, as openssl shows them."""
import datetime
import re

from conftest import Server, BIN, run
from test_scep import serial_of

HOST = "ipoffice-00e00705918e.example.com"
PASSWORD = "Quiet-Phone-2026"
SUBJECT = {"CN": HOST, "O": "Example Inc", "OU": "GCS", "L": "Basking Ridge", "ST": "New Jersey", "C": "US",
           "emailAddress": "support@example.com"}
DAY = datetime.timedelta(days=1)


def text_of(pem):
    return run("openssl", "x509", "-in", pem, "-noout", "-text").stdout.decode()


def extensions(text):
    """{name as openssl prints it, ": critical" included: value}"""
    block = text.split("X509v3 extensions:\n")[1].split("    Signature Algorithm:")[0]
    return dict(re.findall(r"^ {12}(X509v3 .*?): ?((?:critical)?\n(?: {16}.*\n)+)", block, re.M))


def flat(extension):
    """(critical, value)"""
    first, _, rest = extension.partition("\n")
    return first == "critical", " ".join(rest.split())


def name_of(pem, which):
    out = run("openssl", "x509", "-in", pem, "-noout", f"-{which}", "-nameopt", "sep_multiline,sname").stdout.decode()
    return dict(l.strip().split("=", 1) for l in out.splitlines()[1:])


def dates_of(text):
    return [datetime.datetime.strptime(re.search(rf"Not {w} ?: (.*) GMT", text)[1], "%b %d %H:%M:%S %Y")
            for w in ("Before", "After")]


def self_signed(scratch, profile):
    (scratch / "pw").write_text(PASSWORD + "\n")
    out, pem = scratch / f"{profile}.p12", scratch / f"{profile}.pem"
    run(BIN / "signet", "cert", "self-sign", "--profile", profile, "--cn", HOST,
        "--san", f"DNS:{HOST},IP:192.0.2.1,IP:198.51.100.1",
        "--subject", "O=Example Inc,OU=GCS,L=Basking Ridge,ST=New Jersey,C=US,E=support@example.com",
        "-o", out, "--password-file", scratch / "pw")
    run("openssl", "pkcs12", "-in", out, "-passin", f"pass:{PASSWORD}", "-nokeys", "-clcerts", "-out", pem)
    return pem


def common(pem, days):
    """Version, serial, algorithm, names, key, dates and key identifier of all the tables."""
    text = text_of(pem)
    ext = {k: flat(v) for k, v in extensions(text).items()}
    assert "Version: 3 (0x2)" in text
    assert re.findall("Signature Algorithm: (.*)", text) == ["sha256WithRSAEncryption"] * 2
    assert 16 <= len(serial_of(pem)) / 2 <= 20
    assert "Public Key Algorithm: rsaEncryption" in text and "Public-Key: (2048 bit)" in text
    before, after = dates_of(text)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs(now - DAY - before) < datetime.timedelta(minutes=5)  # minus 24 hours
    assert after - before == days * DAY
    assert name_of(pem, "issuer") == name_of(pem, "subject")
    critical, key_id = ext.pop("X509v3 Subject Key Identifier")
    assert not critical and re.fullmatch("([0-9A-F]{2}:){19}[0-9A-F]{2}", key_id)
    return ext


# "IP500 V2 Initial Certificate Settings"
def test_standalone(scratch):
    pem = self_signed(scratch, "standalone")
    ext = common(pem, 825)
    assert name_of(pem, "subject") == SUBJECT
    assert ext == {
        "X509v3 Basic Constraints": (True, "CA:TRUE, pathlen:0"),
        "X509v3 Key Usage": (False, "Digital Signature, Non Repudiation, Key Encipherment, Data Encipherment, "
                                    "Key Agreement, Certificate Sign"),
        "X509v3 Extended Key Usage": (False, "TLS Web Server Authentication, TLS Web Client Authentication"),
        "X509v3 Subject Alternative Name": (False, f"DNS:{HOST}, IP Address:192.0.2.1, IP Address:198.51.100.1"),
    }
    assert run("openssl", "verify", "-CAfile", pem, pem).returncode == 0


# "Server Edition Secondary/Linux Expansion Initial Certificate Settings"
def test_standalone_secondary(scratch):
    pem = self_signed(scratch, "standalone-secondary")
    ext = common(pem, 730)
    assert name_of(pem, "subject") == SUBJECT
    assert ext == {"X509v3 Basic Constraints": (False, "CA:FALSE")}


# "Default IP Office CA Root Certificate": made at the ignition, kept by a renewal
def test_ipoffice_root(scratch):
    root = "ipoffice-root-pbx1.example.com"
    want = {
        "X509v3 Basic Constraints": (True, "CA:TRUE"),
        "X509v3 Key Usage": (False, "Digital Signature, Certificate Sign, CRL Sign"),
        "X509v3 Extended Key Usage": (False, "TLS Web Server Authentication, TLS Web Client Authentication"),
        "X509v3 Subject Alternative Name": (False, f"URI:{root}"),
    }
    s = Server(scratch / "state")
    s.signet("ignite", "--name", root, "--root-profile", "ipoffice-root", "--org", "Example Inc", "--org", "OU=GCS",
             "--org", "L=Basking Ridge", "--org", "ST=New Jersey", "--org", "C=US",
             "--org", "EMAIL=support@example.com")
    s.start()
    try:
        first, again = scratch / "root.pem", scratch / "again.pem"
        s.signet("ca", "show", "root-1", "-o", first)
        assert common(first, 3650) == want
        assert name_of(first, "subject") == {**SUBJECT, "CN": root}
        # what the estate's devices get below it is accepted by openssl
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pbx1.example.com",
            "-keyout", scratch / "k", "-out", scratch / "csr")
        s.signet("issue", "--profile", "ipoffice", "--cn", "pbx1.example.com", "--csr", scratch / "csr",
                 "-o", scratch / "leaf.pem")
        for purpose in ("sslserver", "sslclient"):
            run("openssl", "verify", "-purpose", purpose, "-x509_strict", "-CAfile", first,
                "-untrusted", scratch / "leaf.pem", scratch / "leaf.pem")
        s.signet("ca", "renew")
        s.signet("ca", "show", "root-1", "-o", again)
        assert common(again, 3650) == want and serial_of(again) != serial_of(first)
        # beside it, one as usual; and one under a name that is no host's
        s.signet("ca", "create", "--name", "Plain")
        s.signet("ca", "show", "root-2", "-o", scratch / "plain.pem")
        assert "X509v3 Extended Key Usage" not in extensions(text_of(scratch / "plain.pem"))
        s.signet("ca", "create", "--name", "Second Phones", "--root-profile", "ipoffice-root")
        s.signet("ca", "show", "root-3", "-o", scratch / "third.pem")
        assert "URI:Second%20Phones%20Root%20CA" in text_of(scratch / "third.pem")
        for wrong in (["--root-profile", "phone"], ["--root-profile", "nothing"],
                      ["--root-profile", "ipoffice-root", "--key", "p256"],
                      ["--root-profile", "issuing-ca"]):
            code, words = s.refused("ca", "create", "--name", "Wrong", *wrong)
            assert code in (1, 2) and wrong[1] in words
        assert len(s.json("ca", "list")["authorities"]) == 6
    finally:
        s.stop()
