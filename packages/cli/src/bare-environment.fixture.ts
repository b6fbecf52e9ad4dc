import { tmpdir } from 'node:os';

const { PATH, NODE_COMPILE_CACHE } = process.env;

/**
 * The environment of a program that a test starts: nothing of the test run's own gets in but where programs are found,
 * and where compiled code is kept, which is most of a start.
 */
export const BARE_ENVIRONMENT: Readonly<NodeJS.ProcessEnv> = { PATH, NODE_COMPILE_CACHE, HOME: tmpdir() };
