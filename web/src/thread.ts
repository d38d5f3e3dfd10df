import type { AskEvent, Asking, AskOptions, KeptAnswer, ResumeOptions } from './asking.ts'
import { leafUnder, pathTo } from './branches.ts'
import type { Conversation, Waiting } from './conversation.ts'
import { type Summary, summarised } from './summary.ts'
import {
  advance,
  type Answer,
  cut,
  failed,
  goingOn,
  interrupted,
  isCode,
  isRunning,
  mayWait,
  messagesOf,
  noAnswer,
  stopped,
  type Turn,
} from './turn.ts'

/** At most this many machines can be named in one request. */
export const EXCLUDE_LIMIT = 8

/** What a conversation needs of the chat around it. */
export interface Surroundings {
  connected(): Promise<Asking>
  /** Called before the first question of a visit. */
  ready(asking: Asking): Promise<void>
  /** The model that is chosen now. */
  model(): string | null
  instructions(): string
  /** Machines that failed a check which protects the person: not asked again, whatever else was tried. */
  readonly barred: Set<string>
  /** `words`: nothing changed but that more was said. */
  changed(thread: Thread, words: boolean): void
  ended(thread: Thread, asking: Asking | null): void
}

/** One conversation in memory: its turns with all branches, and the answer that is under way. It goes on while another is read. */
export class Thread {
  /** Where it is kept; null where nothing is stored. */
  readonly kept: Conversation | null
  readonly #around: Surroundings
  #summary: Summary | null
  #turns: readonly Turn[] = []
  #leaf: number | null = null
  /** The record of the last answer, while it has not ended. */
  #waiting: Waiting | null = null
  #running: AbortController | null = null
  #nextId = 1
  #path: readonly Turn[] | null = null

  constructor(around: Surroundings, kept: Conversation | null, summary: Summary | null = null) {
    this.#around = around
    this.kept = kept
    this.#summary = summary
    if (kept) this.#restore(kept)
  }

  get turns(): readonly Turn[] {
    return this.#turns
  }

  /** The branch on the screen. */
  get path(): readonly Turn[] {
    this.#path ??= pathTo(this.#turns, this.#leaf)
    return this.#path
  }

  get summary(): Summary | null {
    return this.#summary
  }

  get running(): boolean {
    const last = this.path.at(-1)
    return last !== undefined && isRunning(last.answer)
  }

  /** An answer that was under way when the window closed goes on. */
  wake(): void {
    const waiting = this.#waiting
    const answer = waiting && this.#turn(waiting.turn)?.answer
    if (!waiting || !answer || this.#running) return
    // Stopped, but the machine may not know yet.
    if (answer.phase === 'stopped') void this.#resume(waiting, true)
    else if (isRunning(answer) || answer.failure?.waits) void this.#resume(waiting)
    else this.#forget(waiting.turn)
  }

  /**
   * Asks after `parent`. `instead`: a turn that this one replaces, because it came to nothing. Without it another answer is there
   * already, and the machines to avoid are avoided only if there are others.
   */
  ask(question: string, parent: number | null, avoid: readonly string[] = [], instead: number | null = null): void {
    const id = this.#nextId++
    const turn: Turn = {
      id,
      parent,
      at: Date.now(),
      question,
      model: this.#around.model() ?? '',
      avoid,
      answer: noAnswer,
    }
    this.#leaf = id
    this.#change([...this.#turns.filter((other) => other.id !== instead), turn])
    void this.#ask(turn, instead === null)
  }

  /** Goes on with the last answer, if it waits. Says whether it does. */
  goOn(): boolean {
    const last = this.path.at(-1)
    if (!last?.answer.failure?.waits || this.#waiting?.turn !== last.id) return false
    void this.#resume(this.#waiting)
    return true
  }

  stop(): void {
    const last = this.path.at(-1)
    if (!last || !this.running) return
    // The screen stops at once; what the answer cost arrives later, from the machine.
    this.#settle(last.id, stopped)
    this.#running?.abort()
  }

  /** Shows the branch that goes through this turn. */
  choose(id: number): void {
    if (this.running) return
    this.#leaf = leafUnder(this.#turns, id)
    this.#change(this.#turns)
  }

  #restore(kept: Conversation): void {
    const { turns, waiting } = kept
    this.#waiting = waiting
    this.#nextId = (turns.at(-1)?.id ?? 0) + 1
    this.#leaf = this.#summary?.leaf ?? null
    for (const { answer } of turns) this.#bar(answer)
    const last = turns.at(-1)
    const asItIs = waiting || !last
    this.#turns = asItIs ? turns : [...turns.slice(0, -1), { ...last, answer: interrupted(last.answer) }]
    const answer = waiting && this.#turn(waiting.turn)?.answer
    // On the screen before the client is there.
    if (waiting && answer && answer.phase !== 'stopped' && (isRunning(answer) || answer.failure?.waits)) {
      this.#leaf = waiting.turn
      const change = goingOn(answer, waiting.kept)
      this.#turns = this.#turns.map((turn) => (turn.id === waiting.turn ? { ...turn, answer: change } : turn))
    }
  }

  #bar(answer: Answer | undefined): void {
    if (answer?.failure?.action === 'stop' && answer.nodeId !== null) this.#around.barred.add(answer.nodeId)
  }

