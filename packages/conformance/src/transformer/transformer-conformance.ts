import {
  type ImageFormat,
  NO_OPERATIONS,
  type Operations,
  type Transformer,
  type TransformLimits,
  type TransformResult,
} from '@tintype/core';
import { type PlainLife, registerPlainSuite } from '../engine/plain-suite.ts';
import type { Runner } from '../engine/runner.ts';
import { transformerRequirements } from './requirements.ts';
import { transformerTests } from './tests.ts';

/** A transformer under test. It must read PNG: the suite makes its pictures itself. */
export interface TransformerSubject {
  /** Fresh and unopened. */
  readonly transformer: Transformer;
  /** Another one with the same settings. */
  another?(): Transformer;
  dispose?(): Promise<void> | void;
}

export interface TransformerHarness {
  create(): Promise<TransformerSubject> | TransformerSubject;
}

export interface TransformerConformanceOptions {
  readonly name: string;
  readonly harness: TransformerHarness;
  readonly runner: Runner;
}

const LIMITS: TransformLimits = { maxSourcePixels: 50_000_000, maxFrames: 1, maxResultDimension: 8_192 };

/** What is asked of `transform`; the rest is as if nothing was asked for. */
export interface Asked {
  readonly operations?: Partial<Operations>;
  readonly format?: ImageFormat | null;
  readonly limits?: Partial<TransformLimits>;
  readonly signal?: AbortSignal;
}

/** What a transformer's tests work with. */
export class TransformerEnv {
  readonly subject: TransformerSubject;

  constructor(subject: TransformerSubject) {
    this.subject = subject;
  }

  get transformer(): Transformer {
    return this.subject.transformer;
  }

  transform(input: Uint8Array, asked: Asked = {}): Promise<TransformResult> {
    return this.transformer.transform({
      input,
      operations: { ...NO_OPERATIONS, ...asked.operations },
      output: { format: asked.format ?? null, quality: 0 },
      limits: { ...LIMITS, ...asked.limits },
      signal: asked.signal ?? new AbortController().signal,
    });
  }
}

/** How a transformer under test comes and goes. */
export function transformerLife(harness: TransformerHarness): PlainLife<TransformerEnv> {
  return {
    async begin() {
      const subject = await harness.create();
      await subject.transformer.open();
      return new TransformerEnv(subject);
    },
    async end({ subject }) {
      await subject.transformer.close();
      await subject.dispose?.();
    },
  };
}

/** Puts a transformer to the test: one test of the runner for each requirement. */
export function transformerConformance({ name, harness, runner }: TransformerConformanceOptions): void {
  const title = `${name} keeps the contract of transformers`;
  registerPlainSuite(title, runner, transformerTests, transformerLife(harness), transformerRequirements);
}
