import { coreSection, type Plugin, type Section, type SettingsInput, SettingsReader } from '@tintype/core';
import type { Logger } from '@tintype/server';
import { describeFailure, Failure } from '../failure.ts';
import { fileInput, loadConfig } from '../load-config.ts';
import { makeProxy } from '../make-proxy.ts';
import { unsafeParts } from '../start-line.ts';
import { whyNotUnsigned } from '../unsigned-bind.ts';
import { asStarted, FOR_A_START } from './for-a-start.ts';
import type { Service } from './service.ts';
import { changesBetween, snapshotOf } from './snapshot.ts';

function sameRules(before: SettingsInput, after: SettingsInput): boolean {
  return JSON.stringify(before.file?.cacheRules) === JSON.stringify(after.file?.cacheRules);
}

function sameEndpoints(before: SettingsInput, after: SettingsInput): boolean {
  return JSON.stringify(before.file?.endpoints) === JSON.stringify(after.file?.endpoints);
}

export interface ReloaderOptions {
  readonly plugins: readonly Plugin[];
  readonly sections: readonly Section[];
  /** What is in force at the start. */
  readonly input: SettingsInput;
  readonly cwd: string;
  readonly service: Service;
  readonly logger: Logger;
}

/** Reads the config file again when it is told to, and lets a service go on with what is in it. */
export class Reloader {
  readonly #options: ReloaderOptions;
  /** What is in force. */
  #input: SettingsInput;
  #times = 0;
  #stopped = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#input = options.input;
  }

  /** From now on nothing is put in force, nor told: the service is stopping. */
  stop(): void {
    this.#stopped = true;
  }

  /** One after the other. Never rejects: what is wrong is logged, and what was in force stays. */
  reload(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reload());
    return this.#turn;
  }

  async #reload(): Promise<void> {
    if (this.#stopped) return;
    const { plugins, sections, service, logger, input: start } = this.#options;
    /** As it stands in the file: what a restart would put in force. */
    let read: SettingsInput;
    let input: SettingsInput;
    let strangers: readonly string[];
    let unsafe: readonly string[];
    try {
      ({ input: read, strangers } = await this.#read());
      const restarted = await makeProxy(plugins, read);
      const { file, ...fixed } = read;
      input = file === undefined ? fixed : { ...fixed, file: asStarted(start.file, file) };
      const next = await makeProxy(plugins, input);
      // Also at the address that it goes on to listen on.
      const refusal = whyNotUnsigned(restarted) ?? whyNotUnsigned(next);
      if (refusal !== undefined) throw new Failure(refusal);
      for (const warning of restarted.warnings) logger.warn(warning);
      unsafe = unsafeParts(next.settings, next.effective, next.endpoints);
    } catch (error) {
      logger.error(`The new configuration is not used, the one before stays in force: ${describeFailure(error).text}`);
      return;
    }
    const now = [
      ...changesBetween(snapshotOf(sections, this.#input), snapshotOf(sections, input)),
      ...(sameEndpoints(this.#input, input) ? [] : ['endpoints']),
      ...(sameRules(this.#input, input) ? [] : ['cacheRules']),
    ];
    const later = changesBetween(snapshotOf(sections, start), snapshotOf(sections, read)).filter((variable) =>
      FOR_A_START.has(variable),
    );
    if (this.#stopped) return;
    const problems = await service.reload(input.file);
    if (this.#stopped) return;
    if (problems.length > 0) {
      logger.error(
        `The new configuration could not be put in force, the one before stays in force: ${problems.join(' ')}`,
      );
      return;
    }
    this.#input = input;
    logger.info(`The configuration was read again; ${now.length === 0 ? 'nothing' : now.join(', ')} changed.`);
    if (unsafe.length > 0) logger.warn(`UNSAFE: ${unsafe.join(', ')}`);
    if (later.length > 0) logger.warn(`A restart is needed before this is in force: ${later.join(', ')}.`);
    if (strangers.length > 0)
      logger.warn(`A restart is needed before these plugins are there: ${strangers.join(', ')}.`);
  }

  async #read(): Promise<{ readonly input: SettingsInput; readonly strangers: readonly string[] }> {
    const { plugins, cwd, input } = this.#options;
    const { file: _before, ...fixed } = input;
    const { config } = new SettingsReader(fixed).read(coreSection);
    this.#times += 1;
    const loaded = await loadConfig(config, cwd, this.#times);
    const before = this.#input.file?.name;
    // Perhaps it is just being replaced: without its keys and limits anybody could ask for anything.
    if (loaded === undefined && before !== undefined) throw new Failure(`The config file ${before} is gone.`);
    const names = new Set(plugins.map(({ name }) => name));
    return {
      input: {
        ...fixed,
        ...(loaded === undefined ? {} : { file: fileInput(loaded) }),
      },
      strangers: (loaded?.config.plugins ?? []).map(({ name }) => name).filter((name) => !names.has(name)),
    };
  }
}
