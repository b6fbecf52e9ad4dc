import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from './process-identity.ts';

const KEEPER = fileURLToPath(new URL('./keeper.ts', import.meta.url));

/** What is to be gone once this process is. */
export type Kept = { readonly process: ProcessIdentity } | { readonly folder: string };

let keeper: ChildProcess | undefined;

/** From now on every process and folder that this process begins goes with it, even if it is killed. */
export function keepFromNowOn(): void {
  if (keeper !== undefined) return;
  keeper = spawn(process.execPath, [KEEPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  keeper.on('error', () => undefined);
  keeper.stdin?.on('error', () => undefined);
  keeper.unref();
  // A pipe of its own must not keep a run from ending either.
  (keeper.stdin as Partial<Socket> | null)?.unref?.();
}

/** Tells the keeper, if there is one: as soon as a thing is there, because a start may be killed half-way. */
export function keep(kept: Kept): void {
  keeper?.stdin?.write(`${JSON.stringify(kept)}\n`);
}