  async #ask(turn: Turn, lenient: boolean): Promise<void> {
    const question = (avoid: readonly string[]) => this.#question(turn, avoid)
    async function* begin(asking: Asking, how: ResumeOptions): AsyncGenerator<AskEvent> {
      const others = lenient && turn.avoid.length > 0
      try {
        for await (const event of asking.ask({ ...question(turn.avoid), ...how })) {
          // Nobody else is free: rather the same machine than a line.
          if (others && event.type === 'waiting' && event.code === 'all-busy') {
            yield* asking.ask({ ...question([]), ...how })
            return
          }
          yield event
        }
      } catch (error) {
        if (!others || !isCode(error, 'no-node')) throw error
        yield* asking.ask({ ...question([]), ...how })
      }
    }
    await this.#run(turn, begin)
  }

  async #resume({ turn: id, kept }: Waiting, cancelled = false): Promise<void> {
    if (!cancelled) this.#settle(id, (answer) => goingOn(answer, kept))
    const turn = this.#turn(id)
    if (turn) await this.#run(turn, (asking, how) => asking.resume(kept, how), kept, cancelled)
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
      asking = await this.#around.connected()
      if (!from) await this.#around.ready(asking)
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
      this.#bar(this.#turn(turn.id)?.answer)
    } finally {
      // A stream that ends without saying how is cut, not done.
      this.#settle(turn.id, (answer) => (isRunning(answer) ? failed(answer, cut()) : answer))
      over = !waits
      if (over) this.#forget(turn.id)
      if (this.#running === abort) this.#running = null
    }
    this.#around.ended(this, asking)
  }

  /** Stores the record of an answer, or the answer itself once it is over. @throws Error where nothing can be stored */
  async #keep(id: number, kept: KeptAnswer, over: boolean): Promise<void> {
    if (over || !this.#turn(id)) return this.kept?.stored()
    this.#waiting = { turn: id, kept }
    if (!this.kept) throw new Error('this window stores nothing')
    await this.kept.keep(id, kept)
  }

  #forget(id: number): void {
    if (this.#waiting?.turn === id) this.#waiting = null
    this.kept?.drop(id)
  }

  #question(turn: Turn, avoid: readonly string[]): AskOptions {
    const before = pathTo(this.#turns, turn.id).slice(0, -1)
    const exclude = [...new Set([...avoid, ...this.#around.barred])].slice(-EXCLUDE_LIMIT)
    return {
      model: turn.model || (this.#around.model() ?? ''),
      messages: messagesOf(before, turn.question, this.#around.instructions()),
      ...(exclude.length > 0 ? { exclude } : {}),
    }
  }

  #turn(id: number): Turn | undefined {
    return this.#turns.find((turn) => turn.id === id)
  }

  #settle(id: number, change: (answer: Answer) => Answer): void {
    const turn = this.#turn(id)
    if (!turn) return
    const answer = change(turn.answer)
    if (answer === turn.answer) return
    const words = turn.answer.phase === 'streaming' && answer.phase === 'streaming' && turn.answer.lost === answer.lost
    this.#change(
      this.#turns.map((other) => (other === turn ? { ...turn, answer } : other)),
      words,
    )
  }

  #change(turns: readonly Turn[], words = false): void {
    this.#turns = turns
    this.#path = null
    const id = this.kept?.id
    if (!words && id !== undefined && turns.length > 0) {
      this.#summary = summarised(this.#summary, id, this.path, Date.now())
      this.kept?.save(turns, this.#summary)
    }
    this.#around.changed(this, words)
  }

  /** The person gave it another title. */
  titled(summary: Summary): void {
    this.#summary = summary
  }
}
