import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CliContext } from '../src/context.ts';
import { createProgram } from '../src/program.ts';

const file = fileURLToPath(new URL('../../../docs/cli.md', import.meta.url));
const marker = /<!-- Written by [^>]*-->\n/;

let program: Command;
beforeAll(async () => {
  const out = { write: () => true };
  program = await createProgram([], { stdout: out, stderr: out } as unknown as CliContext);
});

/** The commands below one that its help lists; `help` itself needs no help. */
function shown(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}

/** A command and those below it, each with all the words that name it. */
function all(command: Command, words: string): { command: Command; words: string }[] {
  return [{ command, words }, ...shown(command).flatMap((child) => all(child, `${words} ${child.name()}`))];
}

/** What `--help` prints, with what is added before and after. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

/** The example lines of a command's help, without their indentation. */
function examplesOf(command: Command): { examples: string; rest: string } {
  const help = helpOf(command);
  const at = help.search(/^Examples?:\n/m);
  if (at < 0) return { examples: '', rest: '' };
  const [examples = '', ...rest] = help.slice(help.indexOf('\n', at) + 1).split('\n\n');
  return { examples: examples.replaceAll(/^ {2}/gm, '').trim(), rest: rest.join('\n\n').trim() };
}

function section({ command, words }: { command: Command; words: string }): string {
  const level = words.split(' ').length + (command === program ? 1 : 0);
  const usage = command.registeredArguments.map((a) => {
    const name = `${a.name()}${a.variadic ? '...' : ''}`;
    return a.required ? `<${name}>` : `[${name}]`;
  });
  const { examples, rest } = examplesOf(command);
  const options = command.options
    .filter((option) => !option.hidden)
    .map((option) => {
      const known = !option.negate && option.defaultValue !== undefined && option.defaultValue !== false;
      return `- \`${option.flags}\`: ${option.description}${known ? ` (default: ${String(option.defaultValue)})` : ''}`;
    });
  const parts = [
    `${'#'.repeat(level)} ${words}`,
    usage.length > 0 ? `\`${words} ${usage.join(' ')}\`` : '',
    command.description(),
    examples ? `\`\`\`sh\n${examples}\n\`\`\`` : '',
    command.registeredArguments.map((a) => `- \`${a.name()}\`: ${a.description}`).join('\n'),
    options.join('\n'),
    rest,
  ];
  return parts.filter(Boolean).join('\n\n');
}

describe('the help', () => {
  test('of every command has an example, and no line that breaks early', () => {
    for (const { command, words } of all(program, 'coracle')) {
      expect(examplesOf(command).examples, `${words} --help`).toContain('coracle');
      expect(command.description(), `description of ${words}`).not.toContain('\n');
    }
  });

  test('of every option and argument says something', () => {
    for (const { command, words } of all(program, 'coracle')) {
      for (const option of command.options)
        expect(option.description, `${words} ${option.flags}`).not.toBe('');
      for (const argument of command.registeredArguments) {
        expect(argument.description, `${words} ${argument.name()}`).not.toBe('');
      }
    }
  });
});

describe('docs/cli.md', () => {
  test('has every command with its options and examples, as --help has them', async () => {
    const text = await readFile(file, 'utf8');
    const written = text.slice(0, text.search(marker)) + (marker.exec(text)?.[0] ?? '');
    const sections = all(program, 'coracle').map(section).join('\n\n');
    await expect(`${written}\n${sections}\n`).toMatchFileSnapshot(file);
  });
});
