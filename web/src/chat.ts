import type { Asking, Connect } from './asking.ts'
import { branchesOf } from './branches.ts'
import { type ChatState, preferred } from './chat-state.ts'
import type { Conversation } from './conversation.ts'
import { draft as keptDraft } from './draft.ts'
import type { History } from './history.ts'
import type { Reappraised } from './proof-sheet.tsx'
import { EXCLUDE_LIMIT, type Surroundings, Thread } from './thread.ts'
import { avoided, type Turn } from './turn.ts'

/** While a question is being written, a machine for it is looked for this often at most. Milliseconds. */
const PREPARE_EVERY = 15_000
/** Words that arrive are shown this often at most: an eye sees no more, and a phone has other things to do. Milliseconds. */
const SHOW_EVERY = 50

/** The chat, without a screen: what happened so far and what may be done about it. */
export class Chat {
  readonly #connect: Connect
  readonly #listeners = new Set<() => void>()
  readonly #around: Surroundings
  #asking: Promise<Asking> | null = null
  #history: History | null = null
  #thread: Thread
  /** Conversations that an answer keeps alive while another one is on the screen, by their id. */
  readonly #away = new Map<string, Thread>()
  #preparedAt = -Infinity
  /** Sent before it was known what was here: goes off then. */
  #sendsOnceOpened = false
  /** What was in the composer before a question was taken back into it. */
  #draftAside = ''
  #shown: ReturnType<typeof setTimeout> | undefined
  #state: ChatState

