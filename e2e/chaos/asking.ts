import type { AskEvent } from '@cocoon/client'
import { CocoonError } from '@cocoon/protocol'
import type { Question } from './question.ts'
import type { Tally } from './tally.ts'
import type { Weather } from './weather.ts'

/** What everybody who asks shares. */
export interface Surroundings {
  readonly tally: Tally
  readonly weather: Weather
  /** Name of the node with this id. */
  readonly nodeName: (id: string) => string
  /** Seconds between two questions of one person, on average. */
  readonly thinking: number
}

/** One question under way: compares every word with the right answer as it comes. */
export class Asking {
  /** The nodes it was sent to, by name. */
  readonly nodes: string[] = []
  readonly #client: string
  readonly #question: Question
  readonly #around: Surroundings
  readonly #leaving = Promise.withResolvers<'left'>()
  #gone = false
  #done = false
  #jobId = ''
  #nodeId = ''
  #text = ''

  constructor(client: string, question: Question, around: Surroundings) {
    this.#client = client
    this.#question = question
    this.#around = around
  }

  get left(): Promise<'left'> {
    return this.#leaving.promise
  }

  leave(): void {
    this.#gone = true
    this.#leaving.resolve('left')
  }

  /** Comes back to it after having left. */
  comeBack(): void {
    this.#gone = false
  }

  /** The error that ended it, if one did. */
  async read(events: AsyncIterable<AskEvent>): Promise<CocoonError | undefined> {
    const { tally } = this.#around
    // What is gone on with begins with all that is kept of it.
    this.#text = ''
    try {
      for await (const event of events) this.#take(event)
      // The client acknowledges after the last event; a device that was switched off at that moment may not have.
      if (this.#done && !this.#gone) {
        tally.acknowledged.push({ jobId: this.#jobId, nodeId: this.#nodeId, client: this.#client, at: Date.now() })
      }
      return undefined
    } catch (error) {
      if (error instanceof CocoonError) return error
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
      tally.breach({ what: `an error that is no CocoonError: ${what}` })
      return undefined
    }
  }

  #take(event: AskEvent): void {
    const { tally, weather, nodeName } = this.#around
    switch (event.type) {
      case 'checking':
        weather.leased()
        if (this.nodes.length > 0) tally.retries += 1
        this.nodes.push(nodeName(event.nodeId))
        return
      case 'sealed':
        this.#jobId = event.jobId
        this.#nodeId = event.node.nodeId
        return
      case 'waiting':
        tally.waitedInLine += 1
        return
      case 'moved':
        tally.moved += 1
        return
      case 'resumed':
        tally.resumed += 1
        return
      case 'delta':
        this.#text += event.text
        if (!this.#question.answer.startsWith(this.#text)) this.#wrong('the text is not the beginning of the answer')
        return
      case 'done':
        this.#done = true
        if (event.status === 'cancelled') tally.cancelled += 1
        else this.#judge(event.usage.completion)
        return
      default:
    }
  }

  #judge(tokens: number): void {
    this.#around.tally.answered += 1
    if (this.#text !== this.#question.answer) this.#wrong('the answer is not complete')
    else if (tokens !== this.#question.tokens)
      this.#wrong(`${tokens} tokens were counted, not ${this.#question.tokens}`)
  }

  #wrong(why: string): void {
    const { text, answer } = this.#question
    const what = `${why}: asked ${JSON.stringify(text)}, heard ${JSON.stringify(this.#text)}, right is ${JSON.stringify(answer)}`
    this.#around.tally.breach({ what, client: this.#client, nodes: this.nodes })
  }
}
