import { type Coordinator, LocalCoordinator, type PurgeAnnouncement } from '@tintype/core';

/** Tells other processes of a purge; resolves when they have heard of it, or will not. Never rejects. */
export type TellOthers = (purge: PurgeAnnouncement) => Promise<void>;

/** What was purged, told among the proxies of one process (two while one takes the other's place) and to other processes. */
export class PurgeHub {
  readonly #tellOthers: TellOthers;
  readonly #members = new Set<Member>();

  constructor(tellOthers: TellOthers) {
    this.#tellOthers = tellOthers;
  }

  /** For one proxy, which closes it. */
  coordinator(): Coordinator {
    return new Member(this.#members, (purge) => this.#announce(purge));
  }

  /** Whether a coordinator is one of its own. */
  made(coordinator: Coordinator): boolean {
    return coordinator instanceof Member;
  }

  /** Another process has announced it. */
  async hear(purge: PurgeAnnouncement): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.hear(purge)));
  }

  async #announce(purge: PurgeAnnouncement): Promise<void> {
    await Promise.all([this.hear(purge), this.#tellOthers(purge)]);
  }
}

/** Leases are of one process; announcements go to all. */
class Member extends LocalCoordinator {
  readonly #members: Set<Member>;
  readonly #announce: (purge: PurgeAnnouncement) => Promise<void>;

  constructor(members: Set<Member>, announce: (purge: PurgeAnnouncement) => Promise<void>) {
    super();
    this.#members = members;
    this.#announce = announce;
  }

  override async open(): Promise<void> {
    this.#members.add(this);
  }

  override async close(): Promise<void> {
    this.#members.delete(this);
    await super.close();
  }

  override announce(purge: PurgeAnnouncement): Promise<void> {
    return this.#announce(purge);
  }

  hear(purge: PurgeAnnouncement): Promise<void> {
    return super.announce(purge);
  }
}
