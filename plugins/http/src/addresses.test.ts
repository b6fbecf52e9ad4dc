import { expect, test } from 'vitest';
import { type AddressClass, classify, isReachable, refusal } from './addresses.ts';

const CLASSES: Record<AddressClass, readonly string[]> = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:80b::200e',
  ],
  loopback: ['127.0.0.1', '127.255.255.255', '::1'],
  private: ['10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fdff::1'],
  'link-local': ['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%lo'],
  unspecified: ['0.0.0.0', '0.255.255.255', '::'],
  shared: ['100.64.0.0', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  broadcast: ['255.255.255.255'],
  tunnelled: [
    '::ffff:127.0.0.1',
    '::ffff:1.1.1.1',
    '::127.0.0.1',
    '::10.0.0.1',
    '::ffff:0:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:101:101::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2a00:1450::5efe:10.0.0.1',
    '2a00:1450::200:5efe:10.0.0.1',
    '2a00:1450::300:5efe:10.0.0.1',
    'fe80::5efe:7f00:1',
  ],
  reserved: [
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '240.0.0.1',
    '255.255.255.254',
    'fec0::1',
    '100::1',
    '2001:2::1',
    '2001:10::1',
    '2001:20::1',
    '2001:db8::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    '1fff::1',
    'fe00::1',
  ],
  invalid: ['', 'localhost', '127.1', '0177.0.0.1', '2130706433', '1.2.3.4.5', ':::'],
};

for (const [kind, addresses] of Object.entries(CLASSES)) {
  test.each(addresses)(`%s is ${kind}`, (address) => {
    expect(classify(address)).toBe(kind);
  });
}

const CLOSED = {
  allowLoopbackSourceAddresses: false,
  allowPrivateSourceAddresses: false,
  allowLinkLocalSourceAddresses: false,
};

test.each([
  ['allowLoopbackSourceAddresses', 'loopback'],
  ['allowPrivateSourceAddresses', 'private'],
  ['allowLinkLocalSourceAddresses', 'link-local'],
])('%s opens the class %s and no other', (option, kind) => {
  const opened = (Object.keys(CLASSES) as AddressClass[]).filter((each) =>
    isReachable(each, { ...CLOSED, [option]: true }),
  );
  expect(opened.sort()).toEqual(['public', kind].sort());
});

test('a refusal names the class and, where there is one, the variable that allows it', () => {
  expect(refusal('private')).toBe(
    'The host of the source has a private address, which only TINTYPE_ALLOW_PRIVATE_SOURCE_ADDRESSES=true allows.',
  );
  expect(refusal('unspecified')).toBe('The host of the source has an unspecified address, which no setting allows.');
});
