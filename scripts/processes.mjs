// Children: one whose output is kept, one that has the terminal.

import { spawn } from 'node:child_process';
import { root, toolEnvironment } from './workspace.mjs';

/**
 * Runs to the end and keeps what it said, stdout and stderr as they came.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, shell?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>} a command that cannot be started has code 127
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    /** @type {Buffer[]} */
    const chunks = [];
    const child = spawn(command, args, {
      cwd: root,
      env: toolEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}

/**
 * Gives a child the terminal and waits for it. Ctrl+C reaches the whole process group, so here it is only waited out;
 * SIGTERM comes to this process alone and is passed on. npm does not pass SIGTERM on to what it runs, it just ends:
 * so losing the parent counts as SIGTERM, or a stopped `npm start` would go on listening.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] added to the environment
 * @returns {Promise<number>} the exit code
 */
export function attach(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...toolEnvironment(), ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const waitOut = () => {};
    const passOn = () => child.kill('SIGTERM');
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      passOn();
    }, 250);
    process.on('SIGINT', waitOut);
    process.on('SIGTERM', passOn);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      process.off('SIGINT', waitOut);
      process.off('SIGTERM', passOn);
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1));
    });
  });
}
