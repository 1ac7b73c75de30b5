"""signet cert and csr without a server, against openssl and keytool.

CERT-1 fields, CERT-2 reading, CERT-3 writing, CERT-4 requests, CERT-5 weak
ones, CERT-8 names. Every command is the real program.
"""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SIGNET_BIN", ROOT / "build/bin"))
DATA = ROOT / "tests/data/formats"
SEEDS = pathlib.Path("/work/shared/seeds")
PASSWORD = "Kite-72-harbor"


def signet(*argv, code=0, **kw):
    p = subprocess.run(
        [BIN / "signet", *map(str, argv)], capture_output=True, text=True,
        stdin=kw.pop("stdin", subprocess.DEVNULL), timeout=60,
        start_new_session=True, **kw)
    assert p.returncode == code, (argv, p.returncode, p.stdout, p.stderr)
    return p


def show(*argv, code=0):
    return json.loads(signet("cert", "show", "--json", *argv, code=code).stdout)


def openssl(*argv, **kw):
    return subprocess.run(["openssl", *map(str, argv)], check=True,
                          capture_output=True, text=True, **kw).stdout


def keytool(*argv):
    p = subprocess.run(["keytool", "-J-Duser.language=en", *map(str, argv)],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr
    return p.stdout


@pytest.fixture
def pw(tmp_path):
    f = tmp_path / "pw"
    f.write_text(PASSWORD + "\n")
    return f


def colon(text):
    return text.strip().split("=")[-1].lower()


CERTS = ["leaf.pem", "ca.pem", "weak.pem", "bulletin-1.pem", "bulletin-2.pem",
         "bulletin-3.pem"]


@pytest.mark.parametrize("name", CERTS)
def test_cert1_fields_as_openssl_sees_them(name):
    """CERT-1"""
    f = DATA / name
    o = show(f)["files"][0]["objects"][0]
    text = openssl("x509", "-in", f, "-noout", "-text")

    def x509(*a):
        return openssl("x509", "-in", f, "-noout", *a)

    assert colon(x509("-fingerprint", "-sha1")) == o["sha1"]
    assert colon(x509("-fingerprint", "-sha256")) == o["sha256"]
    serial = x509("-serial").split("=")[1].strip().lower()
    assert int(serial, 16) == int(o["serial"], 16)
    for key, option in ("not_before", "-startdate"), ("not_after", "-enddate"):
        when = time.strptime(x509(option).split("=")[1].strip(),
                             "%b %d %H:%M:%S %Y GMT")
        assert time.strftime("%Y-%m-%dT%H:%M:%SZ", when) == o[key]
    assert f"Version: {o['version']} " in text
    assert f"Signature Algorithm: {o['signature_algorithm']}" in text
    assert f"({o['public_key']['bits']} bit)" in text
    for who in "subject", "issuer":
        line = x509(f"-{who}", "-nameopt", "multiline,utf8")
        values = re.findall(r"= (.*)", line)
        ours = [v for k, v in o[who].items() if k != "text"]
        assert sorted(values) == sorted(ours)
    for uri in o.get("crl_urls", []) + o.get("ocsp_urls", []) + \
            o.get("issuer_urls", []):
        assert f"URI:{uri}" in text
    names = {"subjectKeyIdentifier": "subject_key_id",
             "authorityKeyIdentifier": "authority_key_id"}
    for ext, key in names.items():
        found = re.findall(r"((?:[0-9A-F]{2}:){19}[0-9A-F]{2})",
                           x509("-ext", ext))
        assert ([o[key]] if key in o else []) == [v.lower() for v in found]
    critical = len(re.findall(r"X509v3 .*: critical", text))
    assert critical == sum(e["critical"] for e in o["extensions"])
    if "san" in o:
        line = x509("-ext", "subjectAltName").splitlines()[1]
        theirs = line.strip().replace("IP Address:", "IP:") \
            .replace("email:", "EMAIL:").replace("Registered ID:", "RID:") \
            .replace("DirName:/CN=other", "DirName:CN=other") \
            .replace("2001:DB8:0:0:0:0:0:1", "2001:db8::1")
        assert theirs.split(", ") == o["san"]


def test_cert1_text_names_every_field():
    """CERT-1"""
    out = signet("cert", "show", DATA / "leaf.pem").stdout
    for label in ("Version", "Serial number", "Signature algorithm", "Issuer",
                  "Subject", "Issued by", "Issued to", "Valid from", "Valid to",
                  "Alternative names", "Extended key usage", "Key usage",
                  "Subject type", "Subject key id", "Authority key id",
                  "Public key", "SHA-1 thumbprint", "SHA-256 thumbprint"):
        assert f"  {label} " in out
    assert "\033" not in out


def test_cert2_bulletin_is_three_certificates():
    """CERT-2, PSN006362u: three, and the dropped lines by number"""
    f = show(DATA / "bulletin.txt")["files"][0]
    want = [colon(openssl("x509", "-in", DATA / f"bulletin-{i}.pem", "-noout",
                          "-fingerprint", "-sha256")) for i in (1, 2, 3)]
    assert [o["sha256"] for o in f["objects"]] == want
    dropped = [n["line"] for n in f["notes"] if "https://" in n["text"]]
    assert dropped == [17, 18, 19, 20]
    assert not any(n["refused"] for n in f["notes"])


@pytest.mark.skipif(not SEEDS.is_dir(), reason="source documents not here")
def test_cert2_documents_as_published():
    """CERT-2: the bulletin and the guidelines as a whole"""
    f = show(SEEDS / "PSN006362u-push-notification-ca-change.txt")["files"][0]
    assert [o["line"] for o in f["objects"]] == [69, 109, 141]
    assert [n["line"] for n in f["notes"] if "http" in n["text"]] == \
        [83, 84, 85, 86]
    f = show(SEEDS / "ip-office-security-guidelines.txt")["files"][0]
    assert len(f["objects"]) == 9
    assert not any(n["refused"] for n in f["notes"])


def test_cert2_extension_does_not_matter(tmp_path, pw):
    """CERT-2: whatever the file's extension says"""
    for name, kind in (("new.p12", "p12"), ("old.p12", "p12"),
                       ("new.jks", "jks"), ("leaf.der", "der"),
                       ("chain.p7b", "p7"), ("leaf.pem", "pem")):
        f = tmp_path / "file.txt"
        f.write_bytes((DATA / name).read_bytes())
        got = show("--password-file", pw, f)["files"][0]
        assert got["format"] == kind and got["objects"]


def test_cert2_lost_objects_are_told(tmp_path):
    """CERT-2: exit 1 when an object, 2 when a whole file is not readable"""
    good = (DATA / "leaf.pem").read_text()
    lines = good.splitlines()
    f = tmp_path / "half.pem"
    f.write_text("\n".join(lines[:5] + lines[6:]) + "\n" + good)
    got = show(f, code=1)["files"][0]
    assert len(got["objects"]) == 1
    assert got["notes"][0] == {"line": 1, "refused": True,
                               "text": got["notes"][0]["text"]}
    (tmp_path / "junk").write_text("nothing\n")
    p = signet("cert", "show", "--json", tmp_path / "junk", DATA / "leaf.pem",
               code=2)
    files = json.loads(p.stdout)["files"]
    assert files[0]["error"]["title"] == "malformed"
    assert len(files[1]["objects"]) == 1
    assert json.loads(p.stderr)["exit"] == 2
    assert "keytool" in signet("cert", "show", DATA / "trust.jceks",
                               code=2).stderr


def test_cert5_weak_is_shown_not_made(tmp_path, pw):
    """CERT-5"""
    assert "RSA key below 2048 bits" in \
        show(DATA / "weak.pem")["files"][0]["objects"][0]["weak"]
    for option in ("--key", "rsa1024"), ("--hash", "sha1"), ("--hash", "md5"):
        p = signet("csr", "new", "--cn", "a.example.com", *option,
                   "--password-file", pw, "-o", tmp_path / "x",
                   "--key-out", tmp_path / "y", code=2)
        assert "CERT-5" in p.stderr
    assert not (tmp_path / "y").exists()


def convert(tmp_path, pw, to, *more):
    out = tmp_path / f"out.{to}"
    signet("cert", "convert", DATA / "leaf.pem", "--key", DATA / "rsa.key",
           "--chain", DATA / "ca.pem", "-o", out, "--password-file", pw, *more)
    return out


def test_cert3_p12_opens_with_openssl_and_java(tmp_path, pw):
    """CERT-3"""
    for more in [], ["--legacy"]:
        out = convert(tmp_path, pw, "p12", "--alias", "pbx1", "--force", *more)
        assert out.stat().st_mode & 0o777 == 0o600
        text = openssl("pkcs12", "-in", out, "-passin", f"file:{pw}", "-nodes")
        assert text.count("BEGIN CERTIFICATE") == 2
        assert "BEGIN PRIVATE KEY" in text and "friendlyName: pbx1" in text
        info = subprocess.run(["openssl", "pkcs12", "-in", out, "-passin",
                               f"file:{pw}", "-info", "-noout"],
                              capture_output=True, text=True).stderr
        assert ("TripleDES" in info) if more else \
            ("AES-256-CBC" in info and "hmacWithSHA256" in info and
             "MAC: sha256" in info)
        listing = keytool("-list", "-v", "-keystore", out, "-storetype",
                          "PKCS12", "-storepass", PASSWORD)
        assert "PrivateKeyEntry" in listing
        assert "Certificate chain length: 2" in listing


def test_cert3_jks_opens_with_keytool(tmp_path, pw):
    """CERT-3: and the key in it can be taken out by Java"""
    out = convert(tmp_path, pw, "jks")
    assert out.read_bytes()[:4].hex() == "feedfeed"
    listing = keytool("-list", "-v", "-keystore", out, "-storetype", "JKS",
                      "-storepass", PASSWORD)
    assert "PrivateKeyEntry" in listing
    assert "Certificate chain length: 2" in listing
    p12 = tmp_path / "java.p12"
    keytool("-importkeystore", "-srckeystore", out, "-srcstoretype", "JKS",
            "-srcstorepass", PASSWORD, "-destkeystore", p12,
            "-deststoretype", "PKCS12", "-deststorepass", PASSWORD)
    key = openssl("pkcs12", "-in", p12, "-passin", f"file:{pw}", "-nodes",
                  "-nocerts")
    assert openssl("pkey", "-pubout", input=key) == \
        (DATA / "rsa.pub").read_text()


def test_cert3_trust_stores_for_java(tmp_path, pw):
    """CERT-3: certificates alone are trusted entries"""
    for to, kind in ("p12", "PKCS12"), ("jks", "JKS"):
        out = tmp_path / f"trust.{to}"
        signet("cert", "convert", DATA / "ca.pem", "-o", out,
               "--password-file", pw)
        assert "trustedCertEntry" in keytool(
            "-list", "-keystore", out, "-storetype", kind, "-storepass",
            PASSWORD)


def test_cert3_p7_der_p8_pem(tmp_path, pw):
    """CERT-3"""
    p7 = convert(tmp_path, pw, "p7")
    text = openssl("pkcs7", "-inform", "DER", "-in", p7, "-print_certs")
    assert text.count("BEGIN CERTIFICATE") == 2
    p8 = convert(tmp_path, pw, "p8")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in p8.read_text()
    assert openssl("pkey", "-in", p8, "-passin", f"file:{pw}", "-pubout") == \
        (DATA / "rsa.pub").read_text()
    pem = convert(tmp_path, pw, "pem")
    assert pem.read_text().count("BEGIN CERTIFICATE") == 2
    assert "BEGIN ENCRYPTED PRIVATE KEY" in pem.read_text()
    der = tmp_path / "leaf.der"
    signet("cert", "convert", DATA / "leaf.pem", "-o", der)
    assert der.read_bytes() == (DATA / "leaf.der").read_bytes()
    p = signet("cert", "convert", DATA / "bulletin.txt", "-o",
               tmp_path / "three.der", code=2)
    assert "one object" in p.stderr


def test_cert3_order_and_mismatch(tmp_path, pw):
    """CERT-3, CERT-4: own certificate first; a foreign key is refused"""
    out = tmp_path / "o.p12"
    both = tmp_path / "both.pem"
    both.write_text((DATA / "ca.pem").read_text() +
                    (DATA / "leaf.pem").read_text())
    signet("cert", "convert", both, "--key", DATA / "rsa.key", "-o", out,
           "--password-file", pw)
    got = show("--password-file", pw, out)["files"][0]["objects"]
    assert [o.get("issued_to") for o in got[:2]] == \
        ["pbx1.example.com", "Test CA"]
    p = signet("cert", "convert", DATA / "leaf.pem", "--key", DATA / "ec.key",
               "-o", tmp_path / "n.p12", "--password-file", pw, code=1)
    assert "belongs to it" in p.stderr
    assert not (tmp_path / "n.p12").exists()


@pytest.mark.parametrize("bad,why", [
    ("short1A", "10 characters"), ("alllowercase", "three of"),
    ("Kite-1234-harbor", "sequence"), ("Kite-aaaa-harbor", "equal"),
    ("My-pbx1.example.com-7", "name")])
def test_cert3_password_policy(tmp_path, bad, why):
    """CERT-3: no key leaves under a weak password, and nothing is written"""
    f = tmp_path / "bad"
    f.write_text(bad + "\n")
    for to in "p12", "jks", "p8", "pem":
        out = tmp_path / f"o.{to}"
        p = signet("cert", "convert", DATA / "leaf.pem", "--key",
                   DATA / "rsa.key", "-o", out, "--password-file", f, code=2)
        assert why in p.stderr and bad not in p.stderr
        assert not out.exists()


def test_cert3_plain_only_when_told(tmp_path):
    """CERT-3"""
    out = tmp_path / "k.pem"
    argv = ["cert", "convert", DATA / "leaf.pem", "--key", DATA / "rsa.key",
            "-o", out]
    assert "--password-file" in signet(*argv, code=2).stderr
    assert not out.exists()
    p = signet(*argv, "--plain-key")
    assert "UNPROTECTED" in p.stderr
    assert "BEGIN PRIVATE KEY" in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    assert "--force" in signet(*argv, "--plain-key", code=1).stderr


KINDS = {"rsa2048": "2048 bit", "rsa3072": "3072 bit", "rsa4096": "4096 bit",
         "p256": "P-256", "p384": "P-384", "ed25519": "ED25519"}


@pytest.mark.parametrize("kind", KINDS)
def test_cert4_new_request(tmp_path, pw, kind):
    """CERT-4, CERT-8: every kind of key; openssl verifies the request"""
    csr, key = tmp_path / "a.csr", tmp_path / "a.key"
    signet("csr", "new", "--cn", "pbx1.example.com", "--san",
           "IP:192.0.2.1,DNS:alt.example.com,URI:sip:example.com,"
           "EMAIL:a@example.com", "--key", kind, "--subject",
           "O=Ex\\, Inc,C=DE", "-o", csr, "--key-out", key, "--password-file",
           pw)
    text = openssl("req", "-in", csr, "-noout", "-text", "-verify")
    assert KINDS[kind] in text
    assert "CN = pbx1.example.com" in text and 'O = "Ex, Inc"' in text
    assert "IP Address:192.0.2.1, DNS:pbx1.example.com, DNS:alt.example.com" \
        in text
    assert "URI:sip:example.com, email:a@example.com" in text
    assert "TLS Web Server Authentication" in text
    assert ("Key Encipherment" in text) == kind.startswith("rsa")
    assert key.stat().st_mode & 0o777 == 0o600
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    pub = openssl("pkey", "-in", key, "-passin", f"file:{pw}", "-pubout")
    assert pub == openssl("req", "-in", csr, "-noout", "-pubkey")
    got = json.loads(signet("csr", "show", "--json", csr).stdout)
    assert got["files"][0]["objects"][0]["signature_valid"] is True


@pytest.mark.parametrize("name,text", [
    ("sha256", "sha256With"), ("sha384", "sha384With"),
    ("sha512", "sha512With")])
def test_cert4_hashes_and_usages(tmp_path, pw, name, text):
    """CERT-4"""
    csr = tmp_path / "a.csr"
    signet("csr", "new", "--cn", "a.example.com", "--hash", name, "--ku",
           "digitalSignature,keyAgreement", "--eku", "clientAuth", "-o", csr,
           "--key-out", tmp_path / "k", "--password-file", pw)
    out = openssl("req", "-in", csr, "-noout", "-text")
    assert text in out and "Digital Signature, Key Agreement\n" in out
    assert "Client Authentication" in out and "Server Auth" not in out


@pytest.mark.parametrize("san,entry", [
    ("DNS:a.example.com,DNS:A.example.com", "example.com"),
    ("DNS:", "DNS"), ("DNS:a..b", "a..b"), ("IP:300.1.1.1", "300.1.1.1"),
    ("IP:192.0.2.1,IP:192.0.2.1", "192.0.2.1"), ("FOO:x", "FOO"),
    ("DNS:x.example.com,,DNS:y.example.com", "")])
def test_cert8_bad_names_are_named(tmp_path, pw, san, entry):
    """CERT-8: duplicate, empty, ill-formed; nothing is written"""
    p = signet("csr", "new", "--cn", "pbx.example.com", "--san", san, "-o",
               tmp_path / "a", "--key-out", tmp_path / "k", "--password-file",
               pw, code=2)
    assert entry in p.stderr
    assert not (tmp_path / "k").exists() and not (tmp_path / "a").exists()


def test_cert8_cn_that_is_no_host_name(tmp_path, pw):
    """CERT-8: no DNS name is made of it"""
    csr = tmp_path / "a.csr"
    signet("csr", "new", "--cn", "Front desk", "-o", csr, "--key-out",
           tmp_path / "k", "--password-file", pw)
    assert "DNS:" not in openssl("req", "-in", csr, "-noout", "-text")


def sign(csr, key, out):
    openssl("x509", "-req", "-in", csr, "-CA", DATA / "ca.pem", "-CAkey",
            DATA / "ca.key", "-days", "30", "-copy_extensions", "copyall",
            "-set_serial", "7", "-out", out)


def test_cert4_menu_of_chapter_32(tmp_path, pw):
    """CERT-4: fill in, view, add and delete names, generate, import; an answer
    made for another key is refused"""
    draft, csr, key = tmp_path / "d", tmp_path / "d.csr", tmp_path / "d.key"
    signet("csr", "draft", draft, "--cn", "pbx1.example.com", "--subject",
           "C=US,O=Tests", "--san", "IP:192.0.2.9")
    signet("csr", "san-add", draft, "DNS:x.example.com", "URI:sip:example.com")
    signet("csr", "san-add", draft, "DNS:x.example.com", code=2)
    signet("csr", "san-remove", draft, "IP:192.0.2.9")
    signet("csr", "san-remove", draft, "IP:192.0.2.9", code=1)
    view = json.loads(signet("csr", "view", "--json", draft).stdout)
    assert view["san"] == ["DNS:pbx1.example.com", "DNS:x.example.com",
                           "URI:sip:example.com"]
    assert view["cn"] == "pbx1.example.com" and view["key"] == "rsa2048"
    assert "x.example.com" in signet("csr", "view", draft).stdout
    signet("csr", "generate", draft, "-o", csr, "--key-out", key,
           "--password-file", pw)
    text = openssl("req", "-in", csr, "-noout", "-text", "-verify")
    assert "DNS:pbx1.example.com, DNS:x.example.com, URI:sip:example.com" \
        in text
    answer = tmp_path / "answer.pem"
    sign(csr, key, answer)
    keys = ["--key", key, "--key-password-file", pw]
    signet("csr", "match", *keys, answer)
    signet("csr", "match", *keys, csr)
    signet("csr", "match", *keys, DATA / "leaf.pem", code=1)
    out = tmp_path / "id.p12"
    p = signet("csr", "import", *keys, DATA / "leaf.pem", "-o", out,
               "--password-file", pw, code=1)
    assert "belongs to it" in p.stderr and not out.exists()
    signet("csr", "import", *keys, answer, "--chain", DATA / "ca.pem", "-o",
           out, "--password-file", pw)
    listing = keytool("-list", "-v", "-keystore", out, "-storepass", PASSWORD)
    assert "Certificate chain length: 2" in listing


def test_password_never_needs_argv(tmp_path, pw):
    """CLI: from standard input, too; no terminal and no file is an error"""
    with open(pw) as f:
        signet("cert", "show", "--password-file", "-", DATA / "new.p12",
               stdin=f)
    p = signet("cert", "show", DATA / "new.p12", code=2)
    assert "--password-file" in p.stderr


def test_unknown_words_teach():
    """CLI: exit 2, the nearest name and the next command"""
    p = signet("cert", "shwo", code=2)
    assert '"show"' in p.stderr and "signet cert --help" in p.stderr
    p = signet("crt", code=2)
    assert "signet --help" in p.stderr
    assert "usage: signet cert convert" in \
        signet("cert", "convert", "--help").stdout


def test_starts_fast():
    """CLI: a command line that answers at once"""
    best = 9.0
    for _ in range(5):
        start = time.monotonic()
        signet("--help")
        best = min(best, time.monotonic() - start)
    assert best < 0.25
