import { userInfo } from 'node:os';
import { join } from 'node:path';

export interface SwiftPorts {
  readonly proxy: number;
  readonly account: number;
  readonly container: number;
  readonly object: number;
  readonly memcached: number;
}

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
`;
}

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
[object-updater]
[container-updater]
`;
}

/** Middleware of the proxy, in the order in which requests pass it, with the settings that are not the default. */
const MIDDLEWARE: readonly (readonly [name: string, ...settings: string[]])[] = [
  ['catch_errors'],
  ['gatekeeper'],
  ['healthcheck'],
  ['cache'],
  ['listing_formats'],
  ['bulk'],
  ['s3api', 'location = us-east-1', 's3_acl = false', 'check_bucket_owner = false'],
  ['tempauth', 'user_test_tester = testing .admin', 'user_test_other = testing2 .admin'],
  ['copy'],
  ['slo'],
  ['dlo'],
];

/** The egg's name where it is not the filter's. */
const EGGS: { readonly [name: string]: string } = { cache: 'memcache' };

export function proxyConfig(folder: string, ports: SwiftPorts): string {
  const filters = MIDDLEWARE.map(([name, ...settings]) => {
    const more =
      name === 'cache' ? [`memcache_servers = 127.0.0.1:${ports.memcached}`, 'memcache_max_connections = 64'] : [];
    return [`[filter:${name}]`, `use = egg:swift#${EGGS[name] ?? name}`, ...settings, ...more, ''].join('\n');
  });
  return `${common(folder, ports.proxy)}
[pipeline:main]
pipeline = ${MIDDLEWARE.map(([name]) => name).join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
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
