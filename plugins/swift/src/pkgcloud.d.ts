/** The part of pkgcloud 2.2 that is used; it carries no types. */
declare module 'pkgcloud/lib/pkgcloud/openstack/context/index.js' {
  export interface IdentityOptions {
    readonly url: string;
    /** 1, or anything else. */
    readonly version: number;
    readonly keystoneAuthVersion: 'v2.0' | 'v3';
    readonly basePath: string;
    readonly useServiceCatalog: boolean;
    readonly strictSSL: boolean;
    readonly username: string;
    readonly password: string;
    readonly tenantName?: string;
    readonly domainId?: string;
    readonly domainName?: string;
    readonly projectDomainId?: string;
    readonly projectDomainName?: string;
  }

  export interface WantedEndpoint {
    readonly serviceType: string;
    readonly region?: string;
  }

  /** One service of a catalogue. */
  export interface Service {
    readonly type?: string;
    readonly endpoints?: readonly { readonly region?: string }[];
    /** The public one. @throws Error if there is none. */
    getEndpointUrl(wanted: WantedEndpoint): string | undefined;
  }

  export class Identity {
    constructor(options: IdentityOptions);
    readonly token?: { readonly id?: string; readonly expires?: Date };
    readonly serviceCatalog?: { readonly services: Readonly<Record<string, Service>> };
    on(event: 'log::trace', listener: (message: string, about: unknown) => void): this;
    authorize(done: (error?: unknown) => void): void;
    /** Of version 1 what the login named. */
    getServiceEndpointUrl(wanted: WantedEndpoint): string | undefined;
  }
}
