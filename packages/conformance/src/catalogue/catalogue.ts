import { conditions } from './conditions.ts';
import { deletion } from './delete.ts';
import { crash, errors } from './errors.ts';
import { eviction } from './eviction.ts';
import { get, range } from './get.ts';
import { keys } from './keys.ts';
import { lifecycle } from './lifecycle.ts';
import { linearizable } from './linearizable.ts';
import { list } from './list.ts';
import { metadata } from './metadata.ts';
import { publicSide } from './public.ts';
import { atomic, put } from './put.ts';
import type { Requirement } from './requirement.ts';
import { resources } from './resources.ts';

type IdsOf<T extends readonly { readonly id: string }[]> = T[number]['id'];

/** The stable name of a requirement of storages. */
export type StorageRequirementId =
  | IdsOf<typeof lifecycle>
  | IdsOf<typeof get>
  | IdsOf<typeof range>
  | IdsOf<typeof put>
  | IdsOf<typeof atomic>
  | IdsOf<typeof metadata>
  | IdsOf<typeof conditions>
  | IdsOf<typeof deletion>
  | IdsOf<typeof list>
  | IdsOf<typeof keys>
  | IdsOf<typeof linearizable>
  | IdsOf<typeof errors>
  | IdsOf<typeof publicSide>
  | IdsOf<typeof eviction>
  | IdsOf<typeof crash>
  | IdsOf<typeof resources>;

/** A part of the catalogue, as pages and reports show it. */
export interface RequirementGroup {
  readonly name: string;
  /** What it holds, in one sentence. */
  readonly about: string;
  readonly requirements: readonly Requirement[];
}

/** What every cache storage owes, in the order in which the suite runs. */
export const storageCatalogue: readonly RequirementGroup[] = [
  { name: 'lifecycle', about: 'From construction to close.', requirements: lifecycle },
  { name: 'get', about: 'Whole bodies.', requirements: get },
  { name: 'range', about: 'Parts of bodies.', requirements: range },
  { name: 'put', about: 'Storing, and failing to.', requirements: put },
  { name: 'atomic', about: 'What others see meanwhile.', requirements: atomic },
  { name: 'metadata', about: 'What is stored beside the body.', requirements: metadata },
  { name: 'conditions', about: 'Writes that depend on what is there.', requirements: conditions },
  { name: 'delete', about: 'Removing.', requirements: deletion },
  { name: 'list', about: 'Finding out what there is.', requirements: list },
  { name: 'keys', about: 'Names of entries.', requirements: keys },
  { name: 'linearizable', about: 'All of it at once.', requirements: linearizable },
  { name: 'errors', about: 'When the backend fails.', requirements: errors },
  { name: 'public', about: 'What callers get, with core around the adapter.', requirements: publicSide },
  { name: 'eviction', about: 'Forgetting on its own, within a limit.', requirements: eviction },
  { name: 'crash', about: 'When the process dies.', requirements: crash },
  { name: 'resources', about: 'What it costs, and what is left behind.', requirements: resources },
];

/** Every requirement of storages by id. */
export const storageRequirements: ReadonlyMap<string, Requirement> = new Map(
  storageCatalogue.flatMap((group) => group.requirements).map((requirement) => [requirement.id, requirement]),
);
