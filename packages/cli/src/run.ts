import { type Section, type SettingsInput, sectionsOf } from '@tintype/core';
import { CommanderError } from 'commander';
import { type Composition, compose } from './composition.ts';
import { earlyFlags } from './early-flags.ts';
import { describeFailure, type ExitCode } from './failure.ts';
import { type Actions, buildProgram, commandNames } from './program.ts';
import type { Surroundings } from './surroundings.ts';
import { usageMessage } from './usage-message.ts';

/**
 * Runs one command line.
 *
 * @param argv what follows `tintype`.
 * @returns the exit code; `serve` returns when it has been stopped.
 */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stderr } = surroundings;
  let sections: readonly Section[] = [];
  let exitCode: ExitCode = 0;
  try {
    const { plugins, input, ...composition } = await composeFor(argv, surroundings);
    sections = composition.sections;
    const inputWith = (flags: Readonly<Record<string, string>>): SettingsInput => ({ ...input, flags });
    // Each command is loaded when it is called: --version needs no web server.
    const actions: Actions = {
      async serve(flags) {
        const { serve } = await import('./serve-command.ts');
        await serve({ plugins, ...composition, input: inputWith(flags) }, surroundings);
      },
      async sign(flags, path, options) {
        const { sign } = await import('./sign-command.ts');
        await sign(plugins, inputWith(flags), path, options, surroundings);
      },
      async config(flags, options) {
        const { showConfig } = await import('./config-command.ts');
        await showConfig(plugins, inputWith(flags), options, surroundings);
      },
      async cacheLifecycle(flags, { days }) {
        const { cacheLifecycle } = await import('./cache-command.ts');
        cacheLifecycle(inputWith(flags), days, surroundings);
      },
      async cachePurge(flags, options) {
        const { purgeCache } = await import('./purge-command.ts');
        exitCode = await purgeCache(plugins, inputWith(flags), options, surroundings);
      },
      async conformance(flags, rest) {
        const { conformance } = await import('./conformance-command.ts');
        exitCode = await conformance(rest, plugins, sections, inputWith(flags), surroundings);
      },
    };
    await buildProgram(sections, actions, surroundings).parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are printed already; without a command, so is the help.
      if (error.exitCode === 0) return 0;
      if (error.code !== 'commander.help') {
        const { commands, command } = commandOf(argv);
        stderr.write(`${usageMessage(error, commands, sections, command)}\n`);
      }
      return 2;
    }
    const { text, code } = describeFailure(error);
    if (text !== '') stderr.write(`${text}\n`);
    return code;
  }
}

/** Which command the arguments are for, and which could stand where the last word of it stands. */
function commandOf([first = '']: readonly string[]): {
  readonly command: string;
  readonly commands: readonly string[];
} {
  const commands: readonly string[] = [...commandNames, 'new'];
  const command = commands.includes(first) ? `tintype ${first}` : 'tintype';
  return { command, commands: first === 'cache' ? ['lifecycle', 'purge'] : commands };
}

/** Loads no more than the arguments call for: help must work where the config file doesn't. */
async function composeFor(argv: readonly string[], surroundings: Surroundings): Promise<Composition> {
  if (!commandNames.some((name) => name === argv[0]))
    return { plugins: [], transformingModules: [], sections: [], input: {}, filePlugins: false };
  if (argv.includes('--help') || argv.includes('-h')) {
    const { builtInPlugins } = await import('./built-in-plugins.ts');
    const sections = await sectionsOf(builtInPlugins);
    return { plugins: builtInPlugins, transformingModules: [], sections, input: {}, filePlugins: false };
  }
  return compose(earlyFlags(argv), surroundings);
}
