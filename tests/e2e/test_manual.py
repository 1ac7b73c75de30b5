"""The manual pages and the protocol documents say what the programs do.

Nothing here is compared with a copy: pages with what --help prints, keys with
what the configuration parser takes, routes and frames with the tables in the
source, the forms of files with files that a real server has written.
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess

import pytest

from conftest import BIN, ROOT, run

MAN = ROOT / "docs/man"
DOCS = ROOT / "docs"
PAGES = sorted(p.name[:-4] for p in MAN.glob("*.scd"))
# nouns without verbs share a page
SHARED = {"ignite": "signet-status.1", "status": "signet-status.1",
          "issue": "signet-issue.1", "revoke": "signet-issue.1",
          "hold": "signet-issue.1", "release": "signet-issue.1",
          "certs": "signet-issue.1"}
LONG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])")


def page_of(noun):
    return SHARED.get(noun, f"signet-{noun}.1")


def text_of(page):
    return (MAN / f"{page}.scd").read_text()


def said(*argv):
    return run(*argv).stdout.decode()


def all_commands():
    """[(noun, verb or "")] as `signet --help` lists them."""
    out = []
    for line in said(BIN / "signet", "--help").splitlines():
        m = re.match(r"  ([a-z]+)(?: ([a-z][a-z-]*))? {2,}\S", line)
        if m:
            out.append((m[1], m[2] or ""))
    return out


COMMANDS = all_commands()
NOUNS = list(dict.fromkeys(n for n, _ in COMMANDS))
VERBS = [f"{n} {v}".strip() for n, v in COMMANDS]


def options_of_help(text, title):
    """{name: takes a value} of the block with this title."""
    m = re.search(rf"^{title}:\n((?: .*\n)+)", text, re.M)
    return {n: bool(a) for n, a in re.findall(
        r"^  (?:-\w, |    )--([a-z-]+)( \S+)?", m[1], re.M)} if m else {}


def options_of_page(text):
    """{name: takes a value} of the lines that define options: their text is
    indented below."""
    out = {}
    for line in re.findall(r"^(\*-.*)\n\t", text, re.M):
        out.update((n, bool(a)) for n, a in re.findall(
            r"\*--([a-z-]+)\*( _[^_]+_)?", line))
    return out


def sections(text, mark):
    """{title: text} of the headings with this mark."""
    parts = re.split(rf"^{mark} (.*)\n", text, flags=re.M)
    return {t: re.split(r"^# ", b, flags=re.M)[0]
            for t, b in zip(parts[1::2], parts[2::2])}


def section_of(command):
    """The part of the noun's page that describes this command."""
    page = text_of(page_of(command.split()[0]))
    found = [b for t, b in sections(page, "##").items()
             if re.match(rf"signet {command}(?= [_\[]|$)", t)]
    assert len(found) == 1, f"{page_of(command.split()[0])} has " \
        f"{len(found)} sections \"## signet {command}\""
    return found[0]


