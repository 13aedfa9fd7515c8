import type { Command } from 'commander';
import type { CliContext, Connection, ConnectionOptions } from './context.ts';

/** Runs a command's work with a connection made from its options (the program's and its own), and closes it after. */
export async function withConnection<F extends object>(
  context: CliContext,
  command: Command,
  work: (connection: Connection, flags: F & ConnectionOptions) => Promise<void>,
): Promise<void> {
  const flags = command.optsWithGlobals<F & ConnectionOptions>();
  const connection = await context.connect(flags);
  try {
    await work(connection, flags);
  } finally {
    await connection.close();
  }
}
