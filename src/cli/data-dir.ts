/** --data-dir, PROOFS_DATA_DIR or ./data, in this order. An empty variable counts as unset. */
export function dataDirOf(option: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  return option ?? (env.PROOFS_DATA_DIR || './data');
}
