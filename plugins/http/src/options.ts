import type { OptionsOf } from '@tintype/core';

/** The settings of the web origin. They stand directly after `TINTYPE_`, without an infix. */
export const httpOptions = {
  ALLOW_LOOPBACK_SOURCE_ADDRESSES: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Allow sources whose host is this machine: 127.0.0.0/8 and ::1.',
  },
  ALLOW_PRIVATE_SOURCE_ADDRESSES: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description:
      'Allow sources in private networks: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7. On purpose the default differs from imgproxy, where it is true.',
  },
  ALLOW_LINK_LOCAL_SOURCE_ADDRESSES: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description:
      'Allow sources with link-local addresses: 169.254.0.0/16 and fe80::/10, where clouds keep their metadata services.',
  },
  MAX_REDIRECTS: {
    kind: 'integer',
    default: '10',
    min: 0,
    max: 100,
    imgproxy: true,
    description: 'How many redirects of a source are followed; 0 follows none.',
  },
  USER_AGENT: {
    kind: 'string',
    default: 'tintype',
    imgproxy: true,
    description: 'The User-Agent field of requests for sources.',
  },
  IGNORE_SSL_VERIFICATION: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Accept any TLS certificate of a source: whoever sits on the way can then replace images.',
  },
} as const;

/** The parsed settings of the web origin. */
export type HttpOptions = OptionsOf<typeof httpOptions>;
