import { CocoonError, type MatchResponse, sealRequest, utf8 } from '@cocoon/protocol'
import { type AppraisedNode, appraiseNode } from './appraisal.ts'
import type { AskEvent } from './events.ts'
import { MachineRefused } from './machine-appraiser.ts'
import { wrapRequest } from './job.ts'
import type { Surroundings } from './surroundings.ts'

/** Nodes a match can leave out; the latest matter most. */
const EXCLUDED = 8
/** How long a person stays in line before the question fails with the broker's word. Milliseconds. */
const IN_LINE = 120_000
/** Until the next call, where the broker does not say; and the least, whatever it says. Milliseconds. */
const RETRY_AFTER = 2_000
const RETRY_LEAST = 500
/** Machines that may be refused for one question before it fails. */
export const MACHINES = 4
/** Seconds a lease, and a statement, must still have: the question takes a moment to get there. */
const LEASE_MARGIN = 2
const STATEMENT_MARGIN = 60

/** A node the broker proposes for one question. */
export interface Candidate {
  readonly match: MatchResponse
  /** Undefined: not appraised yet. */
  readonly node?: AppraisedNode
  /** It was found ahead of need, and may be full by now. */
  readonly prepared?: boolean
}

/**
 * Matches, and stays in line while every node is busy.
 * @throws CocoonError the broker's own code, `all-busy` after two minutes in line; `cancelled`
 */
export async function* findNode(
  { broker, policy, environment }: Surroundings,
  model: string,
  exclude: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<AskEvent, Candidate> {
  const began = environment.now()
  let waited = 0
  for (let slowedDown = false; ;) {
    try {
      return { match: await broker.match({ model, policy, exclude: exclude.slice(-EXCLUDED) }) }
    } catch (error) {
      if (!(error instanceof CocoonError)) throw error
      const { code, retryAfterMs: asked = RETRY_AFTER } = error
      if (code !== 'all-busy' && (code !== 'rate-limited' || slowedDown)) throw error
      slowedDown ||= code === 'rate-limited'
      // As long again at most, by chance: those who were turned away together should not come back together.
      const retryAfterMs = Math.max(RETRY_LEAST, asked) * (1 + (environment.random(1)[0] ?? 0) / 512)
      waited += retryAfterMs
      if (Math.max(waited, environment.now() - began + retryAfterMs) > IN_LINE) throw error
      yield { type: 'waiting', code, retryAfterMs }
      await environment.wait(retryAfterMs, signal)
      if (signal?.aborted) throw new CocoonError('cancelled', 'cancelled while waiting in line')
    }
  }
}

/** Nodes found, appraised and connected to before they are needed: one for each model. */
export class Preparations {
  readonly #around: Surroundings
  readonly #candidates = new Map<string, Promise<Required<Candidate>>>()
  #warm = false

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** Does nothing where a candidate waits that would still do. @throws CocoonError as a match and an appraisal do */
  async prepare(model: string, exclude: readonly string[]): Promise<void> {
    const waiting = this.#candidates.get(model)
    const known = await waiting?.catch(() => undefined)
    if (known && this.#serves(known, exclude)) return this.#around.sockets.warm(known.match.node)
    // Another call may be preparing by now.
    if (this.#candidates.get(model) === waiting) {
      const candidate = this.#find(model, exclude)
      this.#candidates.set(model, candidate)
      candidate.catch(() => {
        if (this.#candidates.get(model) === candidate) this.#candidates.delete(model)
      })
    }
    await this.#candidates.get(model)
  }

  /** The candidate that waits, if it would still do. A lease is good for one question, so it is gone then. */
  async take(model: string, exclude: readonly string[]): Promise<Candidate | undefined> {
    const waiting = this.#candidates.get(model)
    this.#candidates.delete(model)
    const candidate = await waiting?.catch(() => undefined)
    return candidate && this.#serves(candidate, exclude) ? candidate : undefined
  }

  #serves({ match, node }: Required<Candidate>, exclude: readonly string[]): boolean {
    const { seconds } = this.#around.broker
    // By the broker's clock: the node enforces its dates itself, this only avoids asking in vain.
    const { useBy } = node.verified.statement
    return !exclude.includes(match.node) && seconds < match.expires - LEASE_MARGIN && seconds < useBy - STATEMENT_MARGIN
  }

  async #find(model: string, exclude: readonly string[]): Promise<Required<Candidate>> {
    const { broker, policy, sockets } = this.#around
    const avoided = [...exclude]
    for (let refusals = 1; ; refusals++) {
      const match = await broker.match({ model, policy, exclude: avoided.slice(-EXCLUDED), ahead: true })
      try {
        const node = await appraiseNode(match, model, this.#around)
        sockets.warm(match.node)
        await this.#warmUp(node, model)
        return { match, node, prepared: true }
      } catch (error) {
        if (!(error instanceof MachineRefused) || error.concernsAll || refusals === MACHINES) throw error
        avoided.push(match.node)
      }
    }
  }

  /** The first seal of a page takes many times as long as the next ones: this one goes nowhere. */
  async #warmUp(node: AppraisedNode, model: string): Promise<void> {
    if (this.#warm) return
    this.#warm = true
    const { random } = this.#around.environment
    const { sealed, contentKey } = await sealRequest({ ...this.#around, model, content: utf8('{}') }, random)
    await wrapRequest(sealed, contentKey, node, '', random)
  }
}
