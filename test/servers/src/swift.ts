import { installPackages } from './debian.ts';
import { dataFolder } from './processes.ts';
import type { ServerKind } from './server.ts';
import { findSwift, SWIFT_PACKAGES, startSwift } from './swift-node.ts';

/** OpenStack Swift on one node, with its native API, whose login is version 1, and its S3 API. */
export const swift: ServerKind = {
  name: 'swift',
  description: 'OpenStack Swift with its own login (version 1) and its S3 API, one node; from Debian packages',

  async find() {
    return findSwift();
  },

  async install(say) {
    if ((await this.find()) === undefined) await installPackages('Swift', SWIFT_PACKAGES, say);
  },

  async start() {
    const node = await startSwift(await dataFolder('swift'), { kind: 'tempauth' });
    return {
      ...node,
      name: this.name,
      access: {
        REGION: 'us-east-1',
        ACCESS_KEY_ID: 'test:tester',
        SECRET_ACCESS_KEY: 'testing',
        AUTH_URL: `${node.endpoint}/auth/v1.0`,
        USERNAME: 'test:tester',
        API_KEY: 'testing',
        // In the same account, and without any right.
        OTHER_USERNAME: 'test:guest',
        OTHER_API_KEY: 'testing3',
      },
    };
  },
};
