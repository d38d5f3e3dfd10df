import { pathTo } from '../src/branches.ts'
import type { KeptAnswer } from '../src/asking.ts'
import type { Conversation } from '../src/conversation.ts'
import { History } from '../src/history.ts'
import { type Summary, summarised } from '../src/summary.ts'
import type { Turn } from '../src/turn.ts'
import type { Entry, Place, Vault } from '../src/vault.ts'

/** A vault without a lock: what it holds can be looked at, and its disk can be full. */
export class OpenVault implements Vault {
  readonly entries = new Map<string, Entry>()
  /** The batches that were written. */
  readonly batches: (readonly Entry[])[] = []
  full = false
  /** While set, a write waits for it. */
  slow: Promise<void> | undefined

  places(person: string): Promise<Place[]> {
    return Promise.resolve([...this.entries.values()].flatMap(({ place }) => (place[0] === person ? [place] : [])))
  }

  read(places: readonly Place[]): Promise<Entry[]> {
    return Promise.resolve(places.flatMap((place) => this.entries.get(JSON.stringify(place)) ?? []))
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

  /** The history as a window finds it that opens now. */
  history(person = 'telegram:7'): Promise<History> {
    return History.of(this, person)
  }

  /** The newest conversation as a window finds it that opens now. */
  async opened(person = 'telegram:7'): Promise<OpenedConversation> {
    const history = await this.history(person)
    const [last] = history.summaries()
    return new OpenedConversation(history, last ? await history.open(last.id) : history.fresh(), last ?? null)
  }

  kinds(): string[] {
    return [...this.entries.values()].map(({ place }) => place[2]).toSorted()
  }
}

/** One conversation and the history it stands in, without a chat between them. */
class OpenedConversation {
  readonly #history: History
  #conversation: Conversation
  #summary: Summary | null

  constructor(history: History, conversation: Conversation, summary: Summary | null) {
    this.#history = history
    this.#conversation = conversation
    this.#summary = summary
  }

  get turns(): readonly Turn[] {
    return this.#conversation.turns
  }
  get waiting() {
    return this.#conversation.waiting
  }
  set onWrite(listener: (stored: boolean) => void) {
    this.#history.onWrite = listener
  }

  save(turns: readonly Turn[]): void {
    if (turns.length > 0)
      this.#summary = summarised(this.#summary, this.#conversation.id, pathTo(turns, null), Date.now())
    if (this.#summary) this.#conversation.save(turns, this.#summary)
  }
  keep(turn: number, kept: KeptAnswer): Promise<void> {
    return this.#conversation.keep(turn, kept)
  }
  drop(turn: number): void {
    this.#conversation.drop(turn)
  }
  /** Deletes it, and begins another. */
  async clear(): Promise<void> {
    const deleted = this.#history.delete(this.#conversation.id)
    this.#conversation = this.#history.fresh()
    this.#summary = null
    await deleted
  }
  stored(): Promise<void> {
    return this.#history.stored()
  }
}
