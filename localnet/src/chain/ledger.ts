import { type Address, beginCell, type Message, type ShardAccount, storeMessage, type Transaction } from '@ton/core'
import { createEmptyShardAccount } from '@ton/sandbox'

/** One transaction, and the block it is in. */
export interface Executed {
  readonly account: Address
  readonly transaction: Transaction
  readonly seqno: number
}

/** One block. Shard and masterchain advance together here, so one number serves both. */
export interface Block {
  readonly seqno: number
  /** Unix seconds; never before the block before. */
  readonly time: number
  readonly transactions: readonly Executed[]
}

interface AccountAt {
  readonly seqno: number
  readonly state: ShardAccount
}

/**
 * Everything that happened, by block, account and message. Only appended to; a copy of it is a snapshot. What the
 * sandbox keeps itself cannot be paged: it reverses its own array at each call.
 */
export class Ledger {
  #blocks: Block[]
  readonly #accounts: Map<string, AccountAt[]>
  readonly #histories: Map<string, Executed[]>
  readonly #byMessage: Map<string, Executed>

  constructor(time: number)
  constructor(other: Ledger)
  constructor(from: number | Ledger) {
    if (typeof from === 'number') {
      this.#blocks = [{ seqno: 1, time: from, transactions: [] }]
      this.#accounts = new Map()
      this.#histories = new Map()
      this.#byMessage = new Map()
      return
    }
    this.#blocks = [...from.#blocks]
    this.#accounts = new Map([...from.#accounts].map(([key, list]) => [key, [...list]]))
    this.#histories = new Map([...from.#histories].map(([key, list]) => [key, [...list]]))
    this.#byMessage = new Map(from.#byMessage)
  }

  get head(): Block {
    const head = this.#blocks.at(-1)
    if (!head) throw new Error('a chain has a first block')
    return head
  }

  block(seqno: number): Block | undefined {
    return this.#blocks[seqno - 1]
  }

  /** The last block dated at or before `time`. */
  blockAt(time: number): Block | undefined {
    return this.#blocks.findLast((block) => block.time <= time)
  }

  append(block: Block, touched: readonly ShardAccount[]): void {
    this.#blocks.push(block)
    for (const state of touched) {
      const address = state.account?.addr
      if (address) push(this.#accounts, address.toRawString(), { seqno: block.seqno, state })
    }
    for (const executed of block.transactions) {
      push(this.#histories, executed.account.toRawString(), executed)
      const message = executed.transaction.inMessage
      if (!message) continue
      this.#byMessage.set(messageHash(message), executed)
      if (message.info.type === 'external-in') this.#byMessage.set(normalizedHash(message), executed)
    }
  }

  /** The account as block `seqno` left it. */
  account(address: Address, seqno: number): ShardAccount {
    const states = this.#accounts.get(address.toRawString())
    return states?.findLast((one) => one.seqno <= seqno)?.state ?? createEmptyShardAccount(address)
  }

  /** Newest first. */
  history(address: Address, seqno: number): readonly Executed[] {
    const list = this.#histories.get(address.toRawString()) ?? []
    return list.filter((one) => one.seqno <= seqno).toReversed()
  }

  /** `hash` in hex: of the message, or of an external message normalized. */
  byMessage(hash: string): Executed | undefined {
    return this.#byMessage.get(hash)
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

export function messageHash(message: Message): string {
  return beginCell().store(storeMessage(message)).endCell().hash().toString('hex')
}

/** What explorers and wallets know an external message by, whatever its state init and import fee (TEP-467). In hex. */
export function normalizedHash(message: Message): string {
  if (message.info.type !== 'external-in') throw new RangeError('only external messages are normalized')
  const info = { type: 'external-in', src: null, dest: message.info.dest, importFee: 0n } as const
  const cell = beginCell().store(storeMessage({ info, init: null, body: message.body }, { forceRef: true }))
  return cell.endCell().hash().toString('hex')
}
