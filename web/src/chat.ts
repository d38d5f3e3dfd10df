import type { Asking, AskOptions, Connect, Model, Trial } from './asking.ts'
import { draft as keptDraft } from './draft.ts'
import { advance, type Answer, avoided, failed, isRunning, messagesOf, noAnswer, stopped, type Turn } from './turn.ts'

export interface ChatState {
  readonly turns: readonly Turn[]
  readonly draft: string
  /** The last question, taken back into the composer; sending replaces it and its answer. */
  readonly editing: number | null
  readonly models: readonly Model[] | null
  readonly model: string | null
  readonly trial: Trial | null
  readonly development: boolean
  readonly online: boolean
  /** The broker did not answer when the app asked what there is. */
  readonly unreachable: boolean
}

/** At most this many machines can be named in one request. */
const EXCLUDE_LIMIT = 8

/** The conversation, without a screen: what happened so far and what may be done about it. */
export class Chat {
  readonly #connect: Connect
  readonly #listeners = new Set<() => void>()
  /** Machines that failed a check which protects the person: not asked again, whatever else was tried. */
  readonly #barred = new Set<string>()
  #asking: Promise<Asking> | null = null
  #running: AbortController | null = null
  #nextId = 1
  /** What was in the composer before a question was taken back into it. */
  #draftAside = ''
  #state: ChatState

  /** `development` where it is known before the client is there: a banner must not wait for a connection. */
  constructor(connect: Connect, development = false) {
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
    }
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
  }

  setOnline(online: boolean): void {
    if (online === this.#state.online) return
    this.#set({ online })
    if (online && this.#state.models === null) void this.open()
  }

  choose(model: string): void {
    this.#set({ model })
  }

  /** Sends what is in the composer. Says whether it did. */
  send(): boolean {
    const question = this.#state.draft.trim()
    if (question === '' || this.running || !this.#state.online) return false
    const { editing, turns } = this.#state
    const before = editing === null ? turns : turns.filter((turn) => turn.id < editing)
    const turn = this.#newTurn(question, [])
    this.#set({ turns: [...before, turn], draft: this.#draftAside, editing: null })
    this.#draftAside = ''
    void this.#run(turn)
    return true
  }

  /** Asks the last question once more, leaving out the machines that failed it. */
  retry(): void {
    const last = this.#state.turns.at(-1)
    if (!last || this.running) return
    const turn = this.#newTurn(last.question, avoided(last))
    this.#set({ turns: [...this.#state.turns.slice(0, -1), turn], editing: null })
    void this.#run(turn)
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
    this.#set({ turns: [] })
  }

  /** Ids only grow, so an answer that was replaced can never be mistaken for the one that replaced it. */
  #newTurn(question: string, avoid: readonly string[]): Turn {
    return { id: this.#nextId++, question, model: this.#state.model ?? '', avoid, answer: noAnswer }
  }

  async #run(turn: Turn): Promise<void> {
    const abort = new AbortController()
    this.#running = abort
    let asking: Asking | null = null
    try {
      asking = await this.#connected()
      if (this.#state.models === null) {
        const models = await asking.models()
        this.#set({ models, model: preferred(models, this.#state.model), unreachable: false })
      }
      if (abort.signal.aborted) return
      const options = this.#options(turn, abort.signal)
      for await (const event of asking.ask(options)) this.#settle(turn.id, (answer) => advance(answer, event))
    } catch (error) {
      this.#settle(turn.id, (answer) => failed(answer, error))
      const last = this.#turn(turn.id)?.answer
      if (last?.failure?.action === 'stop' && last.nodeId !== null) this.#barred.add(last.nodeId)
    } finally {
      // A stream that ends without saying how is cut, not done.
      this.#settle(turn.id, (answer) => (isRunning(answer) ? failed(answer, cut()) : answer))
      if (this.#running === abort) this.#running = null
    }
    if (asking) await this.#readTrial(asking)
  }

  #options(turn: Turn, signal: AbortSignal): AskOptions {
    const before = this.#state.turns.filter((other) => other.id < turn.id)
    const exclude = [...new Set([...turn.avoid, ...this.#barred])].slice(-EXCLUDE_LIMIT)
    return {
      model: turn.model || (this.#state.model ?? ''),
      messages: messagesOf(before, turn.question),
      signal,
      ...(exclude.length > 0 ? { exclude } : {}),
    }
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
    const last = this.#state.turns.at(-1)
    // A question that failed counts as unsent: it must survive a reload too.
    const unsent = this.#state.draft || (last?.answer.phase === 'failed' ? last.question : '')
    if (change.draft !== undefined || change.turns) keptDraft.write(unsent)
    for (const listener of this.#listeners) listener()
  }
}

function preferred(models: readonly Model[], chosen: string | null): string | null {
  const served = (models.find((model) => model.id === chosen) ?? models.find((model) => model.free > 0)) || models[0]
  return served?.id ?? null
}

function cut(): Error {
  return Object.assign(new Error('the events ended without an end'), {
    name: 'CocoonError',
    code: 'truncated',
    action: 'wait',
  })
}
