import type { Origin, OriginRequest, OriginResponse } from '@tintype/core';
import { type PlainLife, registerPlainSuite } from '../engine/plain-suite.ts';
import type { Runner } from '../engine/runner.ts';
import { originRequirements } from './requirements.ts';
import { originTests } from './tests.ts';

/** Something to fetch. */
export interface OriginResource {
  /** `[a-z0-9-]`, unique within the test; a suffix may follow. */
  readonly name: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** An origin under test, and the place that it fetches from. */
export interface OriginSubject {
  /** Fresh and unopened. */
  readonly origin: Origin;
  /** Puts a resource where the origin finds it. @returns its source URL. */
  serve(resource: OriginResource): Promise<string> | string;
  /**
   * Puts another body in the place of a resource's, in one step, so that whoever reads the old one may go on: a file
   * is renamed over it, not written anew. For origins that hand over files (`OriginRequest.takesFile`).
   */
  replace?(resource: OriginResource): Promise<void> | void;
  /** A source URL of the right scheme under which there is nothing. */
  readonly missing: string;
  /** Source URLs that it must not take: malformed, or forbidden by its rules. */
  readonly invalid?: readonly string[] | undefined;
  /** Another origin on the same place. */
  another?(): Origin;
  /** What is open or left over, each in a few words. */
  leaks?(): Promise<readonly string[]> | readonly string[];
  dispose?(): Promise<void> | void;
}

export interface OriginHarness {
  create(): Promise<OriginSubject> | OriginSubject;
}

export interface OriginConformanceOptions {
  readonly name: string;
  readonly harness: OriginHarness;
  readonly runner: Runner;
}

/** What an origin's tests work with. */
export class OriginEnv {
  readonly subject: OriginSubject;

  constructor(subject: OriginSubject) {
    this.subject = subject;
  }

  fetch(source: string, request: Partial<OriginRequest> = {}): Promise<OriginResponse> {
    return this.subject.origin.fetch(source, {
      headers: {},
      maxBytes: Number.MAX_SAFE_INTEGER,
      signal: new AbortController().signal,
      ...request,
    });
  }
}

/** How an origin under test comes and goes. */
export function originLife(harness: OriginHarness): PlainLife<OriginEnv> {
  return {
    async begin() {
      const subject = await harness.create();
      await subject.origin.open();
      return new OriginEnv(subject);
    },
    async end({ subject }) {
      await subject.origin.close();
      await subject.dispose?.();
    },
  };
}

/** Puts an origin to the test: one test of the runner for each requirement. */
export function originConformance({ name, harness, runner }: OriginConformanceOptions): void {
  const title = `${name} keeps the contract of origins`;
  registerPlainSuite(title, runner, originTests, originLife(harness), originRequirements);
}
