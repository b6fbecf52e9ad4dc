import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import type { Bind } from '@tintype/core';

/**
 * Lets `server` listen; rejects with an error whose sentence says what to do.
 *
 * A socket file that a crashed server has left behind is removed; one that somebody answers is not.
 */
export async function listen(server: Server, bind: Bind, variable = 'TINTYPE_BIND'): Promise<void> {
  try {
    await tryToListen(server, bind);
  } catch (error) {
    if (bind.kind === 'unix' && codeOf(error) === 'EADDRINUSE' && (await isAbandoned(bind.path))) {
      await unlink(bind.path);
      await listen(server, bind, variable);
      return;
    }
    throw new Error(whatToDo(bind, error, variable), { cause: error });
  }
}

/** Where a listening server is reached: `http://127.0.0.1:8080`, `http://[::1]:8080`, `unix:/run/x.sock`. */
export function addressOf(server: Server, bind: Bind): { readonly address: string; readonly port: number | undefined } {
  const bound = server.address();
  if (bind.kind === 'unix' || bound === null || typeof bound === 'string') {
    return { address: `unix:${bind.kind === 'unix' ? bind.path : bound}`, port: undefined };
  }
  return { address: `http://${hostAndPort(bound.address, bound.port)}`, port: bound.port };
}

function tryToListen(server: Server, bind: Bind): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      server.off('error', settle);
      server.off('listening', settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    server.once('error', settle);
    server.once('listening', settle);
    server.listen(bind.kind === 'unix' ? { path: bind.path } : { host: bind.host, port: bind.port });
  });
}

/** Whether a path is a socket that refuses connections. */
async function isAbandoned(path: string): Promise<boolean> {
  const entry = await lstat(path).catch(() => undefined);
  if (entry?.isSocket() !== true) return false;
  return await new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });
}

function whatToDo(bind: Bind, error: unknown, variable: string): string {
  const code = codeOf(error);
  const where = bind.kind === 'unix' ? bind.path : hostAndPort(bind.host, bind.port);
  const elsewhere = `choose another bind (${variable})`;
  switch (code) {
    case 'EADDRINUSE':
      return `Something else listens on ${where} already: stop it, or ${elsewhere}.`;
    case 'EACCES':
    case 'EPERM':
      // For a socket, libuv says EACCES also where the folder is missing.
      return bind.kind === 'unix'
        ? `Cannot create the socket ${where}: its folder must exist and be writable for this user, or ${elsewhere}.`
        : `No permission to listen on ${where}: take a port from 1024 on, or ${elsewhere}.`;
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${where}: use 127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses, or ${elsewhere}.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of ${where} has no address: write an IP address, or ${elsewhere}.`;
    case 'EINVAL':
    case 'ENAMETOOLONG':
      return `Cannot listen on ${where} (${code}): a socket's path has at most 107 bytes; ${elsewhere}.`;
    default:
      return `Cannot listen on ${where} (${code ?? String(error)}): ${elsewhere}.`;
  }
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
