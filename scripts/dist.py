"""Build the sdist and the wheel, and prove the wheel in an environment that holds nothing else.

The wheel is built from the sdist, which proves that the sdist is complete. The clean environment gets the
wheel without extras, so without PyTorch: inspecting and editing must work, and the demo must name the
extra that it needs. `--full` installs all extras, several gigabytes, and runs the demo.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
DEMO_MODEL = "headlab/demo/demo.pt"
IN_WHEEL = ("headlab/py.typed", DEMO_MODEL, "headlab/cli/main.py")
IN_SDIST = ("pyproject.toml", "README.md", "README.ja.md", "LICENSE", "src/headlab/py.typed")
NEVER = ("tests", "bench", "shared")  # folders that belong to the repository only
LARGEST_WHEEL_BYTES = 2_000_000

TYPED_USE = """
from headlab import load
from headlab.errors import UnknownName

reveal_type(load)
reveal_type(UnknownName("class", "brid", ["bird"]).hint)
"""
FIND_DEMO_MODEL = "import headlab, pathlib; print(pathlib.Path(headlab.__file__).parent)"


def main() -> None:
    """Build, look inside, install, run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--full", action="store_true", help="install all extras, run the demo")
    full = parser.parse_args().full
    wheel, sdist = build()
    look_inside(wheel, sdist)
    with tempfile.TemporaryDirectory(prefix="headlab-dist-") as folder:
        prove(wheel, Path(folder), full)


def build() -> tuple[Path, Path]:
    """The wheel and the sdist it was built from, in `dist/`."""
    shutil.rmtree(DIST, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = DIST.glob("*.whl")
    (sdist,) = DIST.glob("*.tar.gz")
    return wheel, sdist


def look_inside(wheel: Path, sdist: Path) -> None:
    """Stop unless the archives hold what users need and nothing that only developers need."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = archive.namelist()
    with tarfile.open(sdist) as archive:
        in_sdist = [name.partition("/")[2] for name in archive.getnames()]
    for archive_path, names, needed in ((wheel, in_wheel, IN_WHEEL), (sdist, in_sdist, IN_SDIST)):
        for name in needed:
            require(name in names, f"{archive_path.name} lacks {name}")
        for name in names:
            foreign = set(PurePosixPath(name).parts) & set(NEVER)
            require(not foreign, f"{archive_path.name} holds {name}")
    models = [name for name in in_wheel if name.endswith(".pt")]
    require(models == [DEMO_MODEL], f"{wheel.name} holds the models {models}")
    size = wheel.stat().st_size
    require(size <= LARGEST_WHEEL_BYTES, f"{wheel.name} has {size} bytes")
    print(f"{wheel.name}: {len(in_wheel)} files, {size / 1e6:.2f} MB")
    print(f"{sdist.name}: {len(in_sdist)} files, {sdist.stat().st_size / 1e6:.2f} MB")


def prove(wheel: Path, folder: Path, full: bool) -> None:
    """Install the wheel into a new environment and use it there, outside the repository."""
    home = folder / "home"
    home.mkdir()
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    headlab = folder / "venv" / "bin" / "headlab"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def ran(*command: str | Path, code: int = 0, isolated: bool = True) -> str:
        """Run in the folder; what it printed. With a home of its own, unless it is the installer."""
        done = subprocess.run(
            command,
            cwd=folder,
            env={**environment, "HOME": str(home)} if isolated else environment,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        shown = " ".join(str(part) for part in command)
        require(done.returncode == code, f"exit code {done.returncode}: {shown}\n{done.stdout}")
        return done.stdout

    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    ran(*pip, f"{wheel}[all]" if full else wheel, isolated=False)
    version = wheel.name.split("-")[1]
    require(ran(headlab, "--version") == f"headlab {version}\n", "--version says otherwise")
    installed = Path(ran(python, "-c", FIND_DEMO_MODEL).strip())
    require(installed.is_relative_to(folder), f"imports headlab from {installed}")
    model = installed / "demo" / "demo.pt"
    require("P5" in ran(headlab, "inspect", model), "inspect names no level P5")
    ran(headlab, "edit", model, "--shift", "P4=1", "-o", "shifted.pt")
    require("P5" in ran(headlab, "inspect", "shifted.pt"), "the edited model has lost its levels")
    (folder / "use.py").write_text(TYPED_USE, "utf-8")
    checker = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    types = ran(*checker, "--cache-dir", os.devnull, "use.py")
    require('"str"' in types and '"Any"' not in types, f"mypy sees no types:\n{types}")
    if full:
        print(ran(headlab, "demo"))
    else:
        answer = ran(headlab, "demo", code=2)
        require("headlab[torch]" in answer, f"demo names no extra:\n{answer}")
    extras = "all extras" if full else "no extra"
    print(f"clean environment with {extras}: --version, inspect, edit, types, demo")


def require(holds: bool, otherwise: str) -> None:
    """Stop with a message unless the condition holds."""
    if not holds:
        sys.exit(f"dist: {otherwise}")


if __name__ == "__main__":
    main()
