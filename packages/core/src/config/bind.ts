import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { Bind } from '../contracts/options.ts';

/**
 * Reads where to listen: `host:port`, `[v6]:port`, `:port` (every interface), a socket's path, or a
 * port alone (what platforms put into `PORT`), which stays on the loopback address.
 *
 * An empty host stands for every interface: left to `listen`, it works with and without IPv6.
 *
 * @returns `undefined` if it is none of these.
 */
export function parseBind(text: string, cwd: string): Bind | undefined {
  const path = text.startsWith('unix:') ? text.slice('unix:'.length) : /[/\\]/.test(text) ? text : undefined;
  if (path !== undefined) return path === '' ? undefined : { kind: 'unix', path: resolve(cwd, path) };

  if (/^\d+$/.test(text)) return tcp('127.0.0.1', text);
  const match = /^(?:\[([^\]]*)\]|([^:[\]\s]*)):(\d+)$/.exec(text);
  if (!match) return undefined;
  const [, bracketed, plain = '', port = ''] = match;
  if (bracketed === undefined) return tcp(plain, port);
  return isIPv6(bracketed) ? tcp(bracketed, port) : undefined;
}

function tcp(host: string, portText: string): Bind | undefined {
  const port = Number(portText);
  return port <= 65_535 ? { kind: 'tcp', host, port } : undefined;
}

/** The text that `parseBind` reads as this. */
export function formatBind(bind: Bind): string {
  if (bind.kind === 'unix') return `unix:${bind.path}`;
  return `${isIPv6(bind.host) ? `[${bind.host}]` : bind.host}:${bind.port}`;
}

/** Whether only this machine can connect: a loopback address, or a socket file. */
export function isLoopbackBind(bind: Bind): boolean {
  if (bind.kind === 'unix') return true;
  const host = bind.host.toLowerCase();
  if (isIPv4(host)) return host.startsWith('127.');
  return host === 'localhost' || host === '::1' || /^::ffff:127\./.test(host);
}
