import type { KeptAnswer } from './asking.ts'
import { EntryQueue } from './entry-queue.ts'
import { readEntry, writeAnswer, writeHead, writeTurn } from './history-entry.ts'
import type { Turn } from './turn.ts'
import { type Entry, openVault, type Place, type Vault } from './vault.ts'

/** A page that is just going away may still hold its conversation. Milliseconds. */
const LOCK_PATIENCE = 700

/** The record of an answer that has not ended. */
export interface Waiting {
  readonly turn: number
  readonly kept: KeptAnswer
}

/**
 * The current conversation on this device, held by one window at a time. Each turn is an entry of its own; so is the
 * record of an unfinished answer. A history of many conversations is many of these.
 */
export class Conversation {
  readonly #queue: EntryQueue
  readonly #person: string
  #id: string
  /** What was there when it was opened. */
  readonly turns: readonly Turn[]
  readonly waiting: Waiting | null
  /** What stands in the vault, by the text of its place. */
  readonly #standing = new Map<string, Place>()
  /** What the entry of a turn says, as far as it matters. */
  readonly #saved = new Map<number, string>()

  /** `entries` are all of the person's. */
  constructor(vault: Vault, person: string, entries: readonly Entry[]) {
    this.#queue = new EntryQueue(vault)
    this.#person = person
    const found = entries.map((entry) => readEntry(entry)).filter((entry) => entry !== null)
    const heads = found.flatMap((entry) => (entry.kind === 'conversation' ? [entry] : []))
    this.#id = heads.toSorted((a, b) => b.opened - a.opened)[0]?.place[1] ?? crypto.randomUUID()
    const own = found.filter(({ place }) => place[1] === this.#id)
    for (const { place } of own) this.#standing.set(JSON.stringify(place), place)
    this.turns = own.flatMap((entry) => (entry.kind === 'turn' ? [entry.turn] : [])).toSorted((a, b) => a.id - b.id)
    for (const turn of this.turns) this.#saved.set(turn.id, digestOf(turn))
    const last = this.turns.at(-1)?.id
    const record = own.flatMap((entry) => (entry.kind === 'answer' && entry.place[3] === last ? [entry.kept] : []))[0]
    this.waiting = record && last !== undefined ? { turn: last, kept: record } : null
    // What nothing opens any more is of no use to anyone.
    for (const { place, content } of entries) if (!content) this.#queue.put({ place, content })
  }

  /** Called after each write, with whether it succeeded. */
  set onWrite(listener: (stored: boolean) => void) {
    this.#queue.onWrite = listener
  }

  /** Brings the turns up to date. What is still being said is in the record, and not written here with every word. */
  save(turns: readonly Turn[]): void {
    const head = this.#place('conversation', 0)
    if (turns.length > 0 && !this.#standing.has(JSON.stringify(head))) this.#put(head, writeHead(Date.now()))
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

  /** Resolves when the record is stored durably. @throws Error when it could not be */
  keep(turn: number, kept: KeptAnswer): Promise<void> {
    this.#put(this.#place('answer', turn), writeAnswer(kept))
    return this.stored()
  }

  /** The answer ended: its record goes. */
  drop(turn: number): void {
    this.#put(this.#place('answer', turn), null)
  }

  /** Deletes everything of it, and begins another. */
  clear(): void {
    for (const place of this.#standing.values()) this.#put(place, null)
    this.#saved.clear()
    this.#id = crypto.randomUUID()
  }

  /** Resolves when everything so far is stored durably. @throws Error when it could not be */
  stored(): Promise<void> {
    return this.#queue.stored()
  }

  #place(kind: string, number: number): Place {
    return [this.#person, this.#id, kind, number]
  }

  #put(place: Place, content: Entry['content']): void {
    const name = JSON.stringify(place)
    if (content) this.#standing.set(name, place)
    else if (!this.#standing.delete(name)) return
    this.#queue.put({ place, content })
  }
}

/**
 * The conversation of this person, if this window is the one that holds it. Null where another one does, and where the
 * browser cannot store or lock: then a chat lives in its window only. Never rejects.
 */
export async function openConversation(person: string): Promise<Conversation | null> {
  try {
    if (!(await lockFor(`cocoon.conversation.${person}`))) return null
    const vault = await openVault()
    return new Conversation(vault, person, await vault.read(person))
  } catch {
    return null
  }
}

/** Holds a lock for as long as the page lives. */
function lockFor(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true)
      return new Promise(() => {})
    }
    navigator.locks.request(name, { signal: AbortSignal.timeout(LOCK_PATIENCE) }, held).catch(() => resolve(false))
  })
}

/** Changes when a turn should be written again: not with every word. */
function digestOf({ answer: { phase, nodeId, end, failure } }: Turn): string {
  return JSON.stringify([phase, nodeId, end !== null, failure?.code])
}
