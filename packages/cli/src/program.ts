import { readFileSync } from 'node:fs';
import type { Section } from '@tintype/core';
import { Command, type Help } from 'commander';
import { addNewCommand } from './new/new-command.ts';
import type { PurgeCommandOptions } from './purge-command.ts';
import { addSettingFlags, settingFlags } from './setting-flags.ts';
import type { Surroundings } from './surroundings.ts';

/** What may stand directly after `tintype`. */
export const commandNames = ['serve', 'sign', 'config', 'cache', 'conformance'] as const;

type Flags = Readonly<Record<string, string>>;

/** What `tintype config` is asked for. */
export interface ConfigOptions {
  readonly json: boolean;
  readonly check: boolean;
  /** Check, and ask the parts too. */
  readonly connect: boolean;
}

/** What the commands do; each is given the settings that were flags. */
export interface Actions {
  serve(flags: Flags): Promise<void>;
  sign(flags: Flags, path: string, options: { readonly json: boolean }): Promise<void>;
  config(flags: Flags, options: ConfigOptions): Promise<void>;
  cacheLifecycle(flags: Flags, options: { readonly days?: string }): Promise<void>;
  cachePurge(flags: Flags, options: PurgeCommandOptions): Promise<void>;
  conformance(flags: Flags, argv: readonly string[]): Promise<void>;
}

const SETTINGS_HELP = `
Settings:
  A setting is a variable, a flag, or a line of tintype.config.ts:
    TINTYPE_CACHE_USE=fs
    --cache-use fs
    export default { settings: { cacheUse: 'fs' } }
  Flags win over variables, variables over the file. imgproxy's variables
  (IMGPROXY_KEY, …) are read where Tintype's own are absent.
  "tintype config" shows every setting; "tintype serve --help" explains them.
`;

const MAIN_HELP = `${SETTINGS_HELP}
Examples:
  Serve a folder of images, and keep the results:
    tintype serve --local-filesystem-root ./images \\
      --cache-use fs --cache-fs-root ./cache
  and look at one, 300 pixels wide, in a browser:
    http://127.0.0.1:8080/unsafe/rs:fit:300/plain/local:///photo.jpg

  Check the configuration before a deployment, and that the cache can be used:
    tintype config --check
    tintype config --connect

Exit codes: 0 success; 1 it ran, and something failed the check;
2 wrong usage, wrong configuration, or it could not run.
`;

const SIGN_HELP = `
The path begins with "/" and has no signature yet. Key and salt are settings,
and better not flags, which other users of the machine can see:
  export TINTYPE_KEY=943b421c… TINTYPE_SALT=520f986b…
  tintype sign /rs:fit:300/plain/local:///photo.jpg

Every setting can be a flag here too; "tintype serve --help" lists them.
`;

const CONFIG_HELP = `
Secrets are never shown. With --check it is silent about what is right, tells
all that is wrong at once, and exits with 2 if anything is. It looks at settings
alone, in a moment and without a network: for a pipeline, or an editor.

With --connect it checks the same, and then opens the cache and the sources as
serve does and asks each whether it can be used: one sentence each, within some
seconds. It exits with 1 if one of them cannot. A cache in a bucket is tried
with an object of its own, which is removed again.

Every setting can be a flag here too; "tintype serve --help" lists them.
`;

const LIFECYCLE_HELP = `
Tintype does not delete what is stale; a rule of the bucket forgets what is old.
The storage, its bucket and its prefix are those of the settings:
  export TINTYPE_CACHE_USE=gcs TINTYPE_CACHE_BUCKET=thumbnails
  tintype cache lifecycle --days 90 > lifecycle.json
  gcloud storage buckets update gs://thumbnails --lifecycle-file=lifecycle.json
The command for your storage is told beside the rule. There are rules for s3,
gcs and abs. Without --days the setting TINTYPE_CACHE_EXPIRATION_DAYS counts;
swift removes entries by itself where that is set.

Every setting can be a flag here too; "tintype serve --help" lists them.
`;

const PURGE_HELP = `
Run it with the settings of "tintype serve", on the same machine:
  tintype cache purge --source https://example.com/photo.jpg
removes all images made of that photograph, its copy, and responses of endpoints
from that URL. A source is written as in image URLs, unescaped, as a whole URL.
Keys are those in the storage, without TINTYPE_CACHE_PATH_PREFIX; --all removes
what Tintype has stored there and nothing else.

Serving processes are told first, by TINTYPE_CONTROL_SOCKET, which has to be set
for them and for this command; then they use and store nothing older any more.
Without it only the storage is emptied, and memory is out of reach.
Other machines, CDNs and browsers hear nothing of it.

Exit codes: 0 done; 1 some is left, or nobody could be told; 2 wrong usage.

Every setting can be a flag here too; "tintype serve --help" lists them.
`;