@pytest.mark.parametrize("page", PAGES)
def test_pages_compile(page):
    out = subprocess.run(["scdoc"], input=text_of(page).encode(),
                         capture_output=True)
    assert out.returncode == 0, out.stderr
    seen = run("man", "--warnings=w", "-l", "-Tutf8", "-", input=out.stdout,
               env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"))
    # a wide table is no mistake
    wrong = [l for l in seen.stderr.decode().splitlines() if not re.search(
        r"can't break line|^warning: file|table wider", l)]
    assert not wrong
    name, _, chapter = page.rpartition(".")
    assert text_of(page).startswith(f"{name}({chapter})\n")
    assert re.search(r"^# NAME\n\n" + re.escape(name) + r"\b.* -(?: |$)",
                     text_of(page), re.M)


@pytest.mark.parametrize("page", PAGES)
def test_pages_refer_to_pages(page):
    others = {"systemd.service.5"}
    for name, chapter in re.findall(r"\*([\w.-]+)\*\((\d)\)", text_of(page)):
        assert f"{name}.{chapter}" in {*PAGES, *others}


def test_there_is_a_page_for_each_noun_and_no_other():
    wanted = {page_of(n) for n in NOUNS}
    assert {p for p in PAGES if p.startswith("signet-") and p.endswith(".1")} \
        == wanted
    front = text_of("signet.1")
    for noun in NOUNS:
        name = page_of(noun)[:-2]
        entry = re.search(rf"^\*{name}\*\(1\)\n\t(.*)", front, re.M)
        assert entry and re.search(rf"\b{noun}\b", entry[1]), noun


@pytest.mark.parametrize("noun", NOUNS)
def test_help_of_a_noun_lists_its_verbs(noun):
    text = said(BIN / "signet", noun, "--help")
    for verb in [v for n, v in COMMANDS if n == noun and v]:
        assert re.search(rf"^  {noun} {verb} ", text, re.M)


@pytest.mark.parametrize("command", VERBS)
def test_page_and_help_name_the_same_options(command):
    text = said(BIN / "signet", *command.split(), "--help")
    section = section_of(command)
    assert options_of_page(section) == options_of_help(text, "options")
    # -o and its like
    short = set(re.findall(r"^  (-\w), --(?!help)", text, re.M))
    assert set(re.findall(r"^\*(-\w)\*, \*--", section, re.M)) == short


@pytest.mark.parametrize("command", VERBS)
def test_synopsis_has_what_is_needed(command):
    usage = said(BIN / "signet", *command.split(), "--help").splitlines()[0]
    page = sections(text_of(page_of(command.split()[0])), "#")["SYNOPSIS"]
    lines = [l for l in page.splitlines()
             if re.match(rf"\*signet {command}\*", l)]
    assert len(lines) == 1
    line = lines[0]
    needed = LONG.findall(usage.split("[options]")[0])
    assert LONG.findall(line) == needed
    # as many arguments, optional ones in brackets, "..." for more
    want = usage.partition("[options]")[2]
    plain = re.sub(r"\*--[a-z-]+\* _\w+_", "", line).replace("[options]", "")
    assert len(re.findall(r"_\w+_", plain)) == \
        len(re.findall(r"[A-Z][A-Z:|]*", want))
    assert ("..." in plain) == ("..." in want)
    assert (re.search(r"\[_", plain) is None) == ("[" not in want)


@pytest.mark.parametrize("page", sorted({page_of(n) for n in NOUNS}))
def test_page_names_no_option_that_does_not_exist(page):
    known = {"help"}
    for command in VERBS:
        if page_of(command.split()[0]) == page:
            text = said(BIN / "signet", *command.split(), "--help")
            known |= options_of_help(text, "options").keys()
            known |= options_of_help(text, "common options").keys()
    assert set(LONG.findall(text_of(page))) <= known


def test_common_options():
    text = said(BIN / "signet", "status", "--help")
    common = options_of_help(text, "common options")
    page = sections(text_of("signet.1"), "#")["COMMON OPTIONS"]
    assert options_of_page(page) == {**common, "version": False}
    assert said(BIN / "signet", "--version").startswith("signet ")
    allowed = {*common, "version", "password-file", "force", "option",
               # in examples
               "name", "org"}
    assert {o.lower() for o in LONG.findall(text_of("signet.1"))} <= allowed


def test_exit_codes():
    """what signet(1) says about exit codes, by one example each"""
    page = sections(text_of("signet.1"), "#")["EXIT STATUS"]
    assert re.findall(r"^\*(\d)\*$", page, re.M) == ["0", "1", "2", "3"]
    data = ROOT / "tests/data/formats"
    for code, argv in (
            (0, ["cert", "show", data / "leaf.pem"]),
            (1, ["csr", "match", "--key", data / "ec.key", data / "leaf.pem"]),
            (2, ["cert", "show", "/nonexistent"]),
            (2, ["cert", "shwo"]),
            (3, ["--state", "/nonexistent", "status"])):
        p = run(BIN / "signet", *argv, check=False)
        assert p.returncode == code, (argv, p.stderr)


def test_signetd_options():
    text = said(BIN / "signetd", "--help")
    known = {}
    for line in text.splitlines():
        if line.startswith("  --"):
            known.update((n, bool(a)) for n, a in
                         re.findall(r"--([a-z-]+)( [A-Z:]+)?", line))
    page = text_of("signetd.8")
    assert options_of_page(sections(page, "#")["OPTIONS"]) == known
    example = sections(page, "#")["EXAMPLE"]
    assert set(LONG.findall(page.replace(example, ""))) == known.keys()


# --- members of --json ---

def members(o):
    if isinstance(o, dict):
        for k, v in o.items():
            yield k
            # a name's parts are data
            if k not in ("subject", "issuer"):
                yield from members(v)
    elif isinstance(o, list):
        for v in o:
            yield from members(v)


def test_members_of_cert_show():
    """every member of cert show --json stands in signet-cert(1), and
    every member named there is shown for some file"""
    page = sections(text_of("signet-cert.1"), "#")["JSON"]
    files = sorted(f for f in (ROOT / "tests/data/formats").iterdir()
                   if f.suffix not in (".sh", ".cnf"))
    out = run(BIN / "signet", "cert", "show", "--json", *files, check=False)
    shown = set(members(json.loads(out.stdout)))
    words = set(re.findall(r"\w+", re.sub(r"[*\"]", " ", page)))
    shown -= {"files", "code", "detail", "type", "title", "object", "rule",
              "fact", "remedy"}
    assert shown <= words, shown - words
    named = set()
    for line in page.splitlines():
        if re.match(r"\*\w+\*", line):
            named |= set(re.findall(r"\*(\w+)\*", line))
    # what no file of the test data has
    assert named - shown <= {"unreadable", "issuer_alt_names"}


# --- signet.yaml ---

def documented_keys():
    """{key: (type, text)}"""
    part = sections(text_of("signet.yaml.5"), "#")["KEYS"]
    found = re.split(r"^\*([\w.]+)\* \((.*)\)\n", part, flags=re.M)
    return {k: (t.split(",")[0], b)
            for k, t, b in zip(found[1::3], found[2::3], found[3::3])}


def schema_keys():
    """The keys of the schema in the source."""
    text = (ROOT / "src/os/config_yaml.c").read_text()
    blocks = dict(re.findall(
        r"cyaml_schema_field_t (\w+)_fields\[\] = \{(.*?)\n\};", text, re.S))
    keys = set()
    for group, body in blocks.items():
        for key in re.findall(r"(?:TEXT|NUMBER|YES_NO)\((\w+),", body):
            keys.add(key if group == "root" else f"{group}.{key}")
    groups = set(re.findall(r"GROUP\((\w+)\)", blocks["root"]))
    lists = set(re.findall(r"CYAML_FIELD_SEQUENCE\(\"(\w+)\"", blocks["root"]))
    assert {k.split(".")[0] for k in keys if "." in k} == groups | lists
    return keys | lists


KEYS = documented_keys()
GOOD = {"text": '"x"', "number": "7", "yes or no": "off"}
LEGAL = {"database": '"postgresql:///x"', "public_url": '"http://x.example"',
         "user": '"0"', "http": '"127.0.0.1:0"'}


def yaml_of(key, value):
    group, _, member = key.partition(".")
    if group == "scep":
        return f"scep:\n  - {member}: {value}\n" if member else \
            "scep:\n  - name: a\n"
    return f"{group}:\n  {member}: {value}\n" if member else \
        f"{key}: {value}\n"


def signetd_reads(scratch, text):
    """What signetd says about this file; it never gets to start: the address
    is judged last."""
    path = scratch / "signet.yaml"
    path.write_text(text)
    p = run(BIN / "signetd", "--state", scratch / "state", "--config", path,
            "--http", "nonsense", check=False)
    assert p.returncode == 2
    assert not (scratch / "state").exists()
    return p.stderr.decode()


ACCEPTED = '"nonsense" is not ADDRESS:PORT'


def test_every_key_of_the_schema_is_described():
    assert KEYS.keys() == schema_keys()


@pytest.mark.parametrize("key", KEYS)
def test_key_is_accepted(scratch, key):
    kind, text = KEYS[key]
    value = LEGAL.get(key) or GOOD.get(kind, "")
    assert ACCEPTED in signetd_reads(scratch, yaml_of(key, value))
    if kind == "number":
        assert ACCEPTED not in signetd_reads(scratch, yaml_of(key, "many"))
    if kind == "yes or no":
        assert ACCEPTED not in signetd_reads(scratch, yaml_of(key, "maybe"))


@pytest.mark.parametrize("key", [k for k in KEYS if k != "scep"])
def test_near_miss_of_a_key_is_refused(scratch, key):
    out = signetd_reads(scratch, yaml_of(key + "z", GOOD[KEYS[key][0]]))
    assert "unknown key" in out and key.split(".")[-1] + "z" in out


def range_of(text):
    m = re.search(r"(\d+)[\s]+to[\s]+(\d+)\.", text)
    if m:
        return int(m[1]), int(m[2])
    m = re.search(r"(\d+) at most", text)
    return (0, int(m[1])) if m else None


NUMBERS = [k for k in KEYS if KEYS[k][0] == "number"]


@pytest.mark.parametrize("key", NUMBERS)
def test_range_is_as_described(scratch, key):
    """the ends are judged together with the address: http comes first, so a
    good address is given here and the wrong user stops the start"""
    low, high = range_of(KEYS[key][1])
    path = scratch / "signet.yaml"

    def judged(value):
        path.write_text(yaml_of(key, value))
        p = run(BIN / "signetd", "--state", scratch / "state", "--config",
                path, "--http", "127.0.0.1:0", "--user", "no-such-user",
                check=False)
        return p.returncode, p.stderr.decode()

    for value in (low, high):
        code, text = judged(value)
        assert code == 1 and "no-such-user" in text, text
    for value in ({high + 1, low - 1} if low else {high + 1}):
        code, text = judged(value)
        assert code == 2 and key in text and str(value) in text, text


def test_the_example_is_a_configuration(scratch):
    example = sections(text_of("signet.yaml.5"), "#")["EXAMPLE"]
    text = re.search(r"```\n(.*?)```", example, re.S)[1]
    assert ACCEPTED in signetd_reads(scratch, text)


# --- /api/v1 ---

def source_routes():
    out = set()
    for f in (ROOT / "src/api").glob("*.c"):
        out |= set(re.findall(
            r'\{\s*"(GET|HEAD|POST|PUT|DELETE|PATCH)",\s*"(/api/v1[^"]*)"',
            f.read_text()))
    return out


def documented_routes():
    """{(method, path): text}"""
    text = (DOCS / "PROTOCOL.api.md").read_text()
    parts = re.split(r"^### ([A-Z]+) (/\S+)\n", text, flags=re.M)
    return {(m, p): b for m, p, b in
            zip(parts[1::3], parts[2::3], parts[3::3])}


def test_every_route_is_described_and_no_other():
    assert len(source_routes()) > 40
    assert documented_routes().keys() == source_routes()


def test_every_member_that_is_read_is_described():
    """query arguments and members of bodies"""
    text = (DOCS / "PROTOCOL.api.md").read_text()
    words = set(re.findall(r"`(\w+)`", text))
    for f in (ROOT / "src/api").glob("*.c"):
        code = f.read_text()
        names = re.findall(r'api_query\(r, "(\w+)"\)', code)
        names += re.findall(r'api_(?:text|bytes)\(\s*a, r, "(\w+)"', code)
        names += re.findall(
            r'json_get(?:0_text|_bool|_int)\((?:r->json|b), "(\w+)"', code)
        assert set(names) <= words, (f.name, set(names) - words)


def test_routes_answer_as_described(server):
    """each route is there on the socket: a documented one is never "no such
    resource", another method is 405"""
    socket = server.ready["socket"]

    def ask(method, path):
        out = run("curl", "-s", "--unix-socket", socket, "-X", method,
                  "http://localhost" + path, "-w", "\n%{http_code}").stdout
        body, _, code = out.decode().rpartition("\n")
        return int(code), body

    for method, path in sorted(documented_routes()):
        if method != "GET" or "{" in path:
            continue
        code, body = ask(method, path)
        assert code == 200, (path, body)
    code, body = ask("PATCH", "/api/v1/ca")
    problem = json.loads(body)
    assert code == problem["status"] == 405
    code, body = ask("GET", "/api/v1/nothing")
    problem = json.loads(body)
    assert code == problem["status"] == 404
    assert problem["type"] == "urn:signet:error:" + problem["title"]
    assert {"type", "title", "detail", "status", "object", "fact"} <= \
        problem.keys()


# --- frames between processes ---

def enum_values(header, name):
    """{text: number} of a C enum."""
    text = (ROOT / "src" / header).read_text()
    body = re.search(rf"enum {name} \{{(.*?)\}};", text, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    out, number = {}, 0
    for part in body.split(","):
        m = re.match(r"\s*(\w+)\s*(?:=\s*(\d+))?\s*$", part)
        if m:
            number = int(m[2]) if m[2] else number
            out[m[1]] = number
            number += 1
    return {k: v for k, v in out.items() if v}


def test_every_frame_is_described():
    text = (DOCS / "PROTOCOL.ipc.md").read_text()
    table = {n: int(v) for v, n in
             re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", text, re.M)}
    assert table == {**enum_values("ipc/control.h", "control_type"),
                     **enum_values("key/key_msg.h", "key_op"),
                     **enum_values("enroll/enrolment.h", "enrol_frame"),
                     **enum_values("api/api.h", "api_frame")}
    roles = enum_values("ipc/worker.h", "role")
    assert ", ".join(f"{v} {k[5:].lower()}" for k, v in roles.items()) in text
    methods = enum_values("net/http_server.h", "http_method")
    assert ", ".join(f"{v} {k[5:]}" for k, v in methods.items()) in text


# --- files ---

def test_state_directory_is_as_described(server):
    """every file of a running server stands in the table"""
    text = (DOCS / "PROTOCOL.store.md").read_text()
    known = ["ignited", r"signet\.db(-wal|-shm|\.lock)?", "key", "key/seal",
             r"key/seal\.key", r"key/[a-z0-9-]+\.key", "key/checkpoint",
             "profiles", "trust", "trust/(add|delete)(/(done|refused))?",
             "run", "run/lock", r"run/signet\.sock"]
    for name in ("ignited", "signet.db", "signet.db.lock", "key/seal",
                 "key/seal.key", "key/ID.key", "key/checkpoint",
                 "trust/add/", "trust/delete/", "run/lock",
                 "run/signet.sock"):
        assert f"`{name}`" in text, name
    for f in server.state.rglob("*"):
        name = str(f.relative_to(server.state))
        assert any(re.fullmatch(k, name) for k in known), name


def test_sealed_files_are_as_described(server):
    folder = server.state / "key"
    seal = (folder / "seal").read_bytes()
    magic, version, source, passes, memory, salt, check = \
        struct.unpack(">8sBBIQ16s32s", seal)
    assert (magic, version, source) == (b"SGNTSEAL", 1, 3)
    assert len((folder / "seal.key").read_bytes()) == 32
    # the machine's seal, and the check value, once more in Python
    def field(b):
        return struct.pack(">I", len(b)) + b
    try:
        machine = pathlib.Path("/etc/machine-id").read_bytes()
    except OSError:
        machine = b""
    key = hashlib.blake2b(
        field(b"signet-seal-machine-1") + field(salt) + field(machine),
        key=(folder / "seal.key").read_bytes(), digest_size=32).digest()
    assert check == hashlib.blake2b(b"signet-seal-check-1", key=key,
                                    digest_size=32).digest()
    sealed = [f for f in folder.glob("*.key") if f.name != "seal.key"]
    assert len(sealed) == 4  # root, issuing, RA, ledger
    for f in sealed:
        assert f.read_bytes().startswith(b"SGNTKEY1")


def test_ledger_is_as_described(server, scratch):
    """the exported ledger, hashed once more by other means, and its
    checkpoints, verified by openssl"""
    import sqlite3
    import time

    server.signet("entity", "add", "phone-1")
    events = [json.loads(l) for l in
              server.signet("audit", "export").stdout.decode().splitlines()]
    previous, hashes = bytes(32), {}
    for n, e in enumerate(events, 1):
        assert e["seq"] == n
        when = int(time.mktime(time.strptime(e["time"], "%Y-%m-%dT%H:%M:%SZ"))
                   - time.timezone)
        previous = hashlib.sha256(
            b"signet-ledger-1" + previous + struct.pack(">QQ", n, when)
            + e["body"].encode()).digest()
        assert previous.hex() == e["hash"]
        hashes[n] = previous
    server.stop()
    db = sqlite3.connect(server.state / "signet.db")
    spki = db.execute(
        "SELECT value FROM settings WHERE name = 'ledger.spki'").fetchone()[0]
    (scratch / "key.pem").write_text(
        "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(spki).decode()
        + "\n-----END PUBLIC KEY-----\n")
    rows = db.execute("SELECT seq, time, hash, sig FROM checkpoints").fetchall()
    db.close()
    assert rows
    for seq, when, digest, sig in rows:
        if seq in hashes:
            assert digest == hashes[seq]
        (scratch / "text").write_bytes(
            b"signet-checkpoint-1" + struct.pack(">Q", seq) + digest
            + struct.pack(">Q", when))
        (scratch / "sig").write_bytes(sig)
        run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey",
            scratch / "key.pem", "-rawin", "-in", scratch / "text",
            "-sigfile", scratch / "sig")
