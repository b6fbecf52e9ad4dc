import { Failure } from '../failure.ts';

/** What can be made. */
export const packageKinds = ['storage', 'origin', 'transformer'] as const;

export type PackageKind = (typeof packageKinds)[number];

/** Ids that Tintype's own packages have: two plugins with one id cannot be used together. */
const TAKEN: { readonly [kind in PackageKind]: readonly string[] } = {
  storage: ['memory', 'fs', 's3', 'gcs', 'abs', 'swift'],
  origin: ['http', 'https', 'local', 's3', 'gs', 'gcs', 'abs', 'swift'],
  transformer: ['sharp'],
};

/** @throws Failure with one sentence. */
export function checkKind(kind: string): PackageKind {
  const known = packageKinds.find((each) => each === kind);
  if (known === undefined)
    throw new Failure(`${kind} is nothing that can be made; expected one of ${packageKinds.join(', ')}.`);
  return known;
}

/**
 * The id of what is made. `acme` and `acme-storage` both make the package `acme-storage`.
 *
 * @throws Failure with one sentence.
 */
export function checkName(given: string, kind: PackageKind): string {
  const name = given.endsWith(`-${kind}`) ? given.slice(0, -kind.length - 1) : given;
  // It becomes an id, a part of variables and of identifiers, a folder and a package.
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 50) {
    throw new Failure(
      `The name ${JSON.stringify(name)} must be lower-case letters and digits, with "-" between words.`,
    );
  }
  if (TAKEN[kind].includes(name)) throw new Failure(`Tintype itself has the ${kind} ${name}; choose another name.`);
  return name;
}

/** What the word `skeleton` of the templates becomes, in each of its spellings. */
export function spellings(name: string): readonly (readonly [template: string, made: string])[] {
  const words = name.split('-');
  const capitalised = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  const [first = '', ...rest] = capitalised;
  const camel = first.charAt(0).toLowerCase() + first.slice(1) + rest.join('');
  return [
    ['skeletonOptions', `${camel}Options`],
    ['--cache-skeleton-', `--cache-${name}-`],
    ['cacheSkeleton', `cache${capitalised.join('')}`],
    ['skeletonTarget', `${camel}Target`],
    ['skeletonQuality', `${camel}Quality`],
    ['SKELETON', name.toUpperCase().replaceAll('-', '_')],
    ['Skeleton', capitalised.join('')],
    ['skeleton', name],
  ];
}
