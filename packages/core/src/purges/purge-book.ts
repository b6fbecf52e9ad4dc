import type { PurgeAnnouncement } from '../contracts/coordinator.ts';

/** Purges that are remembered of each kind. */
const REMEMBERED = 20_000;

/** What may have been purged. */
export interface Purgeable {
  /** Where it lies, without an operator's prefix. */
  readonly key: string;
  /** The absolute URL that it is from. */
  readonly source: string;
  readonly tags?: readonly string[] | undefined;
  /** When its origin was asked for it, in milliseconds since the epoch. */
  readonly requestedAt: number;
}

/** When something was purged last, and the how manieth purge that was. */
interface Noted {
  readonly at: number;
  readonly number: number;
  /** What it concerns was removed from all that this process alone sees: nothing is left to be kept out. */
  readonly removed: boolean;
}

/**
 * What was purged, so that nothing that was asked for before is used any more: neither what lies where
 * nobody can remove it, such as the memory of another process, nor what was on its way. It belongs to
 * the process: a proxy that takes the place of another must know what that one has heard.
 *
 * Its memory is bounded. Of the purges of a kind it remembers the latest 20,000; `forgottenAt` is the time
 * of the latest forgotten one whose removal is not known of. What this process has removed itself is
 * forgotten without a trace: whoever may change much must not empty the cache by it.
 */
export class PurgeBook {
  #all: Noted | undefined;
  readonly #noted = {
    key: new Map<string, Noted>(),
    source: new Map<string, Noted>(),
    tag: new Map<string, Noted>(),
  };
  #forgottenAt = Number.NEGATIVE_INFINITY;
  /** The number of the latest purge of which only what comes out of a flight tells whether it concerns it. */
  #wide = 0;
  #count = 0;

  /** Nothing was ever purged. The one question that the path of a hit asks. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /**
   * When the latest purge was that is forgotten and may have left something behind, in milliseconds since
   * the epoch: entries and copies that only this process sees are right only if they are newer.
   */
  get forgottenAt(): number {
    return this.#forgottenAt;
  }

  /**
   * Notes a purge; returns whether it says anything new. Each begins a new era, also one that is not later
   * than what is known: clocks step back and differ, and what it is about has changed all the same. Only
   * what is heard of the very same time is a repetition.
   *
   * @param isOwn whether it was purged here, just now.
   */
  note({ scope, value, at: purgedAt }: PurgeAnnouncement, isOwn = false): boolean {
    const known = scope === 'all' ? this.#all : this.#noted[scope].get(value);
    if (!isOwn && known?.at === purgedAt) return false;
    const isNews = known === undefined || known.at < purgedAt;
    const at = isNews ? purgedAt : known.at;
    this.#count += 1;
    const noted = { at, number: this.#count, removed: !isNews && known.removed };
    if (scope !== 'key') this.#wide = this.#count;
    if (scope === 'all') {
      this.#all = noted;
      return isNews;
    }
    const map = this.#noted[scope];
    // Deleted first, so that it comes last.
    map.delete(value);
    map.set(value, noted);
    const [oldest] = map.size > REMEMBERED ? map : [];
    if (oldest !== undefined) {
      map.delete(oldest[0]);
      if (!oldest[1].removed) this.#forgottenAt = Math.max(this.#forgottenAt, oldest[1].at);
    }
    return isNews;
  }

  /** What a purge of keys concerns was removed from the storage, unless something newer was purged since. */
  removed(prefix: string, at: number): void {
    const noted = this.#noted.key.get(prefix);
    // In its place: `set` of a key that is there keeps the order.
    if (noted !== undefined && noted.at <= at) this.#noted.key.set(prefix, { ...noted, removed: true });
  }

  /**
   * Whether something was asked for before it was purged.
   *
   * @param forgets whether what is older than `forgottenAt` counts as purged: in a storage that only this
   *   process sees all of, where nobody else removes anything.
   */
  isPurged({ key, source, tags = [], requestedAt }: Purgeable, forgets: boolean): boolean {
    if (this.#count === 0) return false;
    const { source: sources, tag } = this.#noted;
    const isBefore = (noted: Noted | undefined): boolean => noted !== undefined && requestedAt <= noted.at;
    return (
      isBefore(this.#all) ||
      this.#ofKey(key).some(isBefore) ||
      isBefore(sources.get(source)) ||
      tags.some((one) => isBefore(tag.get(one))) ||
      (forgets && requestedAt <= this.#forgottenAt)
    );
  }

  /** Changes with each purge that may concern a key: what was begun in another era is no answer in this one. */
  eraOf(key: string): number {
    if (this.#count === 0) return 0;
    return this.#ofKey(key).reduce((latest, { number }) => Math.max(latest, number), this.#wide);
  }

  /** All that is remembered, for a process that begins later. */
  get announcements(): readonly PurgeAnnouncement[] {
    const all: PurgeAnnouncement[] = this.#all === undefined ? [] : [{ scope: 'all', value: '', at: this.#all.at }];
    for (const scope of ['key', 'source', 'tag'] as const)
      for (const [value, { at }] of this.#noted[scope]) all.push({ scope, value, at });
    return all;
  }

  /** The purges of prefixes that a key lies under: those that end with a slash, or are the whole key. */
  #ofKey(key: string): readonly Noted[] {
    const { key: noted } = this.#noted;
    if (noted.size === 0) return [];
    const found: Noted[] = [];
    const add = (prefix: string): void => {
      const one = noted.get(prefix);
      if (one !== undefined) found.push(one);
    };
    for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) add(key.slice(0, end + 1));
    add(key);
    return found;
  }
}