/** The command line as data for commander. Errors are thrown, never exits. */
export function buildProgram(sections: readonly Section[], actions: Actions, surroundings: Surroundings): Command {
  const { stdout, stderr } = surroundings;
  const program = new Command('tintype')
    .description('An image proxy that remembers: it fetches images, transforms them and keeps the results.')
    .usage('<command> [flags]')
    .version(version(), '-v, --version', 'Print the version.')
    .helpOption('-h, --help', 'Explain a command.')
    .helpCommand(false)
    .addHelpText('after', MAIN_HELP);
  const outputs = {
    writeOut: (text: string) => void stdout.write(text),
    writeErr: (text: string) => void stderr.write(text),
    // Wrong usage is told by whoever runs this, in better words.
    outputError: () => {},
    getOutHelpWidth: () => Math.min(stdout.columns ?? 80, 120),
    getErrHelpWidth: () => Math.min(stderr.columns ?? 80, 120),
  };
  program.exitOverride().configureOutput(outputs);

  const add = (name: (typeof commandNames)[number], description: string, help: string, shown: boolean): Command => {
    const command = program.command(name).description(description).addHelpText('after', help);
    addSettingFlags(command, sections, shown);
    return command;
  };

  const serve = add('serve', 'Start the proxy.', SETTINGS_HELP, true);
  serve.configureHelp({ formatItem: stackedItem });
  serve.action(() => actions.serve(settingFlags(serve, sections)));

  const sign = add('sign', 'Print the signed form of a path.', SIGN_HELP, false)
    .argument('<path>', 'the path of an image, for example /rs:fit:300/plain/local:///photo.jpg')
    .option('--json', 'Print {"path", "signed"} as JSON.', false);
  sign.action((path: string, options: { json: boolean }) => actions.sign(settingFlags(sign, sections), path, options));

  const config = add('config', 'Show every setting in force, and where it came from.', CONFIG_HELP, false)
    .option('--check', 'Only check the settings; --connect also asks the cache and the sources.', false)
    .option('--connect', 'Check as --check does, and whether the cache and the sources can be used.', false)
    .option('--json', 'Print JSON.', false);
  config.action((options: ConfigOptions) => actions.config(settingFlags(config, sections), options));
  const cache = program
    .command('cache')
    .description('Look after the cache.')
    .usage('<command> [flags]')
    .helpCommand(false);
  const lifecycle = cache
    .command('lifecycle')
    .description('Print the rule by which a bucket forgets old entries.')
    .option('--days <number>', 'age in days at which an entry goes; otherwise that of the settings')
    .addHelpText('after', LIFECYCLE_HELP);
  addSettingFlags(lifecycle, sections, false);
  lifecycle.action((options: { days?: string }) => actions.cacheLifecycle(settingFlags(lifecycle, sections), options));
  const purge = cache
    .command('purge')
    .description('Remove entries, and let the serving processes use them no more.')
    .option('--source <url>', 'all that comes from this source')
    .option('--entries <key>', 'the entry with this key, or those below a/folder/ of keys')
    .option('--all', 'everything', false)
    .option('--dry-run', 'only count what would be removed', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', PURGE_HELP);
  addSettingFlags(purge, sections, false);
  purge.action((options: PurgeCommandOptions) => actions.cachePurge(settingFlags(purge, sections), options));
  addNewCommand(program, version(), surroundings);
  // The kit reads its own options, --help included; only settings are taken out here.
  const conformance = add('conformance', 'Put a cache storage to the test.', '', false)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments();
  conformance.action(() => actions.conformance(settingFlags(conformance, sections), conformance.args));
  return program;
}

/** A flag on one line and its explanation below: beside names this long there is no room at 80 columns. */
function stackedItem(term: string, _width: number, description: string, helper: Help): string {
  const indent = ' '.repeat(6);
  const text = helper.boxWrap(description, (helper.helpWidth ?? 80) - indent.length - 1);
  return `  ${term}\n${text.replaceAll(/^/gm, indent)}`;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String((manifest as { readonly version: unknown }).version);
}
