import type { Journal, JournalRecord } from './journal.ts';

/** A journal that lasts as long as the object. `flush` stands for the disk: each append waits for it. */
export function memoryJournal(flush: () => Promise<void> = async () => {}): Journal {
  const records = new Map<number, JournalRecord>();
  let compacted = 0;
  let bytes = 0;
  return {
    load(visit) {
      for (const record of records.values()) visit(record);
      return compacted;
    },
    async append(batch) {
      await flush();
      for (const record of batch) {
        records.set(record.revision, record);
        bytes += record.bytes.length;
      }
    },
    read: (revision) => records.get(revision),
    async compact(through, gone) {
      await flush();
      compacted = through;
      for (const revision of gone) {
        bytes -= records.get(revision)?.bytes.length ?? 0;
        records.delete(revision);
      }
    },
    settle(revision, settled) {
      const record = records.get(revision);
      if (record) records.set(revision, { ...record, bytes: settled });
    },
    bytesOnDisk: () => bytes,
    close: async () => {},
  };
}
