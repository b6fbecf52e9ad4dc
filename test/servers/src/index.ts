import { azurite, azuriteOnDisk } from './azurite.ts';
import { fakeGcsServer } from './fake-gcs-server.ts';
import { fauxqs } from './fauxqs.ts';
import { keepFromNowOn } from './keeping.ts';
import { swiftKeystone } from './keystone.ts';
import { type RunningServer, ServerError, type ServerKind, variablePrefix } from './server.ts';
import { swift } from './swift.ts';
import { versitygw } from './versitygw.ts';

export { type AbsAccess, absAccess } from './abs-access.ts';
export { KeystoneAdmin } from './keystone-admin.ts';
export { freePorts } from './processes.ts';
export { type S3Access, s3Access } from './s3-access.ts';
export { type RunningServer, ServerError, type ServerKind } from './server.ts';
export { accessThrough, logInToSwift, type SwiftAccount } from './swift-login.ts';

/** Every kind of server, by name. */
export const servers: ReadonlyMap<string, ServerKind> = new Map(
  [versitygw, fakeGcsServer, swift, swiftKeystone, fauxqs, azurite, azuriteOnDisk].map((kind) => [kind.name, kind]),
);

/** A server for a test, or the sentence with which the test is skipped. */
export type ServerForTest =
  | { readonly server: RunningServer; readonly missing: undefined }
  | { readonly server: undefined; readonly missing: string };

/**
 * The server that a test asks for: the one that the environment names, else one that is installed,
 * started now. Whoever gets one stops it.
 *
 * The environment names one by `TINTYPE_TEST_<NAME>_ENDPOINT`, and what else begins with
 * `TINTYPE_TEST_<NAME>_` says how to get in.
 */
export async function serverForTest(name: string): Promise<ServerForTest> {
  const given = fromEnvironment(name);
  if (given !== undefined) return { server: given, missing: undefined };
  const kind = servers.get(name);
  if (kind === undefined)
    throw new ServerError(`There is no server "${name}"; there are ${[...servers.keys()].join(', ')}.`);
  if ((await kind.find()) === undefined) {
    return { server: undefined, missing: `the server ${name} is not installed; npm run servers -- install ${name}` };
  }
  // Before it starts: what is half-way up must not stay behind either.
  keepFromNowOn();
  return { server: await kind.start(), missing: undefined };
}

function fromEnvironment(name: string): RunningServer | undefined {
  const prefix = variablePrefix(name);
  const { ENDPOINT: endpoint, ...access } = Object.fromEntries(
    Object.entries(process.env).flatMap(([variable, value]) =>
      variable.startsWith(prefix) && value ? [[variable.slice(prefix.length), value]] : [],
    ),
  );
  if (endpoint === undefined) return undefined;
  return {
    name,
    endpoint,
    access,
    pids: [],
    folder: undefined,
    stop: async () => undefined,
  };
}
