import type { Entry, Vault } from './vault.ts'

/** Writes entries one batch after another, each with all that is new by then: what is said together is stored together. */
export class EntryQueue {
  readonly #vault: Vault
  #pending = new Map<string, Entry>()
  #running: Promise<void> | undefined
  /** Called after each write, with whether it succeeded. */
  onWrite: (stored: boolean) => void = () => {}

  constructor(vault: Vault) {
    this.#vault = vault
  }

  /** The newest entry for a place wins. */
  put(entry: Entry): void {
    this.#pending.set(JSON.stringify(entry.place), entry)
    this.#running ??= this.#run()
  }

  /** Resolves when everything so far is stored durably. @throws Error when it could not be */
  async stored(): Promise<void> {
    if (this.#pending.size > 0) this.#running ??= this.#run()
    while (this.#running) await this.#running
    if (this.#pending.size > 0) throw new Error('storage failed')
  }

  async #run(): Promise<void> {
    // What the same step puts goes into the same batch.
    await Promise.resolve()
    let stored = true
    while (stored && this.#pending.size > 0) {
      const batch = this.#pending
      this.#pending = new Map()
      stored = await this.#vault.write([...batch.values()]).then(
        () => true,
        () => false,
      )
      // Once more with the next change; what is newer by then wins.
      if (!stored) this.#pending = new Map([...batch, ...this.#pending])
      this.onWrite(stored)
    }
    this.#running = undefined
  }
}
