import type { CheckResult, PurgeAnnouncement, SettingsInput } from '@tintype/core';

/** The settings of a config file, as read at some time; `undefined` if there is none. */
export type FileInput = NonNullable<SettingsInput['file']> | undefined;

/** What a service found when it had started. */
export interface Started {
  /** `http://127.0.0.1:8080`, or `unix:` and the path of a socket. */
  readonly address: string;
  readonly checks: readonly (CheckResult & { readonly part: string })[];
}

export type OnServing = (started: Started) => Promise<void>;

/** What serves behind one address: this process, or several that it supervises. */
export interface Service {
  /**
   * Resolves when all of it serves.
   *
   * @param onServing called once, as soon as requests are answered; nothing else is begun before it resolves.
   * @throws Failure, SettingsError, and what `onServing` throws; then nothing of it serves any more.
   */
  start(onServing: OnServing): Promise<void>;
  /**
   * Puts other settings in force, which were found right. Requests go on meanwhile. Those that a running
   * process cannot change are as they were at the start.
   *
   * @returns what could not be done, as sentences; then the settings before stay in force there.
   */
  reload(file: FileInput): Promise<readonly string[]>;
  /** Nothing of it that was asked for until then is used any more, once this has resolved. */
  hear(purge: PurgeAnnouncement): Promise<void>;
  /** All metrics in Prometheus' text format; only where `TINTYPE_PROMETHEUS_BIND` asks for them. */
  metrics(): Promise<string>;
  /**
   * Stops: not ready any more, after the delay not listening, then answers in flight and pending stores.
   *
   * @param drainDelay in seconds, where it differs from the settings.
   * @returns whether everything was closed, and in time; what was not is logged, and may hold the process.
   */
  stop(drainDelay?: number): Promise<boolean>;
}
