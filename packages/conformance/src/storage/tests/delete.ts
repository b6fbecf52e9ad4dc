import { describeError, RequirementBroken } from '../../engine/outcome.ts';
import { settled } from '../../engine/waiting.ts';
import { metadataOf } from '../client.ts';
import { expect, type StorageTest } from '../env.ts';

export const deleteTests: readonly StorageTest[] = [
  {
    requirement: 'delete.removes',
    title: 'a deleted entry is gone for get, stat and list',
    async run(env) {
      for (const size of [0, 10, 200_000]) {
        const key = env.key(`removed/${size}`);
        await env.given(key, env.random.bytes(size));
        await env.delete(key);
        await env.expectMissing(key, 'after a delete');
        await env.eventually(
          async () => ((await env.keys(key)).includes(key) ? 'list shows a deleted entry.' : undefined),
          env.listSettleMs,
        );
      }
    },
  },
  {
    requirement: 'delete.of-nothing-is-fine',
    title: 'deleting nothing, and twice, resolves',
    async run(env) {
      const key = env.key('twice');
      await env.given(key, env.random.bytes(10));
      for (const name of ['never/put', 'twice', 'twice', 'twice/below']) {
        const outcome = await settled(env.delete(env.key(name)));
        if (!outcome.ok && outcome.error instanceof RequirementBroken) throw outcome.error;
        expect(outcome.ok, `Deleting ${name} rejected: ${outcome.ok ? '' : describeError(outcome.error)}`);
      }
    },
  },
  {
    requirement: 'delete.spares-neighbours',
    title: 'prefixes and extensions of a deleted key stay',
    async run(env) {
      const names = ['k', 'k/x', 'k/x/y', 'k/xy', 'kk', 'k.x', 'k-', 'k0', 'k_', 'kk/x'];
      const bodies = new Map(names.map((name) => [name, env.random.bytes(20)]));
      for (const [name, bytes] of bodies) await env.given(env.key(`n/${name}`), bytes);
      for (const gone of ['k', 'k/x', 'kk/x', 'k/x/y']) {
        await env.delete(env.key(`n/${gone}`));
        bodies.delete(gone);
        for (const [name, bytes] of bodies) {
          await env.expectEntry(env.key(`n/${name}`), { bytes }, `after ${gone} was deleted`);
        }
      }
    },
  },
  {
    requirement: 'delete.makes-room-for-a-fresh-start',
    title: 'an entry put after a delete is all new',
    async run(env) {
      const key = env.key('fresh');
      for (let i = 0; i < 3; i++) {
        await env.given(key, env.random.bytes(5000), {
          ...metadataOf(`old-${i}`),
          cacheControl: 'max-age=9',
        });
        await env.supposed('an entry can be deleted', () => env.delete(key));
        const bytes = env.random.bytes(50);
        const metadata = metadataOf(`new-${i}`);
        await env.put(key, bytes, { metadata });
        const seen = await env.expectEntry(key, { bytes, metadata }, 'after a delete and a put');
        expect(seen.metadata.cacheControl === undefined, 'The Cache-Control of the deleted entry came back.');
      }
    },
  },
];
