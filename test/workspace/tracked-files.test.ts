import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/workspace.mjs';

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));

const texts = tracked
  .filter((file) => !/\.(png|jpe?g|webp|avif|gif|ico)$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

/** Every `file:line: text` that a pattern finds, as a reader would look it up. */
const findings = (pattern: RegExp, files = texts): string[] =>
  files.flatMap(({ file, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );

test('no file names a folder of the machine it was written on', () => {
  // Spelled apart, or this file would be the first finding.
  const folders = ['work', 'root', 'home/\\w+', 'Users/\\w+'].join('|');
  expect(findings(new RegExp(`(?<![\\w.}*-])/(${folders})/`))).toEqual([]);
});

test('no page sends its reader to a temporary folder', () => {
  const pages = texts.filter(({ file }) => file.endsWith('.md'));
  expect(findings(/(?<![\w.])\/tmp\//, pages)).toEqual([]);
});

test('no file names the host of a package registry', () => {
  expect(findings(/https?:\/\/[^\s/'"`]*(registry|artifactory|nexus|verdaccio)[^\s/'"`]*/i)).toEqual([]);
});

test('the lockfile holds no address: it installs from whatever registry is configured', () => {
  const lockfile = texts.filter(({ file }) => file === 'pnpm-lock.yaml');
  expect(lockfile).toHaveLength(1);
  expect(findings(/tarball:|https?:\/\//, lockfile)).toEqual([]);
});

test('every link from page to page leads somewhere', () => {
  const broken = texts
    .filter(({ file }) => file.endsWith('.md'))
    .flatMap(({ file, text }) =>
      [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, target = '']) => ({ file, target })),
    )
    .filter(({ file, target }) => !existsSync(join(root, dirname(file), target)));
  expect(broken).toEqual([]);
});
