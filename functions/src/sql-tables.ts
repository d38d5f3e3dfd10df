type Binding = SqlStorageValue | Uint8Array<ArrayBuffer>

/**
 * Tables that are made when something is first stored: an object that was only asked leaves nothing behind. What is read
 * before is empty.
 */
export class SqlTables {
  readonly #storage: DurableObjectStorage
  readonly #schema: string
  #made: boolean

  /** `schema`: statements that make the tables; `table` is one of them. */
  constructor(storage: DurableObjectStorage, table: string, schema: string) {
    this.#storage = storage
    this.#schema = schema
    const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    this.#made = storage.sql.exec(query, table).toArray().length > 0
  }

  get made(): boolean {
    return this.#made
  }

  read<Row extends Record<string, SqlStorageValue>>(query: string, ...bindings: Binding[]): Row[] {
    return this.#made ? this.#storage.sql.exec<Row>(query, ...bindings).toArray() : []
  }

  write(query: string, ...bindings: Binding[]): void {
    if (!this.#made) this.#storage.sql.exec(this.#schema)
    this.#made = true
    this.#storage.sql.exec(query, ...bindings)
  }

  /** Removes what there is; of tables that were never made there is nothing. */
  remove(query: string, ...bindings: Binding[]): void {
    if (this.#made) this.#storage.sql.exec(query, ...bindings)
  }

  /** Leaves nothing at all: no table, no alarm. */
  async drop(): Promise<void> {
    this.#made = false
    await this.#storage.deleteAll()
  }
}
