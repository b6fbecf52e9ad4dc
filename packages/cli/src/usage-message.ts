import { nearestName, type Section } from '@tintype/core';
import type { CommanderError } from 'commander';
import { flagNames } from './setting-flags.ts';

/** What people type for a command of another name, and what it is. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  check: 'config --check',
  validate: 'config --check',
  doctor: 'config --connect',
  start: 'serve',
  run: 'serve',
  init: 'new',
  purge: 'cache purge',
  lifecycle: 'cache lifecycle',
  settings: 'config',
  help: '--help',
  version: '--version',
};

/** Flags of one command alone, for those who put them elsewhere. */
const FLAGS_OF: Readonly<Record<string, string>> = {
  '--check': 'config --check',
  '--connect': 'config --connect',
  '--json': 'config --json',
};

/**
 * Wrong usage in one sentence that says what to do. commander's own suggestions leave hidden flags
 * out, and most settings are hidden in most commands.
 *
 * @param commands what may stand where there is a command that is none.
 * @param command what it is about, as it is written: `tintype sign`.
 */
export function usageMessage(
  error: Pick<CommanderError, 'code' | 'message'>,
  commands: readonly string[],
  sections: readonly Section[],
  command = 'tintype',
): string {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const [flag = quoted] = quoted.split('=');
      const elsewhere = FLAGS_OF[flag];
      if (elsewhere !== undefined) return `${flag} is not a flag of "${command}"; there is "tintype ${elsewhere}".`;
      const nearest = nearestName(flag, [
        ...flagNames(sections),
        '--json',
        '--check',
        '--connect',
        '--help',
        '--version',
      ]);
      const hint = nearest === undefined ? '"tintype serve --help" lists all of them' : `the nearest is ${nearest}`;
      return `${flag} is not a known flag; ${hint}.`;
    }
    case 'commander.unknownCommand': {
      const other = command === 'tintype' && Object.hasOwn(OTHER_WORDS, quoted) ? OTHER_WORDS[quoted] : undefined;
      if (other !== undefined) return `${quoted} is not a command; there is "tintype ${other}".`;
      const nearest = nearestName(quoted, commands);
      const hint = nearest === undefined ? `expected one of ${commands.join(', ')}` : `the nearest is ${nearest}`;
      return `${quoted} is not a command; ${hint}.`;
    }
    case 'commander.missingArgument':
      return `A ${quoted} is missing; "${command} --help" shows how it is written.`;
    case 'commander.optionMissingArgument':
      return `The flag ${quoted.split(' ')[0] ?? ''} needs a value: ${quoted}.`;
    default: {
      const text = error.message.replace(/^error: /, '');
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
    }
  }
}