  /**
   * `development` where it is known before the client is there: a banner must not wait for a connection. Without `history`,
   * and where it comes to nothing, the chat lives in this window only.
   */
  constructor(connect: Connect, development = false, history?: Promise<History | null>) {
    this.#connect = connect
    this.#around = {
      barred: new Set(),
      connected: () => this.#connected(),
      ready: (asking) => this.#readModels(asking),
      model: () => this.#state.model,
      instructions: () => this.#history?.instructions() ?? '',
      changed: (thread, words) => this.#changed(thread, words),
      ended: (thread, asking) => this.#ended(thread, asking),
    }
    this.#thread = new Thread(this.#around, null)
    this.#state = {
      conversation: null,
      turns: [],
      all: [],
      draft: keptDraft.read(),
      editing: null,
      models: null,
      model: null,
      trial: null,
      development,
      online: true,
      unreachable: false,
      memory: history ? 'opening' : 'window',
      guarded: false,
      busy: new Set(),
    }
    void history?.then((opened) => this.#remember(opened))
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly state = (): ChatState => this.#state

  get running(): boolean {
    return this.#thread.running
  }

  /** Null before it is found, and where this window keeps none. */
  get history(): History | null {
    return this.#history
  }

  /** Makes the appraisal of an answer's machine again. */
  readonly reappraise = async (proof: string): Promise<Reappraised> => (await this.#connected()).reappraise(proof)

  /** Asks what there is: models and what is left of the trial. Called after the first paint, and again when it failed. */
  async open(): Promise<void> {
    try {
      const asking = await this.#connected()
      const [models] = await Promise.all([asking.models(), this.#readTrial(asking)])
      this.#set({ models, model: preferred(models, this.#state.model), unreachable: false })
    } catch {
      this.#set({ unreachable: true })
    }
  }

  write(draft: string): void {
    this.#set({ draft })
    if (draft !== '') this.prepare()
  }

  setOnline(online: boolean): void {
    if (online === this.#state.online) return
    this.#set({ online })
    // Either way: a connection that died says nothing by itself.
    this.wake()
    if (online && this.#state.models === null) void this.open()
  }

  /** The device or its network came back: dead connections are found out at once, and an answer that waits goes on. */
  wake(): void {
    void this.#asking?.then((asking) => asking.wake()).catch(() => undefined)
    if (this.#state.online && this.#state.turns.at(-1)?.answer.failure?.waits) this.retry()
  }

  /** The page may be put away for good: writes what is not written yet. */
  async flush(): Promise<void> {
    const asking = await this.#asking?.catch(() => null)
    await asking?.flush()
    await this.#history?.stored().catch(() => undefined)
  }

  /** A question is likely to come soon: does what can be done without it. Never in the way, and silent when it fails. */
  prepare(): void {
    const { model, online } = this.#state
    if (model === null || !online || this.running || performance.now() - this.#preparedAt < PREPARE_EVERY) return
    this.#preparedAt = performance.now()
    const prepared = this.#connected().then((asking) =>
      asking.prepare(model, [...this.#around.barred].slice(-EXCLUDE_LIMIT)),
    )
    prepared.catch(() => undefined)
  }

  choose(model: string): void {
    this.#set({ model })
    this.#preparedAt = -Infinity
  }

  /** Sends what is in the composer. Says whether it did. */
  send(): boolean {
    const question = this.#state.draft.trim()
    const { editing, online, memory, all } = this.#state
    if (question === '' || this.running || !online) return false
    if (memory === 'opening') {
      this.#sendsOnceOpened = true
      return true
    }
    const edited = all.find((turn) => turn.id === editing)
    const draft = this.#draftAside
    this.#draftAside = ''
    this.#set({ draft, editing: null })
    if (edited) this.#askInstead(edited, question, [])
    else this.#thread.ask(question, this.#thread.path.at(-1)?.id ?? null)
    return true
  }

  /** Goes on with an answer that waits; asks the last question once more otherwise, without the machines that had it. */
  retry(): void {
    const last = this.#state.turns.at(-1)
    if (!last || this.running) return
    this.cancelEdit()
    if (!this.#thread.goOn()) this.#askInstead(last, last.question, avoided(last))
  }

  stop(): void {
    this.#thread.stop()
  }

  /** Takes a question back into the composer: the last one, or the one of this turn. */
  edit(id = this.#state.turns.at(-1)?.id): void {
    const turn = this.#state.turns.find((one) => one.id === id)
    if (!turn || this.running) return
    if (this.#state.editing === null) this.#draftAside = this.#state.draft
    this.#set({ draft: turn.question, editing: turn.id })
  }

  cancelEdit(): void {
    if (this.#state.editing === null) return
    this.#set({ draft: this.#draftAside, editing: null })
    this.#draftAside = ''
  }

  /** Shows what was asked in the place of this turn, so many branches further. */
  branch(id: number, by: 1 | -1): void {
    const turn = this.#state.all.find((one) => one.id === id)
    const ids = turn ? branchesOf(this.#state.all, turn) : []
    const next = ids[ids.indexOf(id) + by]
    if (next !== undefined) this.#thread.choose(next)
  }

  /** A new conversation. The one before it stays in the history, and its answer goes on. */
  startOver(): void {
    this.#leave()
    this.#show(new Thread(this.#around, this.#history?.fresh() ?? null))
  }

  async openConversation(id: string): Promise<void> {
    const history = this.#history
    if (!history || id === this.#state.conversation) return
    const kept = await history.open(id)
    this.#leave()
    this.#show(this.#away.get(id) ?? this.#restored(history, kept))
  }

  /** Deletes a conversation for good, and what is still being said in it. @throws Error when the storage refused */
  async delete(id: string): Promise<void> {
    const thread = id === this.#state.conversation ? this.#thread : this.#away.get(id)
    thread?.stop()
    this.#away.delete(id)
    if (id === this.#state.conversation) this.#show(new Thread(this.#around, this.#history?.fresh() ?? null))
    await this.#history?.delete(id)
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#history?.rename(id, title)
    const summary = this.#history?.summaries().find((one) => one.id === id)
    const thread = id === this.#state.conversation ? this.#thread : this.#away.get(id)
    if (summary) thread?.titled(summary)
  }

  /** Everything this person said on this device, for good. @throws Error when the storage refused */
  async wipe(): Promise<void> {
    for (const thread of [this.#thread, ...this.#away.values()]) thread.stop()
    this.#away.clear()
    const history = this.#history
    await history?.wipe()
    this.#show(new Thread(this.#around, history?.fresh() ?? null))
    this.#set({ draft: '' })
  }

  /** Where nothing came of a turn, the new one takes its place; else it becomes a branch beside it. */
  #askInstead(turn: Turn, question: string, avoid: readonly string[]): void {
    const fruitless = turn.answer.phase === 'failed' && !this.#state.all.some(({ parent }) => parent === turn.id)
    this.#thread.ask(question, turn.parent, avoid, fruitless ? turn.id : null)
  }

  #leave(): void {
    this.cancelEdit()
    const { kept } = this.#thread
    if (!this.#thread.running) {
      if (kept) this.#history?.close(kept.id)
    } else if (kept) this.#away.set(kept.id, this.#thread)
    else this.#thread.stop()
  }

  #show(thread: Thread): void {
    this.#thread = thread
    if (thread.kept) this.#away.delete(thread.kept.id)
    const model = thread.path.at(-1)?.model
    this.#set({
      conversation: thread.kept?.id ?? null,
      turns: thread.path,
      all: thread.turns,
      model: this.#state.models?.some(({ id }) => id === model) ? (model ?? null) : this.#state.model,
      busy: this.#busy(),
    })
    thread.wake()
  }

  #restored(history: History, kept: Conversation): Thread {
    return new Thread(this.#around, kept, history.summaries().find(({ id }) => id === kept.id) ?? null)
  }

  /** What was here when the window closed is here again; an answer that was under way goes on. */
  async #remember(history: History | null): Promise<void> {
    if (history) {
      this.#history = history
      history.onWrite = (stored) => {
        const memory = stored ? 'kept' : 'window'
        if (memory !== this.#state.memory) this.#set({ memory })
      }
      const last = history.summaries()[0]
      const kept = last ? await history.open(last.id).catch(() => null) : null
      const thread = this.#restored(history, kept ?? history.fresh())
      this.#set({
        guarded: history.guarded,
        memory: 'kept',
        model: this.#state.model ?? thread.path.at(-1)?.model ?? null,
      })
      this.#show(thread)
    } else this.#set({ memory: 'window' })
    if (this.#sendsOnceOpened) this.send()
  }

  #connected(): Promise<Asking> {
    this.#asking ??= this.#connect().then(
      (asking) => {
        this.#set({ development: asking.development })
        return asking
      },
      (error: unknown) => {
        this.#asking = null
        throw error
      },
    )
    return this.#asking
  }

  async #readModels(asking: Asking): Promise<void> {
    if (this.#state.models !== null) return
    const models = await asking.models()
    this.#set({ models, model: preferred(models, this.#state.model), unreachable: false })
  }

  /** Never stands in the way: an answer matters more than how many are left. */
  async #readTrial(asking: Asking): Promise<void> {
    const trial = await asking.trial().catch(() => null)
    if (trial) this.#set({ trial })
  }

  #ended(thread: Thread, asking: Asking | null): void {
    if (thread !== this.#thread && thread.kept) {
      this.#away.delete(thread.kept.id)
      this.#history?.close(thread.kept.id)
    }
    this.#set({ busy: this.#busy() })
    this.#preparedAt = -Infinity
    this.prepare()
    if (asking) void this.#readTrial(asking)
  }

  #busy(): ReadonlySet<string> {
    const threads = [this.#thread, ...this.#away.values()]
    return new Set(threads.flatMap(({ running, kept }) => (running && kept ? [kept.id] : [])))
  }

  #changed(thread: Thread, words: boolean): void {
    if (!words && thread.summary) this.#history?.note(thread.summary)
    if (thread !== this.#thread) return
    const change = { turns: thread.path, all: thread.turns }
    if (!words) return this.#set({ ...change, busy: this.#busy() })
    this.#state = { ...this.#state, ...change }
    this.#shown ??= setTimeout(() => this.#tell(), SHOW_EVERY)
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change }
    const { turns, draft, memory } = this.#state
    const last = turns.at(-1)
    // A question that failed counts as unsent: where the chat itself is not kept, it must survive a reload too.
    const unsent = draft || (memory === 'window' && last?.answer.phase === 'failed' ? last.question : '')
    if (change.draft !== undefined || change.turns || change.memory) keptDraft.write(unsent)
    this.#tell()
  }

  #tell(): void {
    clearTimeout(this.#shown)
    this.#shown = undefined
    for (const listener of this.#listeners) listener()
  }
}
