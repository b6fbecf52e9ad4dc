import { expectTypeOf, test } from 'vitest';
import { defineOptions, definePlugin, type OptionsOf, type StorageAdapter } from '../index.ts';

const options = defineOptions({
  ROOT: { kind: 'path', required: true, description: 'The folder.' },
  MAX_BYTES: { kind: 'bytes', default: '10GiB', description: 'The cap.' },
  REGION: { kind: 'string', description: 'Optional.' },
});

test('an option table gives the types of its parsed settings', () => {
  expectTypeOf<OptionsOf<typeof options>>().toEqualTypeOf<{
    readonly root: string;
    readonly maxBytes: number;
    readonly region: string | undefined;
  }>();
});

test('a plugin registers a descriptor whose create gets exactly these', () => {
  definePlugin({
    name: 'acme',
    register(registry) {
      registry.storage({
        id: 'acme',
        options,
        create(settings) {
          expectTypeOf(settings.maxBytes).toEqualTypeOf<number>();
          return undefined as unknown as StorageAdapter;
        },
      });
    },
  });
});
