import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * What an IP address is for. Only `public` (globally routable unicast) is reachable by default.
 *
 * | class | addresses |
 * |---|---|
 * | `loopback` | 127.0.0.0/8, ::1 |
 * | `private` | RFC 1918, fc00::/7 |
 * | `link-local` | 169.254.0.0/16, fe80::/10 |
 * | `unspecified` | 0.0.0.0/8, :: |
 * | `shared` | 100.64.0.0/10, carrier-grade NAT (RFC 6598) |
 * | `multicast`, `broadcast` | 224.0.0.0/4, ff00::/8; 255.255.255.255 |
 * | `tunnelled` | IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP |
 * | `reserved` | whatever else the IANA special-purpose registries hold, and IPv6 outside 2000::/3 |
 * | `invalid` | no IP address at all |
 */
export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'unspecified'
  | 'shared'
  | 'multicast'
  | 'broadcast'
  | 'tunnelled'
  | 'reserved'
  | 'invalid';

/** Classifies an address in the notation of resolvers and sockets; an IPv6 zone (`%eth0`) is ignored. */
export function classify(address: string): AddressClass {
  if (isIPv4(address)) return classifyV4(ipaddr.IPv4.parse(address));
  if (isIPv6(address)) return classifyV6(ipaddr.IPv6.parse(address));
  return 'invalid';
}

function classifyV4(address: ipaddr.IPv4): AddressClass {
  const range = address.range();
  switch (range) {
    case 'unicast':
      return 'public';
    case 'loopback':
    case 'private':
    case 'unspecified':
    case 'multicast':
    case 'broadcast':
      return range;
    case 'linkLocal':
      return 'link-local';
    case 'carrierGradeNat':
      return 'shared';
    default:
      return 'reserved';
  }
}

function classifyV6(address: ipaddr.IPv6): AddressClass {
  const range = address.range();
  // `::` and `::1` lie in the range of the compatible form, so they come first.
  if (range === 'unspecified' || range === 'loopback') return range;
  if (isCompatible(address) || isIsatap(address)) return 'tunnelled';
  switch (range) {
    case 'unicast':
      // An allow list: IANA has given out no other global unicast (RFC 4291 §2.4).
      return ((address.parts[0] ?? 0) & 0xe000) === 0x2000 ? 'public' : 'reserved';
    case 'multicast':
      return range;
    case 'linkLocal':
      return 'link-local';
    case 'uniqueLocal':
      return 'private';
    case 'ipv4Mapped':
    case 'rfc6145':
    case 'rfc6052':
    case '6to4':
    case 'teredo':
      return 'tunnelled';
    default:
      return 'reserved';
  }
}

/** `::a.b.c.d`, RFC 4291 §2.5.5.1. */
function isCompatible(address: ipaddr.IPv6): boolean {
  return address.parts.slice(0, 6).every((part) => part === 0);
}

/** Interface identifier `00-00-5E-FE` with the u and g bits in any state, under any prefix: RFC 5214 §6.1. */
function isIsatap(address: ipaddr.IPv6): boolean {
  return ((address.parts[4] ?? 0) & 0xfcff) === 0 && address.parts[5] === 0x5efe;
}

/** The classes that an operator may open. */
export interface AddressRules {
  readonly allowLoopbackSourceAddresses: boolean;
  readonly allowPrivateSourceAddresses: boolean;
  readonly allowLinkLocalSourceAddresses: boolean;
}

/** Whether the rules let a connection to an address of this class be made. */
export function isReachable(kind: AddressClass, rules: AddressRules): boolean {
  switch (kind) {
    case 'public':
      return true;
    case 'loopback':
      return rules.allowLoopbackSourceAddresses;
    case 'private':
      return rules.allowPrivateSourceAddresses;
    case 'link-local':
      return rules.allowLinkLocalSourceAddresses;
    default:
      return false;
  }
}

const VARIABLES: Partial<Record<AddressClass, string>> = {
  loopback: 'TINTYPE_ALLOW_LOOPBACK_SOURCE_ADDRESSES',
  private: 'TINTYPE_ALLOW_PRIVATE_SOURCE_ADDRESSES',
  'link-local': 'TINTYPE_ALLOW_LINK_LOCAL_SOURCE_ADDRESSES',
};

/** Why a host is refused and what would allow it. Never says the address: the answer goes to the client. */
export function refusal(kind: AddressClass): string {
  const article = /^[aeiou]/.test(kind) ? 'an' : 'a';
  const variable = VARIABLES[kind];
  const remedy = variable === undefined ? 'which no setting allows' : `which only ${variable}=true allows`;
  return `The host of the source has ${article} ${kind} address, ${remedy}.`;
}
