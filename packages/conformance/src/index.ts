export {
  type RequirementGroup,
  type StorageRequirementId,
  storageCatalogue,
  storageRequirements,
} from './catalogue/catalogue.ts';
export type { BooleanCapability, Need, Requirement } from './catalogue/requirement.ts';
export { CONFORMANCE_USAGE, type CommandIo, conformanceCommand } from './command/conformance-command.ts';
export type { Outcome, TestResult } from './engine/outcome.ts';
export type { Runner, RunnerContext } from './engine/runner.ts';
export type { RegisterCall, RegisterOperation } from './linearizability/history.ts';
export { isLinearizable, smallestCounterExample } from './linearizability/register-checker.ts';
export {
  type OriginConformanceOptions,
  type OriginHarness,
  type OriginResource,
  type OriginSubject,
  originConformance,
} from './origin/origin-conformance.ts';
export { originRequirements } from './origin/requirements.ts';
export { type ProfiledOperation, type ProfileOptions, type ProfileRow, profile } from './profile/profile.ts';
export { type Fault, FaultProxy, type FaultRule, type SeenRequest } from './proxy/fault-proxy.ts';
export { htmlReport } from './report/html.ts';
export { junitReport } from './report/junit.ts';
export { markdownReport } from './report/markdown.ts';
export { type GroupCounts, type MatrixRow, matrixRow, matrixTables } from './report/matrix.ts';
export { exitCodeOf, type Report, type SubjectReport, type Tally, tally } from './report/report.ts';
export { type Paint, paintFor, textReport } from './report/text.ts';
export {
  CannotRun,
  type ConformanceOptions,
  type NamedHarness,
  type Progress,
  runConformance,
} from './run-conformance.ts';
export type { StorageTest } from './storage/env.ts';
export type {
  CrashSetup,
  Damage,
  HarnessContext,
  HookName,
  Misconfiguration,
  Mishap,
  MishapHook,
  Outage,
  Sabotage,
  StorageHarness,
  StorageSubject,
} from './storage/harness.ts';
export { type RunOptions, StorageRun } from './storage/run.ts';
export { type StorageConformanceOptions, storageConformance } from './storage/storage-conformance.ts';
export { storageTests } from './storage/tests/all.ts';
export { transformerRequirements } from './transformer/requirements.ts';
export {
  type TransformerConformanceOptions,
  type TransformerHarness,
  type TransformerSubject,
  transformerConformance,
} from './transformer/transformer-conformance.ts';
export type { StorageFault } from './zoo/fault.ts';
export { storageFaults } from './zoo/faults.ts';
export type { PartFault } from './zoo/origin-fault.ts';
export { originFaults } from './zoo/origin-faults.ts';
export { type SoundVariant, soundVariants } from './zoo/sound-variants.ts';
export { transformerFaults } from './zoo/transformer-faults.ts';
