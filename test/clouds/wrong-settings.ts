import { expect, test } from 'vitest';
import { type MadeCloud, MISSING_BUCKET, type Place, WRONG_PASSWORD } from './cloud.ts';
import { serve, tintype } from './rig.ts';

/** One sentence on a line of its own. */
const SENTENCE = /^[^\n]+\.\n$/;

/** What is said of a cache that cannot be used, and that images are served without it. */
export function testWrongSettings({ name, server, make }: Place): void {
  /** What the commands, and the first line of `serve`, make of it; `serve` answers with an image all the same. */
  async function refused(cloud: MadeCloud, wrong: Readonly<Record<string, string>>, sentence: RegExp) {
    const env = { ...cloud.env, ...wrong };
    const conformance = await tintype(['conformance', '--use', name, '--only', 'get.miss'], env);
    expect(conformance).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(SENTENCE) });
    expect(conformance.stderr).toMatch(sentence);

    const config = await tintype(['config', '--connect'], env);
    expect({ code: config.code, stderr: config.stderr }).toEqual({ code: 1, stderr: '' });
    const [line = ''] = /^The cache cannot be used: .+\.$/m.exec(config.stdout) ?? [];
    expect(line).not.toBe('');

    const served = await serve(env);
    expect(served.said()).toContain('NOT USABLE');
    const answer = await fetch(`${served.url}/unsafe/rs:fit:80:80/plain/${cloud.sourceUrl}@webp`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(answer.headers.get('cache-status')).not.toContain('hit');
    await answer.bytes();
    await served.kill('SIGTERM');
    const said = conformance.stderr + config.stdout + served.said();
    expect(said).not.toContain(WRONG_PASSWORD);
    expect(await cloud.cached()).toEqual([]);
    return said;
  }

  test('a cache can be used', async () => {
    const cloud = await make();
    const { code, stdout, stderr } = await tintype(['config', '--connect'], cloud.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^The cache can be used: .+\.$/m);
  });

  test('a cache with a wrong password is refused in one sentence, and images are served', async ({ skip }) => {
    const cloud = await make();
    if (cloud.wrongPassword === undefined) return skip(`does not apply: ${server.name} takes any credentials`);
    const said = await refused(cloud, await cloud.wrongPassword(), new RegExp(`^${name} refused the credentials: `));
    if (cloud.refusal === undefined) return;
    const { asked, says, secrets } = cloud.refusal();
    expect(asked).not.toEqual([]);
    expect(said).toContain(says);
    expect(secrets).not.toEqual([]);
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
  });

  test('a cache by somebody who has no right to it is refused in one sentence, and images are served', async ({
    skip,
  }) => {
    const cloud = await make();
    if (cloud.stranger === undefined) return skip(`does not apply: ${server.name} has one user, who may do everything`);
    await refused(cloud, cloud.stranger, new RegExp(`^${name} refused the credentials: `));
  });

  test('a cache in a bucket that is not there is refused in one sentence, and images are served', async () => {
    await refused(
      await make(),
      MISSING_BUCKET,
      new RegExp(`^${name} is not set up: .*there is no such (bucket|container)`),
    );
  });
}
