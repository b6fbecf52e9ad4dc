import type { StorageRequirementId } from '../../catalogue/catalogue.ts';
import type { StorageFault } from '../fault.ts';
import { type HttpFlaws, httpSubject } from '../http-reference.ts';

function httpFault(
  name: string,
  breaks: string,
  flaws: HttpFlaws,
  caughtBy: readonly StorageRequirementId[],
  perhapsBy: readonly StorageRequirementId[] = [],
): StorageFault {
  // What never comes need not be waited for as long as on a slow machine.
  const isWaitedFor = flaws.ignoresAbort || flaws.keepsConnections;
  return {
    name,
    breaks,
    caughtBy,
    perhapsBy,
    harness: { ...(isWaitedFor && { operationTimeoutMs: 3_000 }), create: () => httpSubject(flaws) },
  };
}

/** Faults of adapters that speak to a server. */
export const networkFaults: readonly StorageFault[] = [
  httpFault(
    'lost-answer-not-applied',
    'A put whose answer was lost is reported as not applied.',
    { claimsNotApplied: true },
    ['errors.lost-answer'],
  ),
  httpFault('retry-after-forgotten', 'Retry-After is not passed on.', { forgetsRetryAfter: true }, [
    'errors.throttling',
  ]),
  httpFault('retries-by-itself', 'The adapter sends a failing request again by itself.', { retries: true }, [
    'errors.no-retries-of-its-own',
  ]),
  httpFault('lost-connection-is-a-miss', 'A get whose connection is lost is a miss.', { lostIsMiss: true }, [
    'errors.throttling',
    'errors.server-failure',
    'errors.lost-request',
    'errors.garbage',
  ]),
  httpFault('abort-of-requests-ignored', 'A request to a silent server cannot be aborted.', { ignoresAbort: true }, [
    'put.aborted-creates-nothing',
    'errors.silence-can-be-aborted',
  ]),
  httpFault('short-bodies-accepted', 'A body that the network cut off just ends.', { acceptsShortBodies: true }, [
    'errors.truncated-body',
  ]),
  httpFault('head-before-get', 'Every get asks with HEAD first.', { headBeforeGet: true }, [
    'resources.one-request-per-get',
  ]),
  httpFault(
    'server-errors-are-internal',
    'A 500 is a defect and not to be retried.',
    { serverErrorsAreInternal: true },
    ['errors.server-failure', 'errors.throttling'],
  ),
  httpFault('network-errors-unmapped', 'Errors of the network come out as they are.', { throwsPlainErrors: true }, [
    'errors.lost-request',
    'errors.lost-answer',
    'errors.garbage',
  ]),
  httpFault('keeps-connections', '`close` leaves idle connections open.', { keepsConnections: true }, [
    'lifecycle.close-frees-unread-bodies',
    'errors.leave-no-connection',
  ]),
];
