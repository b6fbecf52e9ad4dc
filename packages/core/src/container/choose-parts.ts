import type { CoreSettings } from '../config/core-options.ts';
import { partSection, switchSection } from '../config/sections.ts';
import type { SettingsReader } from '../config/settings-reader.ts';
import type { Dialect } from '../contracts/dialect.ts';
import type { OptionsOf, OptionTable } from '../contracts/options.ts';
import type { Origin } from '../contracts/origin.ts';
import type {
  DialectDescriptor,
  DialectScope,
  OriginDescriptor,
  OriginScope,
  TransformerDescriptor,
  UpstreamScope,
} from '../contracts/plugin.ts';
import type { Transformer } from '../contracts/transformer.ts';
import type { Upstream } from '../contracts/upstream.ts';
import type { Index } from './descriptors.ts';
import type { TransformerChoice } from './tokens.ts';

/** The one descriptor of a kind that is in use: the only one, or the one that a setting names. */
function single<D extends { readonly id: string }>(
  index: Index<D>,
  wanted: string,
  variable: string,
  kind: string,
  reader: SettingsReader,
): D | undefined {
  const ids = [...index.keys()].sort().join(', ');
  if (wanted !== '') {
    const found = index.get(wanted)?.descriptor;
    if (found === undefined) {
      reader.problem(variable, `${variable} is "${wanted}"; expected one of the installed ones: ${ids || 'none'}.`);
    }
    return found;
  }
  if (index.size === 1) return [...index.values()][0]?.descriptor;
  const message =
    index.size === 0
      ? `No ${kind} is installed; add a plugin that brings one.`
      : `${variable} is required when several are installed; expected one of ${ids}.`;
  reader.problem(variable, message);
  return undefined;
}

/** The transformer to build after the reader's `finish`. */
export function chooseTransformer(
  settings: CoreSettings,
  index: Index<TransformerDescriptor>,
  reader: SettingsReader,
): { readonly choice: TransformerChoice; build(): Transformer } | undefined {
  const chosen = single(index, settings.transformerUse, 'TINTYPE_TRANSFORMER_USE', 'transformer', reader);
  for (const { descriptor } of index.values()) {
    if (descriptor !== chosen) reader.know(partSection('Transformer', descriptor));
  }
  if (chosen === undefined) return undefined;
  const options = reader.read(partSection('Transformer', chosen));
  return { choice: { id: chosen.id, options }, build: () => chosen.create(options) };
}

/** The dialect to build after the reader's `finish`. */
export function chooseDialect(
  settings: CoreSettings,
  index: Index<DialectDescriptor>,
  reader: SettingsReader,
): (() => Dialect) | undefined {
  const chosen = single(index, settings.dialectUse, 'TINTYPE_DIALECT_USE', 'URL dialect', reader);
  for (const { descriptor } of index.values()) {
    if (descriptor !== chosen) reader.know(partSection('Dialect', descriptor));
  }
  if (chosen === undefined) return undefined;
  const options = reader.read(partSection('Dialect', chosen));
  return () => chosen.create(options);
}

/** The origins to build after the reader's `finish`: all that their settings switch on. */
export function chooseOrigins(
  index: Index<OriginDescriptor>,
  reader: SettingsReader,
): (scope: OriginScope) => readonly { readonly id: string; readonly origin: Origin }[] {
  const builders = [...index.values()].flatMap(({ descriptor }) => {
    const section = partSection('Origin', descriptor);
    if (!isOn(descriptor, reader)) {
      reader.know(section);
      return [];
    }
    const options = reader.read(section);
    return [(scope: OriginScope) => ({ id: descriptor.id, origin: descriptor.create(options, scope) })];
  });
  return (scope) =>
    builders.flatMap((build) => {
      const { id, origin } = build(scope);
      return origin === undefined ? [] : [{ id, origin }];
    });
}

/** What asks the web for endpoints, to build after the reader's `finish`: of the first origin that can. */
export function chooseUpstream(
  index: Index<OriginDescriptor>,
  reader: SettingsReader,
): ((scope: UpstreamScope) => Upstream) | undefined {
  for (const { descriptor } of index.values()) {
    if (descriptor.createUpstream === undefined) continue;
    const options = reader.read(partSection('Origin', descriptor));
    return (scope) => descriptor.createUpstream?.(options, scope) as Upstream;
  }
  return undefined;
}

/** The dialects that endpoints name, to build after the reader's `finish`. */
export function chooseEndpointDialects(
  ids: ReadonlySet<string>,
  index: Index<DialectDescriptor>,
  reader: SettingsReader,
): (id: string, scope: DialectScope) => Dialect | undefined {
  const options = new Map<string, OptionsOf<OptionTable>>();
  for (const id of ids) {
    const descriptor = index.get(id)?.descriptor;
    if (descriptor !== undefined) options.set(id, reader.read(partSection('Dialect', descriptor)));
    else {
      const known = [...index.keys()].sort().join(', ') || 'none';
      reader.problem(`endpoints.dialect ${id}`, `An endpoint has the dialect "${id}"; expected one of ${known}.`);
    }
  }
  return (id, scope) => index.get(id)?.descriptor.create(options.get(id) ?? {}, scope);
}

/** Whether an origin's switch is on; one without a switch decides for itself. */
function isOn(descriptor: OriginDescriptor, reader: SettingsReader): boolean {
  const section = switchSection(descriptor);
  return section === undefined || Object.values(reader.read(section)).includes(true);
}
