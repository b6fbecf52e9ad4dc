import { ContainerModule, type ContainerModuleLoadOptions } from 'inversify';
import type { Observer } from '../contracts/observer.ts';
import type { OptionTable } from '../contracts/options.ts';
import type {
  DialectDescriptor,
  OriginDescriptor,
  StorageDescriptor,
  TransformerDescriptor,
} from '../contracts/plugin.ts';
import { tokens } from './tokens.ts';

/** What a plugin may do while it is loaded: bring parts, or go deeper and bind, rebind and wrap. */
export interface PluginRegistry {
  storage<T extends OptionTable>(descriptor: StorageDescriptor<T>): void;
  origin<T extends OptionTable>(descriptor: OriginDescriptor<T>): void;
  transformer<T extends OptionTable>(descriptor: TransformerDescriptor<T>): void;
  dialect<T extends OptionTable>(descriptor: DialectDescriptor<T>): void;
  observer(observer: Observer): void;
  /** Inversify's own: `bind`, `rebind`, `onActivation`, … over `tokens`. */
  readonly container: ContainerModuleLoadOptions;
}

const BRAND: unique symbol = Symbol.for('tintype.Plugin');

/** A named set of parts. Made by `definePlugin`; a package exports it as default. */
export interface Plugin {
  readonly name: string;
  readonly module: ContainerModule;
  readonly [BRAND]: true;
}

/**
 * Makes a plugin.
 *
 * @param definition.name the package's name; messages use it.
 * @param definition.register is called once for each proxy. No I/O here.
 */
export function definePlugin(definition: {
  readonly name: string;
  readonly register: (registry: PluginRegistry) => void;
}): Plugin {
  const plugin = definition.name;
  const module = new ContainerModule((container) => {
    definition.register({
      storage: (descriptor) => {
        container.bind(tokens.storageDescriptors).toConstantValue({ plugin, descriptor });
      },
      origin: (descriptor) => {
        container.bind(tokens.originDescriptors).toConstantValue({ plugin, descriptor });
      },
      transformer: (descriptor) => {
        container.bind(tokens.transformerDescriptors).toConstantValue({ plugin, descriptor });
      },
      dialect: (descriptor) => {
        container.bind(tokens.dialectDescriptors).toConstantValue({ plugin, descriptor });
      },
      observer: (observer) => {
        container.bind(tokens.observers).toConstantValue(observer);
      },
      container,
    });
  });
  return { name: plugin, module, [BRAND]: true };
}

/** Whether `value` was made by `definePlugin`, of this copy of the package or another. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && BRAND in value;
}
