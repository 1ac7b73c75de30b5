"""Packaging: what `make install DESTDIR=` and `make deb` make is whole, and the
installed server finds its own data."""
import os
import re
import subprocess

import pytest

from conftest import BIN, ROOT, run

BUILD = BIN.parent
LINKS = {"ignite": "status", "revoke": "issue", "hold": "issue", "release": "issue", "certs": "issue"}

pytestmark = pytest.mark.skipif(not (BUILD / "cmake_install.cmake").exists(), reason="no build tree")


@pytest.fixture(scope="module")
def built():
    run("cmake", "--build", BUILD, "--target", "manual", "signet", "signetd", "signet-front", "signet-core",
        "signet-key", timeout=600)


def test_an_installed_server_starts_with_its_own_catalog(scratch, built):
    run("cmake", "--install", BUILD, "--prefix", "/usr", env=dict(os.environ, DESTDIR=str(scratch / "d")))
    usr = scratch / "d/usr"
    for name in ("signet", "signetd", "signet-front", "signet-core", "signet-key"):
        assert os.access(usr / "bin" / name, os.X_OK)
    shipped = {p.relative_to(ROOT / "catalog") for p in (ROOT / "catalog").rglob("*") if p.is_file()}
    catalog = usr / "share/signet/catalog"
    assert shipped == {p.relative_to(catalog) for p in catalog.rglob("*") if p.is_file()}
    unit = (usr / "lib/systemd/system/signet.service").read_text()
    assert re.search(r"^ExecStart=/usr/bin/signetd --state ", unit, re.M)
    for source in (ROOT / "docs/man").glob("*.scd"):
        page = usr / f"share/man/man{source.stem[-1]}" / source.stem
        assert page.read_text().startswith('.\\"') and ".TH" in page.read_text()
    for name, page in LINKS.items():
        seen = run("man", "-M", usr / "share/man", f"signet-{name}", env=dict(os.environ, LC_ALL="C.UTF-8")).stdout
        assert f"signet-{page}".encode() in seen and f"signet {name}".encode() in seen

    state = scratch / "s"
    run(usr / "bin/signet", "--state", state, "ignite", "--name", "Installed")
    server = subprocess.Popen([usr / "bin/signetd", "--state", state, "--http", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout.readline().startswith("ready ")
        files = run(usr / "bin/signet", "--state", state, "profile", "list", "--json").stdout.decode()
        assert '"ipoffice-root"' in files
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


def test_the_debian_package_is_one(scratch, built):
    run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", scratch, cwd=BUILD, timeout=300)
    deb, = scratch.glob("*.deb")
    facts = run("dpkg-deb", "-I", deb).stdout.decode()
    assert " Package: signet\n" in facts and "libssl3" in facts
    names = run("dpkg-deb", "-c", deb).stdout.decode()
    for name in ("./usr/bin/signetd", "./usr/share/signet/catalog/profiles/phone.yaml",
                 "./usr/share/man/man1/signet.1", "./usr/lib/systemd/system/signet.service"):
        assert f" {name}\n" in names
