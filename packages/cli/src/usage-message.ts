import { flagName, nearestName, type Section } from '@tintype/core';
import type { CommanderError } from 'commander';

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
      const known = sections.flatMap(({ prefix, table }) => Object.keys(table).map((name) => flagName(prefix + name)));
      const nearest = nearestName(flag, [...known, '--json', '--check', '--help', '--version']);
      const hint = nearest === undefined ? '"tintype serve --help" lists all of them' : `the nearest is ${nearest}`;
      return `${flag} is not a known flag; ${hint}.`;
    }
    case 'commander.unknownCommand': {
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
