"""How the process of an engine keeps the host's memory: what one batch lets go of, the next one takes.

The C library would give every large array back to the system and ask for it anew, layer by layer and batch by batch,
and have each of its pages zeroed again.
"""

import ctypes

_KEPT = 4 << 30
"""Bytes: an array up to this size is taken from what the process holds, and so much may lie idle."""

TUNABLES = {
    "GLIBC_TUNABLES": ":".join(
        [
            f"glibc.malloc.mmap_threshold={_KEPT}",
            f"glibc.malloc.trim_threshold={_KEPT}",
            # Whatever its thread: the other arenas hold no large array, and none of what another has let go of.
            "glibc.malloc.arena_max=1",
            # In huge pages, where the system leaves that to programs.
            "glibc.malloc.hugetlb=1",
        ]
    )
}
"""For the environment that a process is started with; another C library takes no notice of it."""


def give_back() -> None:
    """Return what is held and not used to the system: when a checkpoint is in place, what it was made of is not needed
    again."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
