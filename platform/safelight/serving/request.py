"""A request for images and what becomes of it."""

from dataclasses import dataclass, field
from uuid import UUID

from registry.parameters import Requested
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """What somebody asks a generator for. `requested` leaves to the version what it does not say."""

    generator: str
    requested: Requested
    api_key_id: UUID | None = None
    tenant: str | None = None
    end_user: str | None = None
    """Whom the images are for, as the one who asks calls them."""
    arm: Arm = Arm.STABLE
    id: UUID = field(default_factory=new_id)
    seconds: float | None = None
    """How long its images may take, where that is less than the gateway allows."""

    @property
    def account(self) -> str:
        """Who takes turns with others: a key, everybody on the dashboard together, or a reason of our own."""
        return str(self.api_key_id or "") if self.arm is Arm.STABLE else self.arm.value


@dataclass(frozen=True)
class Generated:
    """A recorded generation and its image; `png` is empty when there is none."""

    generation: Generation
    png: bytes
