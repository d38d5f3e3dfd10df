import { Conversation } from './conversation.ts'
import { EntryQueue } from './entry-queue.ts'
import { readEntry, readNote, SHELF, writeNote } from './history-entry.ts'
import { type Secrets, masterKey } from './master-key.ts'
import { found as foundIn } from './search.ts'
import type { Summary } from './summary.ts'
import type { Turn } from './turn.ts'
import { type Entry, openVault, type Place, type Vault } from './vault.ts'

/** A page that is just going away may still hold the history. Milliseconds. */
const LOCK_PATIENCE = 700

/** What the person wrote to use again, under a number of its own. */
export interface Prompt {
  readonly number: number
  readonly text: string
}

/** What a search found: a conversation, and the words around the place. */
export interface Hit {
  readonly summary: Summary
  readonly around: string
}

/** Everything one person said on this device. Heads are known at once; turns are opened when they are wanted. */
export class History {
  readonly #vault: Vault
  readonly #person: string
  readonly #queue: EntryQueue
  readonly #open = new Map<string, Conversation>()
  readonly #listeners = new Set<() => void>()
  #summaries: readonly Summary[]
  #prompts: readonly Prompt[]
  #instructions: string
  /** Whether its key lies in Telegram's secure storage, and not beside what it opens. */
  readonly guarded: boolean

  constructor(vault: Vault, person: string, entries: readonly Entry[], guarded = false) {
    this.#vault = vault
    this.#person = person
    this.#queue = new EntryQueue(vault)
    this.guarded = guarded
    const heads = entries
      .map((entry) => readEntry(entry))
      .flatMap((entry) => (entry?.kind === 'conversation' ? [entry] : []))
    this.#summaries = heads.map(({ summary }) => summary).toSorted(newestFirst)
    const notes = (kind: string) =>
      entries.flatMap((entry) => {
        const text = entry.place[1] === SHELF && entry.place[2] === kind ? readNote(entry) : null
        return text === null ? [] : [{ number: entry.place[3], text }]
      })
    this.#prompts = notes('prompt')
    this.#instructions = notes('instructions')[0]?.text ?? ''
  }

  /** Reads what a list needs and no more. */
  static async of(vault: Vault, person: string, guarded = false): Promise<History> {
    const places = await vault.places(person)
    const wanted = places.filter(([, id, kind]) => kind === 'conversation' || id === SHELF)
    return new History(vault, person, await vault.read(wanted), guarded)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  /** Newest first. */
  readonly summaries = (): readonly Summary[] => this.#summaries
  readonly prompts = (): readonly Prompt[] => this.#prompts
  /** What every answer should heed, in the person's words. */
  readonly instructions = (): string => this.#instructions

  /** Called after each write, with whether it succeeded. */
  set onWrite(listener: (stored: boolean) => void) {
    this.#queue.onWrite = listener
  }

  fresh(): Conversation {
    const conversation = new Conversation(this.#queue, this.#person, crypto.randomUUID(), [])
    this.#open.set(conversation.id, conversation)
    return conversation
  }

  async open(id: string): Promise<Conversation> {
    const known = this.#open.get(id)
    if (known) return known
    const conversation = new Conversation(this.#queue, this.#person, id, await this.#entries(id))
    this.#open.set(id, conversation)
    return conversation
  }

  /** The turns as they are stored. */
  async turns(id: string): Promise<readonly Turn[]> {
    await this.#queue.stored().catch(() => undefined)
    return new Conversation(new EntryQueue(this.#vault), this.#person, id, await this.#entries(id)).turns
  }

  /** Forgets what it holds in memory of a conversation that is on no screen. */
  close(id: string): void {
    this.#open.delete(id)
  }

  /** A conversation changed. */
  note(summary: Summary): void {
    const before = this.#summaries.find(({ id }) => id === summary.id)
    if (JSON.stringify(before) === JSON.stringify(summary)) return
    this.#summaries = [summary, ...this.#summaries.filter(({ id }) => id !== summary.id)].toSorted(newestFirst)
    this.#changed()
  }

  /** An empty title gives it back to the first question. */
  async rename(id: string, title: string): Promise<void> {
    const summary = this.#summaries.find((one) => one.id === id)
    if (!summary) return
    const named = { ...summary, title: title.trim() || summary.title, named: title.trim() !== '' }
    this.note(named)
    const conversation = await this.open(id)
    conversation.title(named)
    await conversation.stored()
  }

  /** For good: nothing of it stands anywhere afterwards. @throws Error when the storage refused */
  async delete(id: string): Promise<void> {
    const conversation = await this.open(id)
    conversation.delete()
    for (const place of await this.#vault.places(this.#person)) {
      if (place[1] === id) this.#queue.put({ place, content: null })
    }
    this.#open.delete(id)
    this.#summaries = this.#summaries.filter((summary) => summary.id !== id)
    this.#changed()
    await this.#queue.stored()
  }

  /** Everything of this person, conversations and notes. @throws Error when the storage refused */
  async wipe(): Promise<void> {
    for (const conversation of this.#open.values()) conversation.delete()
    this.#open.clear()
    this.#summaries = []
    this.#prompts = []
    this.#instructions = ''
    for (const place of await this.#vault.places(this.#person)) this.#queue.put({ place, content: null })
    this.#changed()
    await this.#queue.stored()
  }

  /** Goes through everything, newest first; hands over each conversation that holds all the words. */
  async search(text: string, onHit: (hit: Hit) => void, signal: AbortSignal): Promise<void> {
    for (const summary of this.#summaries) {
      if (signal.aborted) return
      const turns = await this.turns(summary.id)
      const around = foundIn(text, summary.title, turns)
      if (around !== null && !signal.aborted) onHit({ summary, around })
    }
  }

  savePrompt(text: string, number = Math.max(0, ...this.#prompts.map((prompt) => prompt.number)) + 1): void {
    this.#prompts = [...this.#prompts.filter((prompt) => prompt.number !== number), { number, text }]
    this.#putNote('prompt', number, text)
  }

  deletePrompt(number: number): void {
    this.#prompts = this.#prompts.filter((prompt) => prompt.number !== number)
    this.#putNote('prompt', number, '')
  }

  setInstructions(text: string): void {
    this.#instructions = text
    this.#putNote('instructions', 0, text)
  }

  stored(): Promise<void> {
    return this.#queue.stored()
  }

  async #entries(id: string): Promise<Entry[]> {
    const places = await this.#vault.places(this.#person)
    return this.#vault.read(places.filter((place) => place[1] === id))
  }

  #putNote(kind: string, number: number, text: string): void {
    const place: Place = [this.#person, SHELF, kind, number]
    this.#queue.put({ place, content: text === '' ? null : writeNote(text) })
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

const newestFirst = (a: Summary, b: Summary): number => b.changed - a.changed || b.opened - a.opened

/**
 * The history of this person, if this window is the one that holds it. Null where another one does, and where the browser
 * cannot store or lock: then a chat lives in its window only. Never rejects.
 */
export async function openHistory(person: string, secrets: Secrets | null): Promise<History | null> {
  try {
    if (!(await lockFor(`cocoon.conversation.${person}`))) return null
    const master = await masterKey(secrets)
    return await History.of(await openVault(master), person, master !== null)
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
