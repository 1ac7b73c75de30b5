"""Real SCEP clients as functions: each returns the folder's certificate path."""
import os
import pathlib
import shutil

from conftest import run


def fetch_ca(server, folder):
    """CA and RA certificates as strongSwan's own client fetches them:
    {"ca": root path, "ra": path, "chain": [issuer..., root]} (DER files)."""
    folder.mkdir(exist_ok=True)
    run("pki", "--scepca", "--url", server.http + "/scep", "--caout", "ca.der",
        "--raout", "ra.der", "--outform", "der", "--force", cwd=folder)
    return {"ras": sorted(folder.glob("ra*.der")), "cas": sorted(folder.glob("ca*.der"))}


def pem_of(der, out):
    run("openssl", "x509", "-inform", "der", "-in", der, "-out", out)
    return out


def chain_files(server, folder):
    """Root and the rest as PEM, fetched over plain HTTP as PSN004561u's people do."""
    root, rest = folder / "root.pem", folder / "rest.pem"
    blob = ""
    for a in server.json("ca", "list")["authorities"]:
        pem = run("curl", "-sSf", f"{server.http}/ca/{a['id']}.pem").stdout.decode()
        first = pem[: pem.index("-----END CERTIFICATE-----") + 26]
        if a["kind"] == "root":
            root.write_text(first + "\n")
        else:
            blob += first + "\n"
    rest.write_text(blob)
    return root, rest


def openssl_accepts(cert, root, rest, *more):
    argv = ["openssl", "verify", "-x509_strict", "-CAfile", root, *more]
    if rest.read_text().strip():
        argv += ["-untrusted", rest]
    return run(*argv, cert, check=False)


def new_key(path):
    run("openssl", "genrsa", "-traditional", "-out", path, "2048")
    return path


def strongswan(server, folder, cn, password, *more, check=True, key=None, path="/scep"):
    """pki --scep: enrolment, or renewal with --cert/--key among more."""
    folder.mkdir(exist_ok=True)
    ca = fetch_ca(server, folder)
    key = key or new_key(folder / "key.pem")
    argv = ["pki", "--scep", "--url", server.http + path, "--in", key, "--dn", f"CN={cn}",
            "--cacert-enc", ca["ras"][0], "--cacert-sig", ca["ras"][0],
            "--outform", "pem", "--interval", "1", "--maxpolltime", "20"]
    for c in ca["cas"]:
        argv += ["--cacert", c]
    if password:
        argv += ["--password", password]
    p = run(*argv, *more, check=check, cwd=folder)
    (folder / "cert.pem").write_bytes(p.stdout)
    return p, folder / "cert.pem", key


def micromdm(server, folder, cn, password, check=True, path="/scep"):
    """micromdm's scepclient (Debian package scep)."""
    folder.mkdir(exist_ok=True)
    argv = ["scepclient", "-server-url", server.http + path, "-cn", cn,
            "-private-key", folder / "client.key", "-certificate", folder / "client.pem",
            "-keySize", "2048"]
    if password:
        argv += ["-challenge", password]
    p = run(*argv, check=check, cwd=folder)
    return p, folder / "client.pem", folder / "client.key"
