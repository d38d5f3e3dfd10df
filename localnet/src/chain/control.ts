import type { Pace } from './chain.ts'
import type { Deployment } from './deployment.ts'
import type { Fault } from './faults.ts'
import type { Order } from './order.ts'

export interface ChainStatus {
  /** Unix seconds. */
  readonly now: number
  /** Of the newest block. */
  readonly seqno: number
  readonly pace: Pace
  /** External messages in no block yet. */
  readonly waiting: number
  /** Messages between accounts, in no block yet. */
  readonly moving: number
}

/** Tells a development chain in another process what to do. Addresses as text, coins in nanograms, times in seconds. */
export class ChainControl {
  readonly origin: string

  constructor(origin: string) {
    this.origin = origin
  }

  /** For `TonClient`. */
  get endpoint(): string {
    return `${this.origin}/api/v2/jsonRPC`
  }

  status(): Promise<ChainStatus> {
    return this.#tell('status')
  }
  deployment(): Promise<Deployment> {
    return this.#tell('deployment')
  }
  async faucet(address: string, amount: bigint): Promise<void> {
    await this.#tell('faucet', { address, amount: amount.toString() })
  }
  async advance(seconds: number): Promise<void> {
    await this.#tell('time', { advance: seconds })
  }
  async blocks(count: number): Promise<void> {
    await this.#tell('block', { count })
  }
  /** Blocks until nothing waits, and two more. */
  async settle(): Promise<void> {
    await this.#tell('settle')
  }
  async setPace(pace: Pace): Promise<void> {
    await this.#tell('pace', { pace })
  }
  async setOrder(order: Order): Promise<void> {
    await this.#tell('order', { order })
  }
  /** Answers come from so many blocks ago. */
  async setLag(blocks: number): Promise<void> {
    await this.#tell('lag', { blocks })
  }
  /** Replaces all faults; none clears them. */
  async setFaults(...faults: readonly Fault[]): Promise<void> {
    await this.#tell('faults', { faults })
  }
  async snapshot(): Promise<number> {
    return (await this.#tell<{ id: number }>('snapshot')).id
  }
  async revert(id: number): Promise<void> {
    await this.#tell('revert', { id })
  }

  async #tell<T>(verb: string, params: object = {}): Promise<T> {
    const response = await fetch(`${this.origin}/admin/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(params),
    })
    const answer = (await response.json()) as { ok: boolean; result: T; error?: string }
    if (!answer.ok) throw new Error(`the chain refused ${verb}: ${answer.error}`)
    return answer.result
  }
}
