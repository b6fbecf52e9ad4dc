import { Container } from 'inversify';
import 'reflect-metadata';
import type { Plugin } from './define-plugin.ts';

/** A container with what these plugins bring. @throws Error if one is given twice. */
export async function loadPlugins(plugins: readonly Plugin[]): Promise<Container> {
  const container = new Container({ defaultScope: 'Singleton' });
  const loaded = new Set<string>();
  for (const plugin of plugins) {
    // Inversify binds a module twice without a word if it is loaded twice.
    if (loaded.has(plugin.name)) throw new Error(`The plugin ${plugin.name} is given twice.`);
    loaded.add(plugin.name);
    await container.load(plugin.module);
  }
  return container;
}
