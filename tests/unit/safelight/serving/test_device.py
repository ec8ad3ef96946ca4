"""How much memory there is: the machine's, or what its container may take of it."""

from pathlib import Path

from safelight.serving.device import Memory, host_memory

GB = 2**30


def machine(folder: Path, *, total: int, available: int) -> Path:
    meminfo = folder / "meminfo"
    meminfo.write_text(f"MemTotal: {total // 1024} kB\nMemAvailable: {available // 1024} kB\nSwapTotal: 0 kB\n")
    return meminfo


def container(folder: Path, *, limit: str, current: int, cached: int = 0) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon {current - cached}\ninactive_file {cached}\n")
    return folder


def test_a_container_has_no_more_than_its_limit(tmp_path: Path) -> None:
    meminfo = machine(tmp_path, total=64 * GB, available=60 * GB)
    group = container(tmp_path, limit=str(8 * GB), current=6 * GB, cached=1 * GB)
    assert host_memory(meminfo, group) == Memory(used=5 * GB, total=8 * GB)


def test_a_limit_that_the_machine_cannot_keep_is_none(tmp_path: Path) -> None:
    meminfo = machine(tmp_path, total=64 * GB, available=2 * GB)
    group = container(tmp_path, limit=str(32 * GB), current=1 * GB)
    assert host_memory(meminfo, group) == Memory(used=62 * GB, total=64 * GB)


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    meminfo = machine(tmp_path, total=64 * GB, available=60 * GB)
    assert host_memory(meminfo, tmp_path / "none").free == 60 * GB
    assert host_memory(meminfo, container(tmp_path, limit="max", current=GB)).free == 60 * GB
