"""Which Chromium the browser tests drive, and how."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import brotli

MODULES = Path(__file__).resolve().parent.parent / "client_templates" / "node_modules"
NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> Path:
    """The browser's program: `COPAGE_CHROMIUM`, else one on the PATH, else the one that `npm ci` has brought.

    Raises:
        AssertionError: there is none; says what would bring one.
    """
    named = os.environ.get("COPAGE_CHROMIUM")
    if named:
        assert Path(named).is_file(), "COPAGE_CHROMIUM names a file that is not there"
        return Path(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return unpacked_from_npm(MODULES / "@sparticuz" / "chromium")


def unpacked_from_npm(package: Path) -> Path:
    """Chromium out of the npm package, unpacked once into the modules' cache."""
    packed = package / "bin" / "chromium.br"
    assert packed.is_file(), (
        "no Chromium here: install Debian's package chromium, or run `make check`, which brings the npm package"
        " @sparticuz/chromium"
    )
    program = MODULES / ".cache" / "copage-chromium" / "chromium"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        # Unpacked beside it and moved: two processes may do this at once, and neither sees half a program.
        half = program.with_name(f"chromium-{os.getpid()}")
        half.write_bytes(brotli.decompress(packed.read_bytes()))
        half.chmod(0o755)
        half.replace(program)
    return program


def environment_for(program: Path) -> dict[str, str]:
    """What the browser from npm needs beside itself: the network libraries that a bare machine may lack."""
    cache = MODULES / ".cache" / "copage-chromium"
    if program.parent != cache:
        return {}
    libraries = cache / "al2023" / "lib"
    if not libraries.is_dir():
        packed = MODULES / "@sparticuz" / "chromium" / "bin" / "al2023.tar.br"
        with tarfile.open(fileobj=io.BytesIO(brotli.decompress(packed.read_bytes()))) as archive:
            # Python 3.11.3 and older, like Debian 12's, know no filter; the package is pinned by its hash.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(cache / "al2023")
    return {"LD_LIBRARY_PATH": str(libraries)}
