import { CocoonError, type Message } from '@cocoon/protocol'
import { TokenBucket } from './budget.ts'
import { type SocketBudgetName, socketBudgets } from './rate-limits.ts'

const budgetOf: Partial<Record<Message['kind'], SocketBudgetName>> = {
  open: 'clientControl',
  resume: 'clientControl',
  cancel: 'clientControl',
  chunk: 'clientData',
  read: 'clientData',
  ack: 'clientData',
  statement: 'nodeStatement',
  load: 'nodeLoad',
  refusal: 'nodeRefusal',
}

/** What each socket may still send. In memory: a relay that sleeps had nothing to do for longer than a budget takes to fill. */
export class SocketBudgets {
  readonly #buckets = new WeakMap<WebSocket, Map<SocketBudgetName, TokenBucket>>()

  /** @throws CocoonError `rate-limited` */
  message(socket: WebSocket, kind: Message['kind']): void {
    const name = budgetOf[kind]
    if (name) this.#take(socket, name)
  }

  /**
   * A frame that belongs to nothing.
   * @throws CocoonError `rate-limited`
   */
  stray(socket: WebSocket): void {
    this.#take(socket, 'nodeStray')
  }

  #take(socket: WebSocket, name: SocketBudgetName): void {
    let buckets = this.#buckets.get(socket)
    if (!buckets) this.#buckets.set(socket, (buckets = new Map<SocketBudgetName, TokenBucket>()))
    const now = Date.now()
    let bucket = buckets.get(name)
    if (!bucket) buckets.set(name, (bucket = new TokenBucket(socketBudgets[name], now)))
    if (!bucket.take(now)) throw new CocoonError('rate-limited', `too many messages: ${name}`)
  }
}
