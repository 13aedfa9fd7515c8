/** `node packages/simulator/page/build.ts`: the page's script as one text, in src/report/generated. A test says when to. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const generatedFile = fileURLToPath(
  new URL('../src/report/generated/page-script.ts', import.meta.url),
);

/** The text of the generated module. */
export async function pageScriptModule(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'ascii',
  });
  const script = outputFiles[0]!.text.trimEnd();
  return [
    '// Made by packages/simulator/page/build.ts from the files beside it. Not to be changed by hand.',
    `export const pageScript = ${JSON.stringify(script)};`,
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(generatedFile, await pageScriptModule());
