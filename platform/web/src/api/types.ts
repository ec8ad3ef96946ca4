/** The API's words, as its OpenAPI document defines them. */
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Session = Schemas["SessionInfo"];
export type Role = Session["role"];
export type GeneratorStatus = Schemas["GeneratorStatus"];
export type Version = Schemas["Version"];
export type Release = Schemas["Release"];
export type ReleaseState = Release["state"];
export type LedgerLine = Schemas["LedgerLine"];
export type GenerationSummary = Schemas["GenerationSummary"];
export type Generation = Schemas["GenerationDetail"];
export type Monitor = Schemas["MonitorInfo"];
export type Verdict = Schemas["VerdictInfo"];
export type AdHocVerdict = Schemas["AdHocVerdict"];
export type DryRun = Schemas["DryRunInfo"];
export type Standing = Schemas["StandingInfo"];
export type ProbeSet = Schemas["ProbeSetInfo"];
export type ProbeRun = Schemas["ProbeRunInfo"];
export type ProbeRunDetail = Schemas["ProbeRunDetail"];
type ComparisonDocument = Schemas["VersionComparison"];
/** openapi-fetch reads a pair as a list. */
export type Distance = Omit<ComparisonDocument["distances"][number], "versions"> & { versions: number[] };
export type Comparison = Omit<ComparisonDocument, "distances"> & { distances: Distance[] };
export type Baseline = Schemas["BaselineInfo"];
export type BaselineDetail = Schemas["BaselineDetail"];
export type BaselineJob = Schemas["BaselineJobInfo"];
export type DailyReport = Schemas["StoredDailyReport"];
export type Backfill = Schemas["BackfillInfo"];
export type Attribute = Schemas["AttributeInfo"];
export type AttributeReading = Schemas["AttributeReadingInfo"];
export type FeedbackKind = Schemas["GiveFeedback"]["kind"];
export type Series = Schemas["Series"];
export type Incident = Schemas["IncidentSummary"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type Runbook = Schemas["RunbookInfo"];
export type Severity = Incident["severity"];
export type PolicyMode = Schemas["PolicyDocument"]["mode"];
export type ScopeState = Schemas["ScopeState"];
export type Target = Schemas["Target"];
export type RegistryPolicy = Schemas["RegistryPolicy"]["policy"];
export type Channel = Schemas["ChannelInfo"];
export type Notification = Schemas["NotificationInfo"];
export type ApiKey = Schemas["KeyInfo"];
export type StreamStatus = Schemas["StreamStatus"];
