import { userInfo } from 'node:os';
import { join } from 'node:path';

export interface SwiftPorts {
  readonly proxy: number;
  readonly account: number;
  readonly container: number;
  readonly object: number;
  readonly memcached: number;
}

/** Who says which tokens are good: Swift itself, or Keystone. */
export type SwiftAuth =
  | { readonly kind: 'tempauth' }
  | {
      readonly kind: 'keystone';
      /** `http://127.0.0.1:5000/v3` */
      readonly url: string;
      /** Of the user `swift` in the project `service`. */
      readonly password: string;
    };

/** Settings that every server of the node has. */
function common(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${join(folder, 'etc')}
devices = ${join(folder, 'devices')}
recon_cache_path = ${join(folder, 'recon')}
mount_check = false
disable_fallocate = true
max_clients = 1024
log_level = WARNING
log_requests = false
`;
}

/**
 * Longest times for what the servers ask each other, in seconds. The defaults, half a second to connect among them,
 * make a 503 of a machine that is busy, and an object that is missing in the listing: no updater runs that would mend it.
 */
const PATIENCE = `node_timeout = 120
conn_timeout = 120
`;

/** The same for tokens: one that cannot be looked up in time is refused. */
const MEMCACHED_PATIENCE = ['connect_timeout = 120', 'pool_timeout = 120', 'io_timeout = 120'];

/** swift.conf: what the names of all data are hashed with. */
export function swiftConfig(): string {
  return `[swift-hash]
swift_hash_path_prefix = tintype
swift_hash_path_suffix = tests
[storage-policy:0]
name = only
default = yes
`;
}

export function serverConfig(kind: 'account' | 'container' | 'object', folder: string, port: number): string {
  return `${common(folder, port)}
[pipeline:main]
pipeline = healthcheck ${kind}-server
[filter:healthcheck]
use = egg:swift#healthcheck
[app:${kind}-server]
use = egg:swift#${kind}
${PATIENCE}# An object is answered for once it is listed.
container_update_timeout = 120
[object-updater]
[container-updater]
`;
}

type Filter = readonly [name: string, ...settings: string[]];

/** Swift's own login, with S3 beside it. */
const TEMPAUTH: readonly Filter[] = [
  ['s3api', 'location = us-east-1', 's3_acl = false', 'check_bucket_owner = false'],
  ['tempauth', 'user_test_tester = testing .admin', 'user_test_other = testing2 .admin', 'user_test_guest = testing3'],
];

function keystoneauth(url: string, password: string): readonly Filter[] {
  return [
    [
      'authtoken',
      `www_authenticate_uri = ${url}`,
      `auth_url = ${url}`,
      'auth_type = password',
      'username = swift',
      `password = ${password}`,
      'project_name = service',
      'project_domain_id = default',
      'user_domain_id = default',
      // What is not signed goes on to the next, which refuses it.
      'delay_auth_decision = true',
      'cache = swift.cache',
      'include_service_catalog = false',
      // A token that was revoked is refused soon.
      'token_cache_time = 1',
    ],
    ['keystoneauth', 'operator_roles = admin, member'],
  ];
}

/** Middleware of the proxy, in the order in which requests pass it, with the settings that are not the default. */
function middleware(auth: SwiftAuth): readonly Filter[] {
  return [
    ['catch_errors'],
    ['gatekeeper'],
    ['healthcheck'],
    ['cache'],
    ['listing_formats'],
    ['bulk'],
    ...(auth.kind === 'tempauth' ? TEMPAUTH : keystoneauth(auth.url, auth.password)),
    ['copy'],
    ['slo'],
    ['dlo'],
  ];
}

/** The egg's name where it is not the filter's. */
const EGGS: { readonly [name: string]: string } = { cache: 'memcache' };

export function proxyConfig(folder: string, ports: SwiftPorts, auth: SwiftAuth): string {
  const passed = middleware(auth);
  const filters = passed.map(([name, ...settings]) => {
    const more =
      name === 'cache'
        ? [`memcache_servers = 127.0.0.1:${ports.memcached}`, 'memcache_max_connections = 64', ...MEMCACHED_PATIENCE]
        : [];
    const egg =
      name === 'authtoken'
        ? 'paste.filter_factory = keystonemiddleware.auth_token:filter_factory'
        : `use = egg:swift#${EGGS[name] ?? name}`;
    return [`[filter:${name}]`, egg, ...settings, ...more, ''].join('\n');
  });
  return `${common(folder, ports.proxy)}
[pipeline:main]
pipeline = ${passed.map(([name]) => name).join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
${PATIENCE}account_autocreate = true
allow_account_management = true
# There is one node only: without this, a few time-outs of it make everything a 503 for a minute.
error_suppression_interval = 0
${filters.join('\n')}`;
}

/** Python: one device on one node, with the ports of object, container and account server. */
export const ringScript = `
import sys
from swift.common.ring import RingBuilder
folder, *ports = sys.argv[1:]
for kind, port in zip(('object', 'container', 'account'), ports):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port),
                     'replication_ip': '127.0.0.1', 'replication_port': int(port),
                     'device': 'd1', 'weight': 1.0, 'meta': ''})
    builder.rebalance()
    builder.get_ring().save(folder + '/' + kind + '.ring.gz')
`;
