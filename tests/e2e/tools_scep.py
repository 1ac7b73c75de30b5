"""Prepared SCEP messages (tests/bench/bench_scep) and answers, read as bytes."""
import http.client
import sqlite3

from conftest import BIN, run
from scep_clients import fetch_ca

BENCH = BIN.parent / "bench" / "bench_scep"
STATUS = bytes.fromhex("060a6086480186f845010903")  # pkiStatus
FAIL = bytes.fromhex("060a6086480186f845010904")    # failInfo
FAIL_TEXT = bytes.fromhex("06082b06010505071801")   # failInfoText, RFC 8894 3.2.1.4
SUCCESS, FAILURE, PENDING = "0", "2", "3"
BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME = "0", "1", "2", "3"


def prepare(server, folder, password, count, name="req"):
    """count requests with keys of their own; transaction ids and common names
    go by the index, so that two such files share them. In order of index only
    when count is 1."""
    folder.mkdir(exist_ok=True)
    out = folder / name
    run(BENCH, "prepare", fetch_ca(server, folder)["ras"][0], password, count, out, timeout=600)
    data, at, messages = out.read_bytes(), 0, []
    while at < len(data):
        n = int.from_bytes(data[at:at + 4], "little")
        messages.append(data[at + 4:at + 4 + n])
        at += 4 + n
    assert len(messages) == count
    return messages


def load(server, file, clients, first, count):
    """Sends prepared requests; what bench_scep has to say about it."""
    import json
    return json.loads(run(BENCH, "run", "127.0.0.1", server.port, "/scep", file, clients, first, count,
                          timeout=600).stdout)


def post(port, message, path="/scep", source="127.0.0.1"):
    """(HTTP status, body) of one PKIOperation, from that address."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    try:
        c.request("POST", path + "?operation=PKIOperation", message,
                  {"Content-Type": "application/x-pki-message"})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def attribute(body, oid):
    """The value of a signed attribute that is one short string, as text."""
    at = body.find(oid)
    if at < 0:
        return None
    at += len(oid) + 1                           # behind the SET's tag
    at += 1 + (body[at] & 0x7f if body[at] > 0x7f else 0)
    n, at = body[at + 1], at + 2                 # the string's length
    if n > 0x7f:
        k = n & 0x7f
        n, at = int.from_bytes(body[at:at + k], "big"), at + k
    return body[at:at + n].decode()


def answer(port, message, path="/scep", source="127.0.0.1"):
    """(pkiStatus, failInfo, failInfoText) of one PKIOperation."""
    status, body = post(port, message, path, source)
    assert status == 200, (status, body[:300])
    return read_answer(body)


def read_answer(body):
    return attribute(body, STATUS), attribute(body, FAIL), attribute(body, FAIL_TEXT) or ""


def query(server, sql, *args):
    """Rows of the SQLite database, read beside the running server."""
    db = sqlite3.connect(f"file:{server.state}/signet.db?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()
