import type { AskEvent, Asking, AskOptions, Connect, KeptAnswer, ResumeOptions } from './asking.ts'
import { type ChatState, preferred } from './chat-state.ts'
import type { Conversation, Waiting } from './conversation.ts'
import type { Reappraised } from './proof-sheet.tsx'
import { draft as keptDraft } from './draft.ts'
import {
  advance,
  type Answer,
  avoided,
  cut,
  failed,
  goingOn,
  interrupted,
  isRunning,
  mayWait,
  messagesOf,
  noAnswer,
  stopped,
  type Turn,
} from './turn.ts'

/** At most this many machines can be named in one request. */
const EXCLUDE_LIMIT = 8
/** While a question is being written, a machine for it is looked for this often at most. Milliseconds. */
const PREPARE_EVERY = 15_000

/** The conversation, without a screen: what happened so far and what may be done about it. */
export class Chat {
  readonly #connect: Connect
  readonly #listeners = new Set<() => void>()
  /** Machines that failed a check which protects the person: not asked again, whatever else was tried. */
  readonly #barred = new Set<string>()
  #asking: Promise<Asking> | null = null
  #running: AbortController | null = null
  #conversation: Conversation | null = null
  /** The record of the last answer, while it has not ended. */
  #waiting: Waiting | null = null
  #nextId = 1
  #preparedAt = -Infinity
  /** Sent before it was known what was here: goes off then. */
  #sendsOnceOpened = false
  /** What was in the composer before a question was taken back into it. */
  #draftAside = ''
  #state: ChatState

