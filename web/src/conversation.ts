import type { KeptAnswer } from './asking.ts'
import { linked } from './branches.ts'
import type { EntryQueue } from './entry-queue.ts'
import { readEntry, writeAnswer, writeHead, writeTurn } from './history-entry.ts'
import type { Summary } from './summary.ts'
import type { Turn } from './turn.ts'
import type { Entry, Place } from './vault.ts'

/** The record of an answer that has not ended. */
export interface Waiting {
  readonly turn: number
  readonly kept: KeptAnswer
}

/** One conversation on this device. Each turn is an entry of its own; so is the record of an unfinished answer. */
export class Conversation {
  readonly id: string
  readonly #queue: EntryQueue
  readonly #person: string
  /** What was there when it was opened, branches and all. */
  readonly turns: readonly Turn[]
  readonly waiting: Waiting | null
  /** What stands in the vault, by the text of its place. */
  readonly #standing = new Map<string, Place>()
  /** What the entry of a turn says, as far as it matters; what the head says. */
  readonly #saved = new Map<number, string>()
  #head = ''
  #deleted = false

  /** `entries` are all of this conversation's. */
  constructor(queue: EntryQueue, person: string, id: string, entries: readonly Entry[]) {
    this.#queue = queue
    this.#person = person
    this.id = id
    const found = entries.map((entry) => readEntry(entry)).filter((entry) => entry !== null)
    for (const { place } of entries) this.#standing.set(JSON.stringify(place), place)
    this.turns = linked(found.flatMap((entry) => (entry.kind === 'turn' ? [entry.turn] : [])))
    for (const turn of this.turns) this.#saved.set(turn.id, digestOf(turn))
    const last = this.turns.at(-1)?.id
    const record = found.flatMap((entry) => (entry.kind === 'answer' && entry.place[3] === last ? [entry.kept] : []))[0]
    this.waiting = record && last !== undefined ? { turn: last, kept: record } : null
    // What nothing opens any more is of no use to anyone.
    for (const { place, content } of entries) if (!content) this.#put(place, null)
  }

  /** Brings the turns up to date. What is still being said is in the record, and not written here with every word. */
  save(turns: readonly Turn[], summary: Summary): void {
    if (this.#deleted) return
    this.title(summary)
    for (const turn of turns) {
      if (this.#saved.get(turn.id) === digestOf(turn)) continue
      this.#saved.set(turn.id, digestOf(turn))
      this.#put(this.#place('turn', turn.id), writeTurn(turn))
    }
    const ids = new Set(turns.map(({ id }) => id))
    for (const id of this.#saved.keys()) {
      if (ids.has(id)) continue
      this.#saved.delete(id)
      this.#put(this.#place('turn', id), null)
      this.drop(id)
    }
  }

  /** Writes what the list shows of it. */
  title(summary: Summary): void {
    const head = JSON.stringify(summary)
    if (this.#deleted || head === this.#head) return
    this.#head = head
    this.#put(this.#place('conversation', 0), writeHead(summary))
  }

  /** Resolves when the record is stored durably. @throws Error when it could not be */
  keep(turn: number, kept: KeptAnswer): Promise<void> {
    if (!this.#deleted) this.#put(this.#place('answer', turn), writeAnswer(kept))
    return this.stored()
  }

  /** The answer ended: its record goes. */
  drop(turn: number): void {
    this.#put(this.#place('answer', turn), null)
  }

  /** Deletes everything of it for good. Nothing can be written to it afterwards. */
  delete(): void {
    this.#deleted = true
    for (const place of this.#standing.values()) this.#put(place, null)
    this.#saved.clear()
  }

  /** Resolves when everything so far is stored durably. @throws Error when it could not be */
  stored(): Promise<void> {
    return this.#queue.stored()
  }

  #place(kind: string, number: number): Place {
    return [this.#person, this.id, kind, number]
  }

  #put(place: Place, content: Entry['content']): void {
    const name = JSON.stringify(place)
    if (content) this.#standing.set(name, place)
    else if (!this.#standing.delete(name)) return
    this.#queue.put({ place, content })
  }
}

/** Changes when a turn should be written again: not with every word. */
function digestOf({ answer: { phase, nodeId, end, failure } }: Turn): string {
  return JSON.stringify([phase, nodeId, end !== null, failure?.code])
}
