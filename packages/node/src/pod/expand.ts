/**
 * `$(NAME)` in commands, arguments and variables: replaced if the name is known, left as written if not; `$$` is one `$`
 * (so `$$(NAME)` stays `$(NAME)`).
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    const next = text[i + 1];
    if (char !== '$' || next === undefined) {
      out += char;
    } else if (next === '$') {
      out += '$';
      i += 1;
    } else if (next === '(') {
      const close = text.indexOf(')', i + 2);
      if (close < 0) {
        out += '$(';
        i += 1;
        continue;
      }
      const name = text.slice(i + 2, close);
      out += Object.hasOwn(variables, name) ? variables[name] : `$(${name})`;
      i = close;
    } else {
      // Any other character after `$` is kept with it.
      out += char + next;
      i += 1;
    }
  }
  return out;
}
