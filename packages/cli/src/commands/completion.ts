/** `coracle completion`: lets a shell complete commands, options, kinds and names. */
import type { Command } from 'commander';
import { completions } from '../completions.ts';
import { CliError, type CliContext } from '../context.ts';

const shells: Record<string, string> = {
  bash: `_coracle() {
  local words
  words=$(coracle __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coracle coracle
`,
  zsh: `#compdef coracle
_coracle() {
  local -a answers
  answers=("\${(@f)$(coracle __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "\${answers[1]}" ]] && compadd -a answers || _files
}
compdef _coracle coracle
`,
  fish: `function __coracle_complete
  set -l words (commandline -opc) (commandline -ct)
  coracle __complete -- $words[2..-1] 2>/dev/null
end
complete -c coracle -a '(__coracle_complete)'
`,
};
const setups: Record<string, string> = {
  bash: "echo 'source <(coracle completion bash)' >> ~/.bashrc",
  zsh: "echo 'source <(coracle completion zsh)' >> ~/.zshrc",
  fish: 'coracle completion fish > ~/.config/fish/completions/coracle.fish',
};

/** Adds `coracle completion`, and the hidden command that its scripts call, to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('completion')
    .summary('completion for bash, zsh or fish')
    .description('Prints a script that completes commands, options, kinds and the names of objects.')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `\nExamples:\n${Object.values(setups)
        .map((line) => `  ${line}`)
        .join('\n')}`,
    )
    .action((shell: string) => {
      const script = shells[shell];
      if (!script)
        throw new CliError(
          `there is no completion for "${shell}"; there is for ${Object.keys(shells).join(', ')}`,
        );
      context.stdout.write(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const found = await completions(program, context, context.argvAfterDashes ?? words);
      for (const word of found) context.stdout.write(`${word}\n`);
    });
}
