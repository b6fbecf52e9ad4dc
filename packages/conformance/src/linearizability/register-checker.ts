import type { RegisterCall, RegisterOperation } from './history.ts';

/** The state of one key: absent, or a body with its metadata and version. */
interface Register {
  readonly value: string;
  readonly note: string;
  /** `undefined` while the write's answer, and so its version, is unknown. */
  readonly version: string | undefined;
}

/** `false`: what the client was told is impossible in this state; otherwise the state afterwards. */
function step(state: Register | undefined, call: RegisterCall): Register | undefined | false {
  switch (call.kind) {
    case 'put':
      return { value: call.value, note: call.value, version: call.version };
    case 'create':
      if (call.refused) return state === undefined ? false : state;
      return state === undefined ? { value: call.value, note: call.value, version: call.version } : false;
    case 'replace': {
      const holds = state !== undefined && (state.version === undefined || state.version === call.ifVersion);
      if (call.refused) return holds && state.version !== undefined ? false : state;
      return holds ? { value: call.value, note: call.value, version: call.version } : false;
    }
    case 'delete':
      return undefined;
    case 'delete-version': {
      const holds = state !== undefined && (state.version === undefined || state.version === call.ifVersion);
      if (call.refused) return holds && state.version !== undefined ? false : state;
      return holds ? undefined : false;
    }
    case 'describe':
      if (!call.found) return state === undefined ? undefined : false;
      return state === undefined ? false : { value: state.value, note: call.note, version: call.version };
    case 'read': {
      if (!call.found) return state === undefined ? undefined : false;
      if (state === undefined) return false;
      if (call.value !== undefined && call.value !== state.value) return false;
      if (call.note !== undefined && call.note !== state.note) return false;
      if (call.version === undefined || state.version === undefined) return state;
      return call.version === state.version ? state : false;
    }
  }
}

function text(state: Register | undefined): string {
  return state === undefined ? '-' : `${state.value}\n${state.note}\n${state.version ?? '?'}`;
}

/**
 * Whether the operations on one key can be put into one order that respects time (what was answered
 * before another was called comes before it) and explains every answer. Wing and Gong's search, with
 * the memory of Lowe: a set of operations done and a state are tried once.
 *
 * All begin with no entry. Operations without an answer may be left out.
 */
export function isLinearizable(operations: readonly RegisterOperation[]): boolean {
  const sorted = [...operations].sort((a, b) => a.called - b.called);
  const mustHappen = sorted.filter((operation) => Number.isFinite(operation.answered)).length;
  const tried = new Set<string>();
  const done = new Array<boolean>(sorted.length).fill(false);

  const search = (state: Register | undefined, settledCount: number, from: number): boolean => {
    if (settledCount === mustHappen) return true;
    let first = from;
    while (done[first]) first++;
    const memory = `${first}:${doneFrom(done, first)}|${text(state)}`;
    if (tried.has(memory)) return false;
    tried.add(memory);
    // Only what was called before the earliest answer of those still to come may be next.
    let horizon = Number.POSITIVE_INFINITY;
    for (let i = first; i < sorted.length; i++) {
      const operation = sorted[i];
      if (operation === undefined || operation.called > horizon) break;
      if (!done[i]) horizon = Math.min(horizon, operation.answered);
    }
    for (let i = first; i < sorted.length; i++) {
      const operation = sorted[i];
      if (operation === undefined || operation.called > horizon) break;
      if (done[i]) continue;
      const next = step(state, operation.call);
      if (next === false) continue;
      done[i] = true;
      if (search(next, settledCount + (Number.isFinite(operation.answered) ? 1 : 0), first)) return true;
      done[i] = false;
    }
    return false;
  };
  return search(undefined, 0, 0);
}

function doneFrom(done: readonly boolean[], first: number): string {
  let last = done.length - 1;
  while (last >= first && !done[last]) last--;
  let bits = '';
  for (let i = first; i <= last; i++) bits += done[i] ? '1' : '0';
  return bits;
}

/**
 * The smallest part of a history that still cannot be explained. Only steps that keep the proof are
 * taken: leave out what came later, reads, refusals, and writes that nobody who remains has seen.
 */
export function smallestCounterExample(operations: readonly RegisterOperation[]): readonly RegisterOperation[] {
  let history = [...operations].sort((a, b) => a.called - b.called);
  history = shortestPrefix(history);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = history.length - 1; i >= 0; i--) {
      const operation = history[i];
      if (operation === undefined) continue;
      const rest = history.filter((_, index) => index !== i);
      if (!mayGo(operation, rest) || isLinearizable(rest)) continue;
      history = rest;
      changed = true;
    }
  }
  return history;
}

/** What had been answered by a moment, with what was then still under way as unknown. */
function prefixAt(history: readonly RegisterOperation[], moment: number): RegisterOperation[] {
  return history
    .filter((operation) => operation.called <= moment)
    .map((operation) => (operation.answered <= moment ? operation : unanswered(operation)))
    .filter((operation) => operation !== undefined);
}

/** An operation whose answer nobody had yet. A read or a refusal then says nothing. */
function unanswered(operation: RegisterOperation): RegisterOperation | undefined {
  const { call } = operation;
  if (call.kind === 'read' || ('refused' in call && call.refused)) return undefined;
  if (call.kind === 'describe' && !call.found) return undefined;
  return { ...operation, answered: Number.POSITIVE_INFINITY };
}

function shortestPrefix(history: readonly RegisterOperation[]): RegisterOperation[] {
  const moments = history.map((operation) => operation.answered).filter(Number.isFinite);
  moments.sort((a, b) => a - b);
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isLinearizable(prefixAt(history, moments[middle] ?? 0))) low = middle + 1;
    else high = middle;
  }
  const shortest = prefixAt(history, moments[low] ?? Number.POSITIVE_INFINITY);
  return isLinearizable(shortest) ? [...history] : shortest;
}

/** Whether leaving this operation out cannot make an explainable history inexplicable. */
function mayGo(operation: RegisterOperation, rest: readonly RegisterOperation[]): boolean {
  const { call } = operation;
  if (call.kind === 'read') return true;
  if ('refused' in call && call.refused) return true;
  if (call.kind === 'describe') return !call.found;
  const others = rest.map((other) => other.call);
  if (call.kind === 'delete' || call.kind === 'delete-version') {
    return !others.some(
      (other) =>
        ('found' in other && !other.found) ||
        (other.kind === 'create' && !other.refused) ||
        ('refused' in other && other.refused && other.kind !== 'create'),
    );
  }
  return !others.some(
    (other) =>
      (other.kind === 'read' && other.found && (other.value === undefined || other.value === call.value)) ||
      (other.kind === 'read' && other.version !== undefined && other.version === call.version) ||
      ('ifVersion' in other && other.ifVersion === call.version) ||
      ('refused' in other && other.refused) ||
      (other.kind === 'describe' && other.found),
  );
}
