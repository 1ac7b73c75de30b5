"""What the command line says when the server cannot be reached or does not answer:
the socket and the remedy, and never a wait of minutes."""
import json
import os
import signal
import time

import pytest

from conftest import BIN, Server, run


def test_no_server_is_said_with_socket_and_remedy(scratch):
    state = scratch / "state"
    for folder in (None, state, state / "run"):
        if folder:
            folder.mkdir()
        p = run(BIN / "signet", "--state", state, "status", check=False)
        words = p.stderr.decode()
        assert p.returncode == 3 and p.stdout == b""
        assert f"{state}/run/signet.sock" in words
        assert f"signetd --state {state}" in words
        assert "localhost" not in words and "port" not in words
    p = run(BIN / "signet", "--state", state, "status", "--json", check=False)
    assert json.loads(p.stderr)["exit"] == 3


def test_a_silent_server_is_not_waited_for(server):
    core = [p for p, n in server.pids().items() if n == "signet-core"][0]
    os.kill(core, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        code, words = server.refused("status", "--timeout", "1")
        assert code == 3 and time.monotonic() - begun < 10
        assert "within 1 s" in words and "signet.sock" in words and "localhost" not in words
        code, words = server.refused("entity", "add", "pbx1", "--timeout", "1")
        assert code == 3 and "audit list" in words  # it may have been done
    finally:
        os.kill(core, signal.SIGCONT)
    for bad in ("0", "x", "99999"):
        code, words = server.refused("status", "--timeout", bad)
        assert code == 2 and "--timeout" in words


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another account")
def test_another_account_is_told_whom_to_use(server):
    p = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BIN / "signet", "--state", server.state,
            "status", check=False, env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"})
    words = p.stderr.decode()
    assert p.returncode in (1, 3), words
    assert "account" in words and "root" in words


# CA-2: what is here already is not imported a second time
def test_an_authority_is_imported_once(server, scratch):
    (scratch / "pw").write_text("Long-Winter-Night-7\n")
    server.signet("ca", "export", "issuing-1", "-o", scratch / "i.p12", "--password-file", scratch / "pw")
    code, words = server.refused("ca", "import", scratch / "i.p12", "--password-file", scratch / "pw")
    assert code == 1 and "issuing-1" in words
    assert len(server.json("ca", "list")["authorities"]) == 2


# CERT-10: every text says what was changed and what to do next, and none is JSON
def test_texts_name_the_change_and_the_next_step(server, scratch):
    said = lambda *a: server.signet(*a).stdout.decode()
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pbx1.example.com",
        "-keyout", scratch / "k", "-out", scratch / "csr")
    assert "next step      signet request approve 1" in said("request", "upload", scratch / "csr")
    assert "requests       1 pending: signet request list" in said("status")
    approved = said("request", "approve", "1", "--profile", "identity")
    assert "extended key usage added: serverAuth, clientAuth (identity)" in approved
    assert "O: Example (names.org_from_estate)" in approved
    assert "next step      signet request download 1 -o FILE" in approved
    assert "next step" in said("entity", "add", "phone-1")
    assert "CRL number" in said("ca", "crl", "issuing-1")
    created = said("ca", "create", "--name", "Second")
    assert created.rindex("issuing-2") > created.index("next step") > created.index("UNTIL")
    applied = said("trust", "defaults", "--apply")
    assert "left out       Let's Encrypt Authority X3 (expired)" in applied
    assert applied.splitlines()[-1] == "5 added, 0 already there, 0 removed, 4 left out"
    pinned = [l for l in said("trust", "defaults", "--pin", "ISRG Root X1").splitlines() if "pinned" in l]
    assert len(pinned) == 1 and pinned[0].startswith("ISRG Root X1 ")
    assert "signetd --state" not in said("status")
    for text in (approved, created, applied):
        assert "{" not in text and "- ->" not in text


def test_help_texts_fit_and_are_aligned():
    helped = lambda *a: run(BIN / "signet", *a, "--help").stdout.decode()
    commands = [l.split("  ")[1].split() for l in helped().splitlines() if l.startswith("  ") and l[2].isalpha()]
    assert len(commands) > 40
    for words in [[]] + commands + [w[:1] for w in commands if len(w) > 1]:
        text = helped(*words)
        assert all(len(l) <= 100 for l in text.splitlines()), words
        for line in text.splitlines():
            if line.startswith("      --") or line.startswith("  -"):
                assert line[32] == " " and line[33] != " ", line
    assert "--system" not in helped("certs")
