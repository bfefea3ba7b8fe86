"""Fetches html5lib-tests, the parsing tests that the HTML standard's implementers share (MIT), into a folder.

python -m tests.fetch_html5lib_tests .cache/html5lib-tests

The source distribution of html5lib 1.1 carries them, so pip gets them from the index that it is set up for. pip cannot
download a source distribution without asking its build backend for the metadata, and html5lib's needs a setuptools
of its time. A backend of a few lines stands in for it: nothing of the distribution is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME = "html5lib-1.1"
SHA256 = "b2e5b40261e20f354d198eae92afc10d750afb487ed5e50f9c4eaf07c184146f"
INSIDE = f"{NAME}/html5lib/tests/testdata/"
WANTED = ("tokenizer/", "tree-construction/", "LICENSE", "AUTHORS.rst")

BACKEND = """
import sys
from pathlib import Path

def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory) / "html5lib-1.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: html5lib\\nVersion: 1.1\\n")
    return folder.name

__legacy__ = sys.modules[__name__]
"""


def fetch(into: Path) -> None:
    """Download, check and unpack the tests.

    Args:
        into: the folder, which is replaced.

    Raises:
        OSError: they cannot be had; the message says why.
    """
    with tempfile.TemporaryDirectory() as work:
        archive = _download(Path(work))
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            raise OSError(f"{archive.name} is not the file that PyPI holds; check the index that pip is set up for")
        unpacked = into.with_name(into.name + ".new")
        shutil.rmtree(unpacked, ignore_errors=True)
        _unpack(archive, unpacked)
    shutil.rmtree(into, ignore_errors=True)
    unpacked.rename(into)


def _download(work: Path) -> Path:
    backend = work / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build_meta.py").write_text(BACKEND)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", "--use-pep517", "--no-binary", "html5lib", "--dest", str(work), "html5lib==1.1"]
    # The path is absolute: pip asks the backend from the distribution's folder.
    env = {**os.environ, "PYTHONPATH": str(backend.parent.resolve())}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"pip could not download html5lib 1.1:\n{done.stderr.strip()}")
    return work / f"{NAME}.tar.gz"


def _unpack(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix(INSIDE)
            if member.isfile() and member.name.startswith(INSIDE) and name.startswith(WANTED) and ".." not in name:
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                target.write_bytes(content.read())


if __name__ == "__main__":
    try:
        fetch(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(f"The tests need html5lib-tests, once, from the package index: {error}")