  /**
   * `development` where it is known before the client is there: a banner must not wait for a connection. Without
   * `conversation`, and where it comes to nothing, the chat lives in this window only.
   */
  constructor(connect: Connect, development = false, conversation?: Promise<Conversation | null>) {
    this.#connect = connect
    this.#state = {
      turns: [],
      draft: keptDraft.read(),
      editing: null,
      models: null,
      model: null,
      trial: null,
      development,
      online: true,
      unreachable: false,
      memory: conversation ? 'opening' : 'window',
    }
    void conversation?.then((opened) => this.#remember(opened))
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly state = (): ChatState => this.#state

  get running(): boolean {
    const last = this.#state.turns.at(-1)
    return last !== undefined && isRunning(last.answer)
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
    await this.#conversation?.stored().catch(() => undefined)
  }

  /** A question is likely to come soon: does what can be done without it. Never in the way, and silent when it fails. */
  prepare(): void {
    const { model, online } = this.#state
    if (model === null || !online || this.running || performance.now() - this.#preparedAt < PREPARE_EVERY) return
    this.#preparedAt = performance.now()
    const prepared = this.#connected().then((asking) => asking.prepare(model, this.#excluded([])))
    prepared.catch(() => undefined)
  }

  choose(model: string): void {
    this.#set({ model })
    this.#preparedAt = -Infinity
  }

  /** Sends what is in the composer. Says whether it did. */
  send(): boolean {
    const question = this.#state.draft.trim()
    const { editing, turns, online, memory } = this.#state
    if (question === '' || this.running || !online) return false
    if (memory === 'opening') {
      this.#sendsOnceOpened = true
      return true
    }
    const before = editing === null ? turns : turns.filter((turn) => turn.id < editing)
    const turn = this.#newTurn(question, [])
    this.#set({ turns: [...before, turn], draft: this.#draftAside, editing: null })
    this.#draftAside = ''
    void this.#ask(turn)
    return true
  }

  /** Goes on with an answer that waits; asks the last question once more otherwise, without the machines that failed it. */
  retry(): void {
    const last = this.#state.turns.at(-1)
    if (!last || this.running) return
    if (last.answer.failure?.waits && this.#waiting?.turn === last.id) return void this.#resume(this.#waiting)
    const turn = this.#newTurn(last.question, avoided(last))
    this.#set({ turns: [...this.#state.turns.slice(0, -1), turn], editing: null })
    void this.#ask(turn)
  }

  stop(): void {
    const last = this.#state.turns.at(-1)
    if (!last || !this.running) return
    // The screen stops at once; what the answer cost arrives later, from the machine.
    this.#settle(last.id, stopped)
    this.#running?.abort()
  }

  /** Takes the last question back into the composer. */
  edit(): void {
    const last = this.#state.turns.at(-1)
    if (!last || this.running || this.#state.editing !== null) return
    this.#draftAside = this.#state.draft
    this.#set({ draft: last.question, editing: last.id })
  }

  cancelEdit(): void {
    if (this.#state.editing === null) return
    this.#set({ draft: this.#draftAside, editing: null })
    this.#draftAside = ''
  }

  startOver(): void {
    this.stop()
    this.cancelEdit()
    this.#waiting = null
    this.#set({ turns: [] })
    this.#conversation?.clear()
  }

  /** Ids only grow, so an answer that was replaced can never be mistaken for the one that replaced it. */
  #newTurn(question: string, avoid: readonly string[]): Turn {
    return { id: this.#nextId++, question, model: this.#state.model ?? '', avoid, answer: noAnswer }
  }

  /** What was here when the window closed is here again; an answer that was under way goes on. */
  #remember(conversation: Conversation | null): void {
    if (conversation) this.#restore(conversation)
    else this.#set({ memory: 'window' })
    if (this.#sendsOnceOpened) this.send()
  }

  #restore(conversation: Conversation): void {
    this.#conversation = conversation
    conversation.onWrite = (stored) => {
      const memory = stored ? 'kept' : 'window'
      if (memory !== this.#state.memory) this.#set({ memory })
    }
    const { turns, waiting } = conversation
    this.#waiting = waiting
    this.#nextId = (turns.at(-1)?.id ?? 0) + 1
    for (const { answer } of turns) {
      if (answer.failure?.action === 'stop' && answer.nodeId !== null) this.#barred.add(answer.nodeId)
    }
    const last = turns.at(-1)
    this.#set({
      turns: waiting || !last ? turns : [...turns.slice(0, -1), { ...last, answer: interrupted(last.answer) }],
      memory: 'kept',
      model: this.#state.model ?? last?.model ?? null,
    })
    if (!last || !waiting) return
    // Stopped, but the machine may not know yet.
    if (last.answer.phase === 'stopped') void this.#resume(waiting, true)
    else if (isRunning(last.answer) || last.answer.failure?.waits) void this.#resume(waiting)
    else this.#forget(last.id)
  }

  #ask(turn: Turn): Promise<void> {
    return this.#run(turn, (asking, how) => asking.ask({ ...this.#question(turn), ...how }))
  }

  #resume({ turn: id, kept }: Waiting, cancelled = false): Promise<void> {
    if (!cancelled) this.#settle(id, (answer) => goingOn(answer, kept))
    const turn = this.#turn(id)
    return turn ? this.#run(turn, (asking, how) => asking.resume(kept, how), kept, cancelled) : Promise.resolve()
  }

  async #run(
    turn: Turn,
    begin: (asking: Asking, how: ResumeOptions) => AsyncIterable<AskEvent>,
    from?: KeptAnswer,
    cancelled = false,
  ): Promise<void> {
    const abort = new AbortController()
    if (cancelled) abort.abort()
    this.#running = abort
    let asking: Asking | null = null
    let over = false
    let waits = false
    // What is on the screen already comes once more, as the first words.
    let again = from !== undefined && (from.text !== '' || from.reasoning !== '')
    const keep = (kept: KeptAnswer): Promise<void> => this.#keep(turn.id, kept, over)
    try {
      asking = await this.#connected()
      if (!from && this.#state.models === null) {
        const models = await asking.models()
        this.#set({ models, model: preferred(models, this.#state.model), unreachable: false })
      }
      if (abort.signal.aborted && !cancelled) return
      for await (const event of begin(asking, { signal: abort.signal, keep })) {
        over ||= event.type === 'done'
        const repeated = again && event.type === 'delta'
        if (repeated) again = false
        const news: AskEvent = repeated ? { type: 'delta', text: '', reasoning: '' } : event
        this.#settle(turn.id, (answer) => advance(answer, news))
      }
    } catch (error) {
      waits = mayWait(error) && this.#waiting?.turn === turn.id
      this.#settle(turn.id, (answer) => failed(answer, error, waits))
      const last = this.#turn(turn.id)?.answer
      if (last?.failure?.action === 'stop' && last.nodeId !== null) this.#barred.add(last.nodeId)
    } finally {
      // A stream that ends without saying how is cut, not done.
      this.#settle(turn.id, (answer) => (isRunning(answer) ? failed(answer, cut()) : answer))
      over = !waits
      if (over) this.#forget(turn.id)
      if (this.#running === abort) this.#running = null
    }
    this.#preparedAt = -Infinity
    this.prepare()
    if (asking) await this.#readTrial(asking)
  }

  /** Stores the record of an answer, or the answer itself once it is over. @throws Error where nothing can be stored */
  async #keep(id: number, kept: KeptAnswer, over: boolean): Promise<void> {
    if (over || !this.#turn(id)) return this.#conversation?.stored()
    this.#waiting = { turn: id, kept }
    if (!this.#conversation) throw new Error('this window stores nothing')
    await this.#conversation.keep(id, kept)
  }

  #forget(id: number): void {
    if (this.#waiting?.turn === id) this.#waiting = null
    this.#conversation?.drop(id)
  }

  #question(turn: Turn): AskOptions {
    const before = this.#state.turns.filter((other) => other.id < turn.id)
    const exclude = this.#excluded(turn.avoid)
    return {
      model: turn.model || (this.#state.model ?? ''),
      messages: messagesOf(before, turn.question),
      ...(exclude.length > 0 ? { exclude } : {}),
    }
  }

  #excluded(avoid: readonly string[]): string[] {
    return [...new Set([...avoid, ...this.#barred])].slice(-EXCLUDE_LIMIT)
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

  /** Never stands in the way: an answer matters more than how many are left. */
  async #readTrial(asking: Asking): Promise<void> {
    const trial = await asking.trial().catch(() => null)
    if (trial) this.#set({ trial })
  }

  #turn(id: number): Turn | undefined {
    return this.#state.turns.find((turn) => turn.id === id)
  }

  #settle(id: number, change: (answer: Answer) => Answer): void {
    const turn = this.#turn(id)
    if (!turn) return
    const answer = change(turn.answer)
    if (answer === turn.answer) return
    this.#set({ turns: this.#state.turns.map((other) => (other === turn ? { ...turn, answer } : other)) })
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change }
    const { turns, draft, memory } = this.#state
    const last = turns.at(-1)
    // A question that failed counts as unsent: where the chat itself is not kept, it must survive a reload too.
    const unsent = draft || (memory === 'window' && last?.answer.phase === 'failed' ? last.question : '')
    if (change.draft !== undefined || change.turns || change.memory) keptDraft.write(unsent)
    if (change.turns) this.#conversation?.save(turns)
    for (const listener of this.#listeners) listener()
  }
}
