"""Read every checkpoint of a folder in every way, under limits of memory and time; print how it went.

python read_all.py FOLDER [MEGABYTES SECONDS]      one line of JSON per file
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from pathlib import Path

from headlab.checkpoint.pt.checkpoint import read
from headlab.errors import HeadlabError
from headlab.families.identify import identify


def outcome(path: Path) -> str:
    """What reading gives: "read", or the message of headlab's own error."""
    try:
        checkpoint = read(path)
        repr(checkpoint.network)
        json.dumps([checkpoint.metadata, checkpoint.class_names])
        for name in checkpoint.tensors:
            checkpoint.array(name)
        identify(checkpoint)
        json.dumps(checkpoint.yaml)
    except HeadlabError as error:
        return str(error)
    return "read"


def main() -> None:
    folder, limits = Path(sys.argv[1]), list(map(int, sys.argv[2:]))
    if limits:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        room = used + limits[0] * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        resource.setrlimit(resource.RLIMIT_CPU, (limits[1], limits[1]))
    for path in sorted(folder.glob("*.pt")):
        try:
            said = outcome(path)
        except BaseException as error:
            said = f"escaped: {type(error).__name__}: {error}"[:300]
        gc.collect()
        spent = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps([path.name, said, spent.ru_utime, spent.ru_maxrss // 1024]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
