import type { Command } from 'commander';
import type { Surroundings } from '../surroundings.ts';

const HELP = `
KIND is storage, origin or transformer. The package is made in a folder of its
own, NAME-KIND, and tells what to do next:
  tintype new storage sqlite
  cd sqlite-storage && npm install && npm test
`;

/** Adds `tintype new KIND NAME`. It needs no settings. */
export function addNewCommand(program: Command, version: string, { cwd, stdout }: Surroundings): void {
  program
    .command('new')
    .description('Begin a package of your own: a storage, an origin or a transformer.')
    .argument('<kind>', 'storage, origin or transformer')
    .argument('<name>', 'its id in settings, such as sqlite')
    .addHelpText('after', HELP)
    .action(async (kind: string, name: string) => {
      const { checkKind, checkName } = await import('./package-name.ts');
      const { makePackage } = await import('./make-package.ts');
      const known = checkKind(kind);
      const { folder, install } = await makePackage(known, checkName(name, known), version, cwd);
      stdout.write(`Made ${folder}. Next:\n  cd ${folder}\n  ${install}\n  npm test\n`);
    });
}
