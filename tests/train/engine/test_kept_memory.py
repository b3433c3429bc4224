"""Memory that a step frees stays for the next one, and is handed back in the end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headlab.train.engine.memory import kept_memory

PROGRAM = """
import resource
from headlab.train.engine.memory import kept_memory

def faults(rounds=20):
    for _ in range(2):
        bytearray(32 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        bytearray(32 << 20)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / rounds

def resident_kb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024

outside = faults()
with kept_memory() as kept:
    inside = faults()
    held = resident_kb()
print(int(kept), outside, inside, faults(), held - resident_kb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux' C library")
def test_pages_are_cleared_once_and_not_in_every_step() -> None:
    """32 MiB are 8,192 pages of 4 KiB: all are new in every round outside, and few of them within."""
    said = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True)
    kept, outside, inside, afterwards, returned_kb = map(float, said.stdout.split())
    if not kept:
        pytest.skip("the C library is not glibc")
    assert inside < 0.5 * outside
    assert afterwards > 0.5 * outside
    assert returned_kb > 0.9 * (32 << 10)


def test_without_glibc_it_says_that_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with kept_memory() as kept:
        assert not kept
