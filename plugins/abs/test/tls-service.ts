import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { onTestFinished } from 'vitest';

/** A service behind TLS with a certificate of 127.0.0.1 that is trusted for the length of the test. */
export async function tlsService(answer: RequestListener): Promise<{ readonly endpoint: string }> {
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, CERTIFICATE]);
  const server: Server = createServer({ key: KEY, cert: CERTIFICATE }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    setDefaultCACertificates(trusted);
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}/account` };
}

/** For 127.0.0.1, signed by itself, valid for a hundred years; good for nothing else. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBoDCCAUagAwIBAgIUPgXZpg7DXoLiaslnO+WdPsr0TnkwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRbG9vcGJhY2sgb2YgdGVzdHMwIBcNMjYxMTIyMDUxOTE0WhgP
MjEyNjEwMjkwNTE5MTRaMBwxGjAYBgNVBAMMEWxvb3BiYWNrIG9mIHRlc3RzMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElx1HzqR2YXDKAoSrvlFTRqEHDjlS/AEG
xVqiPdpD94tgSQb5JmLHdrKq4Okqtu+Q4LRfjY0Mz1ue0c/fDhgDJKNkMGIwHQYD
VR0OBBYEFH3wIB+ICa8gwEGNe59a0K+EatN/MB8GA1UdIwQYMBaAFH3wIB+ICa8g
wEGNe59a0K+EatN/MA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAK
BggqhkjOPQQDAgNIADBFAiEAoWRiPrVQCi3PWwr5pTgvJjNd7J42t2EpeqUGd+nt
MMoCIAdIa5lSxse6wpd9mOgU64lPsKsfDWP8VFbMt13VUfbN
-----END CERTIFICATE-----`;

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwtzL8kNOZK3bcERA
BkKWzqGe13xHLdMwxOEqM8rdkgWhRANCAASXHUfOpHZhcMoChKu+UVNGoQcOOVL8
AQbFWqI92kP3i2BJBvkmYsd2sqrg6Sq275DgtF+NjQzPW57Rz98OGAMk
-----END PRIVATE KEY-----`;
