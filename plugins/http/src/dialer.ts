import { ADDRCONFIG } from 'node:dns';
import { lookup as resolve } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { OriginError } from '@tintype/core';
import { Agent, buildConnector } from 'undici';
import { type AddressClass, type AddressRules, classify, isReachable, refusal } from './addresses.ts';
import { watchUse } from './reuse.ts';

/** An address that a name resolved to. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Resolves a host name to all of its addresses. Rejects if there are none. */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** The system's resolver, `/etc/hosts` included. */
export const systemLookup: Lookup = async (hostname) => {
  const found = await resolve(hostname, { all: true, hints: ADDRCONFIG });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/** More than any server has reason to send; Node's own limit is 16 KiB. */
export const MAX_HEADER_BYTES: number = 32 * 1024;

/** Idle connections are kept as long as the server says, but no longer than this. */
export const MAX_KEEP_ALIVE_MS = 60_000;

export interface DialerSettings {
  readonly rules: AddressRules;
  readonly lookup: Lookup;
  readonly ignoreSslVerification: boolean;
  /** For connecting, TLS included, and for each gap in a body, in milliseconds. */
  readonly timeoutMs: number;
  /** For each gap in a body, if it is another one. */
  readonly idleMs?: number;
  /** undici's: 1 keeps connections, 0 makes a new one for each request. */
  readonly pipelining: 0 | 1;
}

/**
 * A pool of HTTP/1.1 connections that reach only what the rules allow.
 *
 * The check sits where the connection is made and not on the URL, so that no notation, no name that
 * changes its address between two look-ups (DNS rebinding) and no redirect gets around it: the
 * addresses that were checked are the ones that are dialled. A pooled connection was checked in the
 * same way, and its address cannot change any more.
 *
 * Proxies named by the environment are not used: they would resolve names themselves.
 */
export function createDialer(settings: DialerSettings): Agent {
  const dial = buildConnector({
    allowH2: false,
    timeout: settings.timeoutMs,
    rejectUnauthorized: !settings.ignoreSslVerification,
    autoSelectFamily: true,
    lookup: checkedLookup(settings),
  });
  return new Agent({
    allowH2: false,
    pipelining: settings.pipelining,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveMaxTimeout: MAX_KEEP_ALIVE_MS,
    // The origin has its own clock for headers, which also covers a queue, a lookup and 1xx answers.
    headersTimeout: 0,
    bodyTimeout: settings.idleMs ?? settings.timeoutMs,
    connect(target, callback) {
      // Sockets don't look up literal addresses.
      if (isIP(target.hostname) !== 0) {
        const kind = classify(target.hostname);
        if (!isReachable(kind, settings.rules)) {
          queueMicrotask(() => callback(refused(kind), null));
          return;
        }
      }
      dial(target, (...result) => {
        const [error, socket] = result;
        if (error !== null) return callback(error, null);
        // Holds even if something between the lookup and the socket should go wrong one day.
        const kind = classify(socket.remoteAddress ?? '');
        if (isReachable(kind, settings.rules)) {
          watchUse(socket);
          return callback(null, socket);
        }
        socket.destroy();
        return callback(kind === 'invalid' ? new Error('The connection was closed at once.') : refused(kind), null);
      });
    },
  });
}

/** The lookup of the sockets: gives only reachable addresses, and refuses if there are none. */
export function checkedLookup({ lookup, rules }: Pick<DialerSettings, 'lookup' | 'rules'>): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname).then(
      (found) => {
        const reachable = found.filter(({ address }) => isReachable(classify(address), rules));
        const [first] = reachable;
        if (first === undefined) {
          callback(refused(classify(found[0]?.address ?? '')), []);
        } else if (options.all === true) {
          callback(null, [...reachable]);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

function refused(kind: AddressClass): OriginError {
  return new OriginError('refused', refusal(kind));
}
