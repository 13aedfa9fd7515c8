/**
 * The report as one page that needs nothing else: no network, no font, no file. What decides stands first and is plain HTML;
 * pictures are drawn by the page's script (packages/simulator/page) from data in the page. A Content-Security-Policy lets
 * exactly that script and that style sheet work, whatever the names of jobs contain.
 */
import { createHash } from 'node:crypto';
import { pageScript } from '../generated/page-script.ts';
import type { Report } from '../report.ts';
import { makePageData } from './make-page-data.ts';
import { escape, scriptJson } from './markup.ts';
import {
  again,
  answer,
  cards,
  distributions,
  nodesAndJobs,
  overTime,
  remarks,
  sideBySide,
  tenants,
} from './sections.ts';
import { style } from './style.ts';

/** The whole page. */
export function htmlReport(report: Report): string {
  const data = makePageData(report);
  const policy = [
    "default-src 'none'",
    `script-src '${sha256(pageScript)}'`,
    `style-src '${sha256(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="coracle sim">
<title>${escape(report.title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
${answer(report)}
${sideBySide(report, data)}
<noscript><p class="sure">The pictures need JavaScript; the tables do not.</p></noscript>
<div id="legend" role="group" aria-label="What the charts show"></div>
${overTime(report, data)}
${distributions(report, data)}
${cards(report, data)}
${tenants(report, data)}
${nodesAndJobs(report, data)}
${remarks(report)}
${again(report)}
<footer>Made by coracle sim. Everything shown is in this file.</footer>
</main>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
