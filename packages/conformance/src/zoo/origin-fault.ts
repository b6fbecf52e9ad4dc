import type { Body, OriginRequest, OriginResponse } from '@tintype/core';
import type { OriginHarness } from '../origin/origin-conformance.ts';
import { OriginPlace, ReferenceOrigin } from './reference-origin.ts';

/** An origin, or a transformer, with one known fault. */
export interface PartFault<H> {
  readonly name: string;
  readonly breaks: string;
  /** The requirements that fail; no other does. */
  readonly caughtBy: readonly string[];
  readonly harness: H;
}

/** A harness of the reference origin, or of a faulty class derived from it. */
export function originHarness(Origin: typeof ReferenceOrigin = ReferenceOrigin): OriginHarness {
  return {
    create() {
      const place = new OriginPlace();
      return {
        origin: new Origin(place),
        another: () => new Origin(place),
        serve(resource) {
          place.resources.set(resource.name, resource);
          return `ref:///${resource.name}`;
        },
        replace(resource) {
          place.resources.set(resource.name, resource);
        },
        missing: 'ref:///missing',
        invalid: ['ref:', 'ref:///a/../b', 'http://127.0.0.1/'],
        leaks: () => (place.connections.size > 0 ? [`${place.connections.size} connections`] : []),
        dispose: () => place.remove(),
      };
    },
  };
}

/** An origin with one known fault. */
export function originFault(
  name: string,
  breaks: string,
  caughtBy: readonly string[],
  Origin: typeof ReferenceOrigin,
): PartFault<OriginHarness> {
  return { name, breaks, caughtBy, harness: originHarness(Origin) };
}

/** Origins that answer with a body that is changed on its way. */
export function withBody(change: (body: Body, request: OriginRequest) => Body): typeof ReferenceOrigin {
  return class extends ReferenceOrigin {
    override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
      const response = await super.fetch(source, request);
      return response.status === 200 ? { ...response, body: change(response.body, request) } : response;
    }
  };
}

/** A body of which something is different. */
export function changed(body: Body, changes: Partial<Body>): Body {
  return {
    buffered: body.buffered,
    file: body.file,
    bytes: () => body.bytes(),
    stream: () => body.stream(),
    discard: () => body.discard(),
    ...changes,
  };
}
