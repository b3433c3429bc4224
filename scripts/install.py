"""Install a package with pip, and show how far it is instead of all that pip says.

    python scripts/install.py '.[all,dev]'
    python scripts/install.py --cpu --torch-index ADDRESS '.[all,dev]'

With --cpu, PyTorch comes as a build without CUDA, from the index that PyTorch's own instructions name; pip
then keeps it. pip's lines go to a file in the environment; the last of them are shown when it fails.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

ON_LINUX = sys.platform == "linux"
LINUX_GB, LINUX_DISK_GB = 3.3, 6.5  # most of it is CUDA, which PyTorch brings on Linux
WORTH_A_LINE_MB = 50
SHOWN_ON_FAILURE = 30
LOG = Path(sys.prefix) / "install.log"
MB_PER_UNIT = {"bytes": 1e-6, "kB": 1e-3, "MB": 1, "GB": 1e3}
FETCHING = re.compile(r"\s*(?:Downloading|Using cached) (\S+\.(?:whl|gz|zip)) \(([\d.]+) (\w+)\)")
AT_HAND = re.compile(r"\s*Processing (\S+\.whl)")


def main() -> None:
    """Install what the argument names; the exit code is pip's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wanted", help="as for pip: a folder with its extras")
    parser.add_argument("--cpu", action="store_true", help="PyTorch without CUDA")
    parser.add_argument("--torch-index", default="", help="where PyTorch publishes such builds")
    options = parser.parse_args()
    started = time.monotonic()
    LOG.unlink(missing_ok=True)
    if options.cpu and not has_cpu_torch():
        install_cpu_torch(options.torch_index)
    elif find_spec("torch") is None:
        size = f"about {LINUX_GB} GB, {LINUX_DISK_GB} GB on the disk" * ON_LINUX
        print(f"Fetching PyTorch, ultralytics and the tools: {size or 'several hundred MB'}.")
        print("This takes some minutes, once.", flush=True)
    else:
        print(f"Bringing {sys.prefix} up to date.", flush=True)
    install("--editable", options.wanted)
    if options.cpu and not has_cpu_torch():
        sys.exit("pip has put another build of PyTorch in its place; see " + str(LOG))
    print(f"Installed in {time.monotonic() - started:.0f} s.")


def has_cpu_torch() -> bool:
    """Whether PyTorch is there, and without CUDA: nothing that pip fetches for it is CUDA's."""
    try:
        needed = requires("torch") or []
    except PackageNotFoundError:
        return False
    return version("torch").endswith("+cpu") or not any("nvidia" in name for name in needed)


def install_cpu_torch(index: str) -> None:
    """Install PyTorch and torchvision from the index of builds for CPUs.

    On other systems than Linux, what pip finds by itself has no CUDA.
    """
    if not ON_LINUX:
        return
    if not index:
        sys.exit(
            "CPU=1 needs TORCH_INDEX: the address that pytorch.org's page Get started shows behind "
            "--index-url,\nfor pip and CPU. Then: make setup CPU=1 TORCH_INDEX=ADDRESS"
        )
    print("Fetching PyTorch without CUDA, then ultralytics and the tools.", flush=True)
    install("torch", "torchvision", "--index-url", index)


def install(*wanted: str) -> None:
    """Run pip; if it fails, show its last lines and end with its exit code."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    try:
        code = followed([*pip, "--progress-bar", "off", *wanted])
    except KeyboardInterrupt:
        sys.exit(130)
    if code:
        last = LOG.read_text("utf-8").splitlines()[-SHOWN_ON_FAILURE:]
        print("\n".join(["", *last, "", f"pip failed; all it said is in {LOG}."]), file=sys.stderr)
        sys.exit(code)


def followed(command: list[str]) -> int:
    """Run pip, write its lines to the log, and show its progress; its exit code."""
    show = Progress(sys.stdout.isatty())
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as pip,
    ):
        for line in pip.stdout or ():
            log.write(line)
            show(line)
    show.end()
    return pip.returncode


class Progress:
    """One line that is rewritten on a terminal; elsewhere, a line for each large package.

    Args:
        terminal: whether the line can be rewritten.
    """

    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal
        self.packages, self.mb = 0, 0.0

    def __call__(self, line: str) -> None:
        """Take notice of a line of pip's."""
        if fetching := FETCHING.match(line):
            file, number, unit = fetching.groups()
            self.fetch(file, float(number) * MB_PER_UNIT[unit])
        elif (at_hand := AT_HAND.match(line)) and Path(at_hand[1]).is_file():
            self.fetch(at_hand[1], Path(at_hand[1]).stat().st_size / 1e6)
        elif line.startswith("Installing collected packages"):
            self.tell(f"  unpacking {line.count(',') + 1} packages", worth_a_line=True)

    def fetch(self, file: str, size_mb: float) -> None:
        """Show which package is fetched now, and how much was fetched before it."""
        name = file.rpartition("/")[2].split("-")[0]
        before = f"  {self.packages:3} packages, {self.mb:5,.0f} MB; fetching {name}"
        self.tell(f"{before} ({size_mb:,.0f} MB)", worth_a_line=size_mb >= WORTH_A_LINE_MB)
        self.packages, self.mb = self.packages + 1, self.mb + size_mb

    def tell(self, text: str, worth_a_line: bool) -> None:
        """Show where it is."""
        if self.terminal:
            print(f"\r\x1b[K{text}", end="", flush=True)
        elif worth_a_line:
            print(text, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self.terminal:
            print("\r\x1b[K", end="", flush=True)


if __name__ == "__main__":
    main()
