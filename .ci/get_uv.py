"""Puts a working `uv` at .tools/bin/uv: the one on PATH, or the one that uv.lock names, from the package index.

Runs on the machine's own Python (3.8 or newer), before anything of Verbatim is installed. Three ways, the first that
works: a virtual environment with pip (knows the machine's index settings), pip alone, and, where Debian has neither,
the wheel that uv.lock names, checked against the lock's hash.
"""

import hashlib
import io
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"


def main() -> None:
    """Try each way in turn. Exits with a message that says what to install when none works."""
    for way in (from_path, from_environment, from_pip, from_wheel):
        if way() and works(str(UV)):
            return
        UV.unlink(missing_ok=True)
    sys.exit(
        "Verbatim needs uv, and could not get it from the package index.\n"
        "Install one of these and run make again: python3-venv (apt), python3-pip (apt), or uv itself."
    )


def works(uv: str) -> bool:
    """Whether this is a uv that starts (a broken pyenv shim does not) and that pyproject.toml accepts."""
    return run(uv, "cache", "dir", quiet=True)


def from_path() -> bool:
    """Link to the machine's own uv."""
    found = shutil.which("uv")
    if found is None or Path(found).resolve() == UV.resolve() or not works(found):
        return False
    UV.parent.mkdir(parents=True, exist_ok=True)
    UV.unlink(missing_ok=True)
    UV.symlink_to(found)
    return True


def from_environment() -> bool:
    """Install it with pip in a virtual environment; Debian may lack ensurepip."""
    return run(sys.executable, "-m", "venv", str(TOOLS), quiet=True) and run(
        str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", requirement()
    )


def from_pip() -> bool:
    """Install it with the machine's pip into a folder of ours."""
    target = TOOLS / "pip"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--upgrade", "--target", str(target))
    if not run(sys.executable, "-m", "pip", "--version", quiet=True) or not run(*pip, requirement()):
        return False
    UV.parent.mkdir(parents=True, exist_ok=True)
    UV.symlink_to(target / "bin" / "uv")
    return True


def from_wheel() -> bool:
    """Fetch the wheel itself and unpack its one program."""
    for url, sha256 in re.findall(r'url = "([^"]+\.whl)", hash = "sha256:([0-9a-f]+)"', locked()):
        if fits(url.rpartition("/")[2]):
            return unpack(url, sha256)
    return False


def unpack(url: str, sha256: str) -> bool:
    """Write the program of the wheel at `url` to UV, if the wheel is the one that was locked."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (an https address from uv.lock)
            wheel = answer.read()
    except OSError as error:
        print(f"{url}: {error}", file=sys.stderr)
        return False
    if hashlib.sha256(wheel).hexdigest() != sha256:
        return False
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        program = next(name for name in files.namelist() if name.endswith(".data/scripts/uv"))
        UV.parent.mkdir(parents=True, exist_ok=True)
        UV.write_bytes(files.read(program))
    UV.chmod(0o755)
    return True


def fits(wheel: str) -> bool:
    """Whether a wheel of this name runs here, by its platform tags."""
    system = {"Linux": "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux", "Darwin": "macosx"}
    machine = {"AMD64": "x86_64", "arm64": "(arm64|aarch64)", "aarch64": "(arm64|aarch64)"}
    processor = machine.get(platform.machine(), re.escape(platform.machine()))
    return bool(re.search(f"{system.get(platform.system(), 'none')}_[0-9_]+_{processor}[.]", wheel))


def locked() -> str:
    """What uv.lock says of uv."""
    lock = (ROOT / "uv.lock").read_text()
    return next(part for part in lock.split("[[package]]") if part.startswith('\nname = "uv"\n'))


def requirement() -> str:
    """The version that uv.lock names, as a requirement."""
    [version] = re.findall(r'^version = "(.+)"$', locked(), re.MULTILINE)
    return f"uv=={version}"


def run(*command: str, quiet: bool = False) -> bool:
    """Run a program. Answers whether it could be run and succeeded."""
    output = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False).returncode == 0  # noqa: S603 (our own command lines)
    except OSError:
        return False


if __name__ == "__main__":
    main()
