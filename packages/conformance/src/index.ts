export {
  type RequirementGroup,
  type StorageRequirementId,
  storageCatalogue,
  storageRequirements,
} from './catalogue/catalogue.ts';
export type { BooleanCapability, Need, Requirement } from './catalogue/requirement.ts';
export type { Outcome, TestResult } from './engine/outcome.ts';
export type { Runner, RunnerContext } from './engine/runner.ts';
export { type Fault, FaultProxy, type FaultRule, type SeenRequest } from './proxy/fault-proxy.ts';
export type {
  CrashSetup,
  HarnessContext,
  Misconfiguration,
  Sabotage,
  StorageHarness,
  StorageSubject,
} from './storage/harness.ts';
export { type StorageConformanceOptions, storageConformance } from './storage/storage-conformance.ts';
