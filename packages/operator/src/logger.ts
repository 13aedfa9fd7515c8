import type { Logger } from './contracts.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };

export interface LoggerOptions {
  /** Lines below this level are dropped. */
  level: LogLevel;
  /** Takes one line with its line end. */
  write: (line: string) => void;
  /** One JSON object a line; otherwise `time level message field=value ...`. */
  json?: boolean;
  now?: () => number;
}

/** Writes one line a call. Secrets in fields and texts are replaced by `[redacted]`. */
export function createLogger(options: LoggerOptions): Logger {
  const now = options.now ?? Date.now;
  const log =
    (level: LogLevel) =>
    (fields: Record<string, unknown>, message: string): void => {
      if (order[level] < order[options.level]) return;
      const time = new Date(now()).toISOString();
      const safe = redact(fields) as Record<string, unknown>;
      const text = redactText(message);
      if (options.json) {
        options.write(`${JSON.stringify({ time, level, msg: text, ...safe })}\n`);
        return;
      }
      let line = `${time} ${level.toUpperCase().padEnd(5)} ${text}`;
      for (const [name, value] of Object.entries(safe)) {
        if (value !== undefined) line += ` ${name}=${fieldText(value, fields[name], level)}`;
      }
      options.write(`${line}\n`);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** Errors are their message; where something went wrong is worth a stack below the line, unless it is an answer of the API. */
function fieldText(value: unknown, original: unknown, level: LogLevel): string {
  if (original instanceof Error) {
    const { name, message, stack } = value as { name: string; message: string; stack?: string };
    const bug = level === 'error' && name !== 'ApiError' && name !== 'ConnectionError';
    return bug && stack ? `${JSON.stringify(message)}\n${stack}` : JSON.stringify(message);
  }
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

/** Drops everything. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const secretNames =
  /^(.*(password|passwd|secret|token|authorization|credential|private-?key|api-?key|cookie).*)$/i;
/** Names that contain a secret word and hold none. */
const harmlessNames = /(secretname|secretref|tokenreview|secrets|tokens)$/i;
const secretTexts = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bBearer\s+[\w.~+/=-]+/gi,
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
];

function redactText(text: string): string {
  let safe = text;
  for (const pattern of secretTexts) safe = safe.replace(pattern, '[redacted]');
  return safe;
}

function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      ...(value.stack ? { stack: redactText(value.stack) } : {}),
    };
  }
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function')
    return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= 6) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const safe: Record<string, unknown> = {};
  const isSecret = (value as { kind?: unknown }).kind === 'Secret';
  for (const [name, item] of Object.entries(value)) {
    const hide =
      (isSecret && (name === 'data' || name === 'stringData')) ||
      (typeof item === 'string' && isSecretName(name));
    safe[name] = hide ? '[redacted]' : redact(item, depth + 1);
  }
  return safe;
}

/** A controller logs its work queue's `key` (namespace/name), so a bare `key` is no secret. */
function isSecretName(name: string): boolean {
  return name !== 'key' && secretNames.test(name) && !harmlessNames.test(name);
}

const quote = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text));
