// It is killed, and its child is to end with it.
import process from 'node:process';
import { stubbornPool } from './stubborn-pool.fixture.ts';

const pool = stubbornPool();
await pool.open();
process.send?.(pool.pids[0]);
