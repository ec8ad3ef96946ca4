"""A journal is one process's, until it dies."""

import os
import subprocess
import sys
from pathlib import Path

from safelight.recording.claiming import abandoned, claim


def test_two_that_live_at_once_have_journals_of_their_own(tmp_path: Path) -> None:
    with claim(tmp_path) as first, claim(tmp_path) as second:
        assert first.folder != second.folder


def test_who_starts_again_goes_on_with_the_journal_that_was_left(tmp_path: Path) -> None:
    with claim(tmp_path) as first:
        left = first.folder
    with claim(tmp_path) as again:
        assert again.folder == left


def test_the_lock_of_a_process_dies_with_it_however_it_dies(tmp_path: Path) -> None:
    script = "import sys, pathlib; from safelight.recording.claiming import claim; "
    script += "held = claim(pathlib.Path(sys.argv[1])); print('claimed', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"claimed\n"
        with claim(tmp_path) as beside:
            assert beside.folder != tmp_path
        child.kill()
    with claim(tmp_path) as after:
        assert after.folder == tmp_path


def test_what_nobody_holds_is_found_and_what_somebody_holds_is_left_alone(tmp_path: Path) -> None:
    with claim(tmp_path) as held:
        with claim(tmp_path) as second:
            left = second.folder
        found = []
        for each in abandoned(tmp_path):
            found.append(each.folder)
            each.release()
        assert held.folder not in found
        assert found == [left]
