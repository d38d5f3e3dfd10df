import { Conversation } from '../src/conversation.ts'
import type { Entry, Vault } from '../src/vault.ts'

/** A vault without a lock: what it holds can be looked at, and its disk can be full. */
export class OpenVault implements Vault {
  readonly entries = new Map<string, Entry>()
  /** The batches that were written. */
  readonly batches: (readonly Entry[])[] = []
  full = false
  /** While set, a write waits for it. */
  slow: Promise<void> | undefined

  read(person: string): Promise<Entry[]> {
    return Promise.resolve([...this.entries.values()].filter(({ place }) => place[0] === person))
  }

  async write(entries: readonly Entry[]): Promise<void> {
    await this.slow
    if (this.full) throw new DOMException('the disk is full', 'QuotaExceededError')
    this.batches.push(entries)
    for (const entry of entries) {
      const name = JSON.stringify(entry.place)
      if (entry.content) this.entries.set(name, entry)
      else this.entries.delete(name)
    }
  }

  /** The conversation as a window finds it that opens now. */
  async opened(person = 'telegram:7'): Promise<Conversation> {
    return new Conversation(this, person, await this.read(person))
  }

  kinds(): string[] {
    return [...this.entries.values()].map(({ place }) => place[2]).toSorted()
  }
}
