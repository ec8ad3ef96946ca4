"""Gates: the policy, a dry run, and approvals."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from registry.gates.policy import GatePolicy
from registry.gates.result import Decision
from registry.manifest import Provenance
from safelight.api.schemas.gate_results import GateInfo
from safelight.api.schemas.releases import GeneratorName, Why


class GatePolicyInfo(BaseModel):
    """What a generator's versions have to show, beside being whole, loadable and not quarantined."""

    generator: str
    policy: GatePolicy
    updated_at: datetime | None = Field(description="None: it was never given one")
    updated_by: str | None


class GateQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    version: int = Field(ge=1)


class GateAnswer(BaseModel):
    """What would become of a promote by the asker now. Nothing was ordered, and nothing changed."""

    generator: str
    version: int
    decision: Decision = Field(description="wait: some evidence is only made when the version is promoted")
    gates: list[GateInfo]


class NewApproval(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Why = ""


class ApprovalInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    by: str
    at: datetime
    note: str


class ProvenanceInfo(BaseModel):
    """What a version was made of, and who said so."""

    model_config = ConfigDict(from_attributes=True)

    provenance: Provenance | None
    told_by: str
    told_at: datetime
