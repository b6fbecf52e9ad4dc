import { Container } from 'inversify';
import 'reflect-metadata';
import type { Plugin } from '../container/define-plugin.ts';
import { all } from '../container/descriptors.ts';
import { type Registered, tokens } from '../container/tokens.ts';
import type { OptionTable } from '../contracts/options.ts';
import type { OriginDescriptor, StorageDescriptor } from '../contracts/plugin.ts';
import { coreSection } from './core-options.ts';
import { prefixOfId } from './setting-names.ts';
import type { Section } from './settings-reader.ts';

/** Origin, transformer and dialect descriptors, as far as their options are concerned. */
interface Part<T extends OptionTable> {
  readonly id: string;
  readonly prefix?: string;
  readonly options: T;
}

/** What a storage is for: results, or copies of sources. */
export type StorageRole = 'CACHE' | 'SOURCES';

/** Where a storage reads its options: `TINTYPE_CACHE_<ID>_*`, `TINTYPE_SOURCES_<ID>_*`. */
export function storageSection<T extends OptionTable>(
  descriptor: StorageDescriptor<T>,
  because?: string,
  role: StorageRole = 'CACHE',
): Section<T> {
  return {
    title: `${role === 'CACHE' ? 'Cache' : 'Source'} storage ${descriptor.id}`,
    prefix: `${role}_${prefixOfId(descriptor.id)}`,
    table: descriptor.options,
    ...(because === undefined ? {} : { because }),
  };
}

/** Where an origin, a transformer or a dialect reads its options: `TINTYPE_<prefix>*`. */
export function partSection<T extends OptionTable>(
  role: 'Origin' | 'Transformer' | 'Dialect',
  descriptor: Part<T>,
): Section<T> {
  return {
    title: `${role} ${descriptor.id}`,
    prefix: descriptor.prefix ?? prefixOfId(descriptor.id),
    table: descriptor.options,
  };
}

/** The switch of an origin that has one: `TINTYPE_USE_S3`. */
export function switchSection(descriptor: OriginDescriptor): Section | undefined {
  const { enabledBy, id } = descriptor;
  if (enabledBy === undefined) return undefined;
  const description = `Allow sources of the origin ${id}.`;
  return {
    title: `Origin ${id}: switch`,
    prefix: '',
    table: { [enabledBy]: { kind: 'boolean', default: 'false', imgproxy: true, description } },
  };
}

/**
 * Every section that a proxy of these plugins can read, in use or not: what the command line offers
 * as flags and the reference page lists.
 */
export async function sectionsOf(plugins: readonly Plugin[]): Promise<readonly Section[]> {
  const container = new Container();
  try {
    for (const plugin of new Set(plugins)) await container.load(plugin.module);
    const parts = (role: 'Origin' | 'Transformer' | 'Dialect', registered: readonly Registered<Part<OptionTable>>[]) =>
      registered.map(({ descriptor }) => partSection(role, descriptor));
    const sections: Section[] = [
      coreSection,
      ...all(container, tokens.storageDescriptors).map(({ descriptor }) => storageSection(descriptor)),
      ...all(container, tokens.storageDescriptors).map(({ descriptor }) =>
        storageSection(descriptor, undefined, 'SOURCES'),
      ),
      ...all(container, tokens.originDescriptors).flatMap(({ descriptor }) => [
        ...[switchSection(descriptor)].filter((section) => section !== undefined),
        partSection('Origin', descriptor),
      ]),
      ...parts('Transformer', all(container, tokens.transformerDescriptors)),
      ...parts('Dialect', all(container, tokens.dialectDescriptors)),
    ];
    return sections.filter((section) => Object.keys(section.table).length > 0);
  } finally {
    await container.unbindAllAsync();
  }
}
