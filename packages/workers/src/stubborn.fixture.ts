import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin, TransformError } from '@tintype/core';

/** A transformer that does what its input says, to show what no real one can be made to show. */
export default definePlugin({
  name: 'test/stubborn',
  register(registry) {
    registry.transformer({
      id: 'stubborn',
      options: {},
      create: () => ({
        revision: 'stubborn-1',
        supports: { operations: [], inputFormats: [], outputFormats: [] },
        open: async () => {
          if (process.env.TINTYPE_STUBBORN === undefined) return;
          if (process.env.TINTYPE_STUBBORN === 'dies') process.exit(9);
          // Its channel to the parent keeps it alive.
          if (process.env.TINTYPE_STUBBORN === 'never ready') await new Promise(() => undefined);
          await sleep(1_200);
          throw new Error('It fails late.');
        },
        close: async () => undefined,
        async transform({ input, signal, reserve }) {
          let words = Buffer.from(input).toString().split(' ');
          let release: () => void = () => undefined;
          if (words[0] === 'reserve') {
            release = (await reserve?.(Number(words[1]))) ?? release;
            words = words.slice(2);
          }
          try {
            if (words[0] === 'die') process.exit(9);
            if (words[0] === 'spin') for (;;);
            if (words[0] === 'wait') {
              await sleep(60_000, undefined, { signal }).catch(() => {
                throw new TransformError('timeout', 'Too slow.');
              });
            }
            return { body: Buffer.from(words.join(' ')), contentType: 'text/plain', width: 1, height: 1 };
          } finally {
            release();
          }
        },
      }),
    });
  },
});
