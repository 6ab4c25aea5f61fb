import type { TableClient, TransactionAction } from "@azure/data-tables";

const MAX_TRANSACTION_ROWS = 100;
/** UTF-16 units; keeps a transaction below the service's 4 MiB in the worst encoding. */
const MAX_TRANSACTION_LENGTH = 800_000;

/** Sends actions on one partition, in as few transactions as the service takes; each transaction is all or nothing. */
export async function submit(table: TableClient, actions: readonly TransactionAction[]): Promise<void> {
  let batch: TransactionAction[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) {
      await table.submitTransaction(batch);
    }
    batch = [];
    length = 0;
  };
  for (const action of actions) {
    const size = Object.values(action[1]).reduce(
      (sum: number, value) => sum + (typeof value === "string" ? value.length : 50),
      0,
    );
    if (batch.length === MAX_TRANSACTION_ROWS || (batch.length > 0 && length + size > MAX_TRANSACTION_LENGTH)) {
      await flush();
    }
    batch.push(action);
    length += size;
  }
  await flush();
}
