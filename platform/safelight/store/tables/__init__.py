"""Every table, so that the metadata is complete wherever one of them is imported."""

from safelight.store.tables.access import ApiKey, AuditEntry, IdempotentReply, Lease, LoginLink, LoginSession
from safelight.store.tables.attributes import AttributeReading, AttributeRow
from safelight.store.tables.canaries import CanaryRow
from safelight.store.tables.erasures import ErasureRow
from safelight.store.tables.feedback import FeedbackBucket, FeedbackRow
from safelight.store.tables.gates import ApprovalRow, GatePolicyRow, GateResultRow, OverrideRow, ProvenanceRow
from safelight.store.tables.generations import Environment, GenerationRow, Score, ScoreTask, TrafficBucket
from safelight.store.tables.guard import DrillRow, GuardStopRow, SpentLinkRow, VerificationRow
from safelight.store.tables.incidents import (
    Channel,
    Delivery,
    Incident,
    IncidentEvent,
    IncidentJudgement,
    Notification,
    Policy,
    RunbookRow,
)
from safelight.store.tables.ingest import EmbedderInUse, ImageFetch, MergedSketch, ToldSignals
from safelight.store.tables.jobs import GenerationJobRow
from safelight.store.tables.journals import JournalRow
from safelight.store.tables.monitoring import (
    BackfillRow,
    Baseline,
    BaselineJob,
    MonitorRow,
    MonitorSlot,
    SignalBucket,
    SketchBucket,
    SliceRow,
    SliceStanding,
    VerdictRow,
)
from safelight.store.tables.probes import ProbeImageRow, ProbeRunRow, ProbeSetRow
from safelight.store.tables.reconciling import RegistryFindingRow, RegistryLookRow, RegistryPolicyRow
from safelight.store.tables.releases import (
    CheckpointRow,
    EngineRow,
    GatewayRow,
    Generator,
    LedgerEntry,
    Release,
    ReleaseStep,
    VersionRow,
)
from safelight.store.tables.replays import ReplayRow
from safelight.store.tables.reports import DailyReportRow, VariantReportRow
from safelight.store.tables.targets import ScopeRow, TargetRow

__all__ = [
    "ApiKey",
    "ApprovalRow",
    "AttributeReading",
    "AttributeRow",
    "AuditEntry",
    "BackfillRow",
    "Baseline",
    "BaselineJob",
    "CanaryRow",
    "Channel",
    "CheckpointRow",
    "DailyReportRow",
    "Delivery",
    "DrillRow",
    "EmbedderInUse",
    "EngineRow",
    "Environment",
    "ErasureRow",
    "FeedbackBucket",
    "FeedbackRow",
    "GatePolicyRow",
    "GateResultRow",
    "GatewayRow",
    "GenerationJobRow",
    "GenerationRow",
    "Generator",
    "GuardStopRow",
    "IdempotentReply",
    "ImageFetch",
    "Incident",
    "IncidentEvent",
    "IncidentJudgement",
    "JournalRow",
    "Lease",
    "LedgerEntry",
    "LoginLink",
    "LoginSession",
    "MergedSketch",
    "MonitorRow",
    "MonitorSlot",
    "Notification",
    "OverrideRow",
    "Policy",
    "ProbeImageRow",
    "ProbeRunRow",
    "ProbeSetRow",
    "ProvenanceRow",
    "RegistryFindingRow",
    "RegistryLookRow",
    "RegistryPolicyRow",
    "Release",
    "ReleaseStep",
    "ReplayRow",
    "RunbookRow",
    "ScopeRow",
    "Score",
    "ScoreTask",
    "SignalBucket",
    "SketchBucket",
    "SliceRow",
    "SliceStanding",
    "SpentLinkRow",
    "TargetRow",
    "ToldSignals",
    "TrafficBucket",
    "VariantReportRow",
    "VerdictRow",
    "VerificationRow",
    "VersionRow",
]
