"""Near-duplicates: different prompts that gave what looks like one image, the mark of a collapsed generator."""

from collections.abc import Iterable
from uuid import UUID

from monitors.sample import prompt_key
from monitors.signals import Fingerprint, near_duplicates
from safelight.store.scores import RecentHash


class RecentImages:
    """The fingerprints that new images of one version are held against; the newest first."""

    def __init__(self, known: Iterable[RecentHash]) -> None:
        self._known = [(each.generation_id, Fingerprint(prompt_key(each.prompt), each.hash)) for each in known]

    def duplicate_of(self, identifier: UUID, prompt: str, image: int) -> UUID | None:
        """The newest other generation that looks the same for another prompt; then remember this one as well."""
        mine = Fingerprint(prompt_key(prompt), image)
        match = next((other for other, theirs in self._known if near_duplicates(mine, theirs)), None)
        self._known.insert(0, (identifier, mine))
        return match
