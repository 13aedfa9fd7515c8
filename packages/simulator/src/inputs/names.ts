/** The name of a file without its folder and its endings: `trace1` of `a/b/trace1.csv.gz`. */
export function baseName(path: string): string {
  const file = path.split(/[/\\]/).at(-1) ?? path;
  return file.replace(/\.gz$/i, '').replace(/\.(csv|tsv|swf|json|jsonl|ndjson|txt)$/i, '') || file;
}
