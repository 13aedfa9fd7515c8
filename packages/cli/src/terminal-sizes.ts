import type { Output } from './context.ts';

type Size = { width: number; height: number };

/** The terminal's size now, and each time it changes, until the signal aborts. Nothing for what is no terminal. */
export async function* terminalSizes(out: Output, signal: AbortSignal): AsyncGenerator<Size> {
  const emitter = out as Output & {
    on?(event: 'resize', listener: () => void): unknown;
    off?(event: 'resize', listener: () => void): unknown;
  };
  let wake: (() => void) | undefined;
  const changed = (): void => wake?.();
  emitter.on?.('resize', changed);
  signal.addEventListener('abort', changed, { once: true });
  try {
    while (!signal.aborted) {
      const next = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (out.columns && out.rows) yield { width: out.columns, height: out.rows };
      if (!signal.aborted) await next;
    }
  } finally {
    emitter.off?.('resize', changed);
    signal.removeEventListener('abort', changed);
  }
}
