import type { OptionsOf, OptionTable } from '../contracts/options.ts';
import type { Transformer } from '../contracts/transformer.ts';
import type { Plugin } from './define-plugin.ts';
import { indexById } from './descriptors.ts';
import { loadPlugins } from './load-plugins.ts';
import { tokens } from './tokens.ts';

/**
 * Makes a transformer alone, of options that were parsed elsewhere (`tokens.transformerChoice`): what
 * a process needs that does nothing but transform.
 *
 * @throws Error if no plugin brings it.
 */
export async function createTransformer(definition: {
  readonly plugins: readonly Plugin[];
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
}): Promise<Transformer> {
  const container = await loadPlugins(definition.plugins);
  const found = indexById(container, tokens.transformerDescriptors, 'the transformer').get(definition.id);
  if (found === undefined) throw new Error(`No plugin here brings the transformer ${definition.id}.`);
  // They come from the very table that `create` declares, parsed by the reader of another process.
  const transformer = found.descriptor.create(definition.options as OptionsOf<OptionTable>);
  // Through the container, so that plugins that wrap the transformer do so here as well.
  container.bind(tokens.transformer).toConstantValue(transformer);
  return container.get(tokens.transformer);
}
