import { ServerError } from './server.ts';

/** What an administrator of Keystone does for tests, in the domain `default`. Identity API v3. */
export class KeystoneAdmin {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** @param url ends in `/v3`. The project has the administrator's name. */
  static async logIn(url: string, name: string, password: string): Promise<KeystoneAdmin> {
    const domain = { id: 'default' };
    const response = await fetch(`${url}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: { methods: ['password'], password: { user: { name, password, domain } } },
          scope: { project: { name, domain } },
        },
      }),
    });
    const token = response.headers.get('x-subject-token');
    if (token === null) throw new ServerError(`Keystone refuses the administrator: HTTP ${response.status}`);
    return new KeystoneAdmin(url, token);
  }

  /** @returns its id. */
  async project(name: string): Promise<string> {
    return this.#make('project', { name, domain_id: 'default' });
  }

  /** @param role `admin`, `member` or `reader`, which Keystone has from the start. */
  async user(name: string, password: string, project: string, role: string): Promise<void> {
    const user = await this.#make('user', { name, password, domain_id: 'default', default_project_id: project });
    const { roles } = await this.#ask<{ roles: readonly { id: string }[] }>('GET', `/roles?name=${role}`);
    await this.#ask('PUT', `/projects/${project}/users/${user}/roles/${roles[0]?.id}`);
  }

  /** Swift's place in the catalogue, in a region that is made with it. @param swift scheme, host and port. */
  async objectStore(region: string, swift: string): Promise<void> {
    await this.#service('object-store', region, `${swift}/v1/AUTH_%(project_id)s`);
  }

  /** Keystone's own place in it, where Swift looks for whom to ask. */
  async identity(region: string): Promise<void> {
    await this.#service('identity', region, this.#url);
  }

  /** Ends a token that was given to somebody. */
  async revoke(token: string): Promise<void> {
    await this.#ask('DELETE', '/auth/tokens', undefined, { 'x-subject-token': token });
  }

  async #service(type: string, region: string, url: string): Promise<void> {
    const { regions } = await this.#ask<{ regions: readonly { id: string }[] }>('GET', '/regions');
    if (!regions.some(({ id }) => id === region)) await this.#make('region', { id: region });
    const service_id = await this.#make('service', { name: `${type}-${region}`, type });
    for (const kind of ['public', 'internal']) {
      await this.#make('endpoint', { interface: kind, region_id: region, service_id, url });
    }
  }

  async #make(kind: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const made = await this.#ask<Record<string, { id: string }>>('POST', `/${kind}s`, { [kind]: fields });
    const id = made[kind]?.id;
    if (id === undefined) throw new ServerError(`Keystone made a ${kind} without an id.`);
    return id;
  }

  async #ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': this.#token, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new ServerError(`Keystone: ${method} ${path}: HTTP ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
