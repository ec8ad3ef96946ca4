"""What the C library does in a process that is started as an engine is: asked of a real one."""

import os
import subprocess
import sys

from safelight.serving import allocator

_TAKE_AGAIN_AND_AGAIN = """
import resource, threading
from safelight.serving import allocator

MEBI = 1 << 20
PAGES = 256 * MEBI // resource.getpagesize()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def take():
    array = bytearray(256 * MEBI)
    array[::4096] = bytes(len(array) // 4096)

def work():
    take()
    before = faults()
    for _ in range(4):
        take()
    fresh = (faults() - before) / (4 * PAGES)
    held = resident()
    allocator.give_back()
    print(f"{fresh} {(held - resident()) / MEBI}")

# As an engine renders: not in the main thread.
worker = threading.Thread(target=work)
worker.start()
worker.join()
"""


def play(environment: dict[str, str]) -> tuple[float, float]:
    """The share of what was taken a second time whose pages were new, and MiB that were given back in the end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GLIBC_", "MALLOC_"))}
    command = [sys.executable, "-c", _TAKE_AGAIN_AND_AGAIN]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True)
    fresh, returned = map(float, done.stdout.split())
    return fresh, returned


def test_what_one_batch_let_go_of_is_what_the_next_takes_until_it_is_given_back() -> None:
    fresh, returned = play(allocator.TUNABLES)
    assert fresh < 0.01
    assert returned > 250


def test_without_it_every_page_would_be_asked_for_anew() -> None:
    fresh, returned = play({})
    assert fresh > 0.9
    assert returned < 10
