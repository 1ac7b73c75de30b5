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
