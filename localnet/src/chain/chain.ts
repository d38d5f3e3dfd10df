import { Address, beginCell, type Message, type StateInit, type Transaction, type TupleItem } from '@ton/core'
import { Blockchain, type BlockchainSnapshot, EmulationError, GetMethodError, SmartContract } from '@ton/sandbox'
import { networks } from '@cocoon/protocol'
import { type Block, type Executed, Ledger, messageHash } from './ledger.ts'
import { type Order, ordered } from './order.ts'
import { chainConfig } from './prices.ts'

/**
 * When blocks are made. `instant`: a message is executed with everything that follows from it before its sender is
 * answered. `manual`: by `produceBlock` alone. A number: every so many milliseconds, as on a real chain; a message then
 * waits for the next block, and what it sends to others for the one after.
 */
export type Pace = 'instant' | 'manual' | number

export interface ChainOptions {
  readonly pace?: Pace
  /** Unix seconds; the machine's clock unless given. */
  readonly clock?: () => number
}

/** Where coins of the faucet come from. Nobody holds it. */
export const FAUCET = new Address(0, Buffer.from('fa0ce7'.padStart(64, '0'), 'hex'))

/** Blocks after which what a block says is final: two of the masterchain. */
export const FINALITY = 2

/** A message the chain does not take, in the words of a lite server. */
export class NotAccepted extends Error {
  readonly exitCode: number | undefined

  constructor(exitCode: number | undefined) {
    const reason = exitCode === undefined ? '' : ` exitcode=${exitCode}`
    super(
      `LITE_SERVER_UNKNOWN: cannot apply external message to current state : inbound external message rejected by account${reason}`,
    )
    this.exitCode = exitCode
  }
}

interface Snapshot {
  readonly sandbox: BlockchainSnapshot
  readonly ledger: Ledger
  readonly offset: number
  readonly mempool: readonly Message[]
  readonly queue: readonly Message[]
}

/** A TON chain in this process: real contracts in the sandbox's virtual machine, in blocks, with prices of 2026. */
export class Chain {
  readonly #sandbox: Blockchain
  readonly #clock: () => number
  readonly #snapshots: Snapshot[] = []
  #ledger: Ledger
  /** Seconds the chain is ahead of the clock. */
  #offset = 0
  #mempool: Message[] = []
  #queue: Message[] = []
  #order: Order = 'as-sent'
  #pace: Pace
  #timer: NodeJS.Timeout | undefined
  #pacing = 0
  #busy: Promise<unknown> = Promise.resolve()

  private constructor(sandbox: Blockchain, clock: () => number, pace: Pace) {
    this.#sandbox = sandbox
    this.#clock = clock
    this.#pace = pace
    this.#ledger = new Ledger(this.now)
  }

  static async create(options: ChainOptions = {}): Promise<Chain> {
    const { clock = () => Math.floor(Date.now() / 1000), pace = 'instant' } = options
    const sandbox = await Blockchain.create({ config: chainConfig(networks.localnet) })
    sandbox.verbosity = { print: false, blockchainLogs: false, vmLogs: 'none', debugLogs: false }
    const chain = new Chain(sandbox, clock, pace)
    chain.setPace(pace)
    return chain
  }

  /** Unix seconds that the next block will be dated at least. */
  get now(): number {
    return this.#clock() + this.#offset
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /** What waits: externals nobody executed yet, and messages on their way between accounts. */
  get pending(): { readonly externals: readonly Message[]; readonly internals: readonly Message[] } {
    return { externals: this.#mempool, internals: this.#queue }
  }

  get pace(): Pace {
    return this.#pace
  }

  setPace(pace: Pace): void {
    this.#pace = pace
    clearTimeout(this.#timer)
    // A block may be in the making: what it leads to belongs to the pace before.
    const pacing = ++this.#pacing
    const tick = (): void => {
      if (pacing !== this.#pacing || typeof pace !== 'number') return
      this.#timer = setTimeout(() => void this.produceBlock().then(tick), pace)
    }
    tick()
  }

  /** Ends the timer, and what is being executed. */
  async stop(): Promise<void> {
    this.setPace('manual')
    await this.#busy
  }

  setOrder(order: Order): void {
    this.#order = order
  }

  /**
   * Takes an external message when its account would accept it now, as a lite server does. Accepted is not executed: by
   * the next block something else may have come first, and the message is gone without a trace.
   * @throws NotAccepted
   */
  async send(message: Message): Promise<void> {
    const { info } = message
    if (info.type !== 'external-in') throw new RangeError('only external messages come from outside')
    await this.#exclusive(async () => {
      const hash = messageHash(message)
      if (this.#mempool.some((one) => messageHash(one) === hash)) return
      await this.#emulate(info.dest, message, false)
      this.#mempool.push(message)
    })
    await this.#settleInstantly()
  }

  /** Coins out of nowhere, with `init` for a contract that belongs to nobody. In nanograms. */
  async give(to: Address, value: bigint, init?: StateInit): Promise<void> {
    await this.#exclusive(async () => {
      const info = {
        type: 'internal',
        ihrDisabled: true,
        bounce: false,
        bounced: false,
        src: FAUCET,
        dest: to,
        value: { coins: value },
        ihrFee: 0n,
        forwardFee: 0n,
        createdLt: this.#sandbox.lt,
        createdAt: this.now,
      } as const
      this.#queue.push({ info, body: beginCell().endCell(), ...(init ? { init } : {}) })
    })
    await this.#settleInstantly()
  }

  produceBlock(): Promise<Block> {
    return this.#exclusive(() => this.#produce())
  }

  /** Blocks until nothing waits, then two more, so that all of it is final. */
  settle(): Promise<void> {
    return this.#exclusive(() => this.#settle())
  }

  /** The chain's time jumps; the next block shows it. */
  async advance(seconds: number): Promise<void> {
    if (!Number.isInteger(seconds) || seconds < 0) throw new RangeError('time goes on, in whole seconds')
    this.#offset += seconds
    if (this.#pace === 'instant') await this.settle()
  }

  /** What `message` would do now, without doing it: the first transaction, signatures unchecked. @throws NotAccepted */
  estimate(to: Address, message: Message): Promise<Transaction> {
    return this.#exclusive(() => this.#emulate(to, message, true))
  }

  /** Runs on the account as block `seqno` left it. `exitCode` -13: no contract there, or no such method (11). */
  async get(
    address: Address,
    method: string | number,
    stack: TupleItem[],
    seqno: number,
  ): Promise<{ stack: readonly TupleItem[]; exitCode: number; gasUsed: bigint }> {
    const state = this.#ledger.account(address, seqno)
    if (state.account?.storage.state.type !== 'active') return { stack: [], exitCode: -13, gasUsed: 0n }
    try {
      const contract = new SmartContract(state, this.#sandbox)
      return await contract.get(method, stack, { now: this.#ledger.block(seqno)?.time ?? this.now })
    } catch (error) {
      if (error instanceof GetMethodError) return { stack: [], exitCode: error.exitCode, gasUsed: error.gasUsed }
      throw error
    }
  }

  /** Everything as it is, to come back to. Returns its number. */
  snapshot(): Promise<number> {
    return this.#exclusive(async () => {
      const { mempool, queue } = { mempool: [...this.#mempool], queue: [...this.#queue] }
      const ledger = new Ledger(this.#ledger)
      return (
        this.#snapshots.push({ sandbox: this.#sandbox.snapshot(), ledger, offset: this.#offset, mempool, queue }) - 1
      )
    })
  }

  /** May be done more than once. The clock went on meanwhile, and goes on from where it is. */
  revert(number: number): Promise<void> {
    return this.#exclusive(async () => {
      const snapshot = this.#snapshots[number]
      if (!snapshot) throw new RangeError(`no snapshot ${number}`)
      await this.#sandbox.loadFrom(snapshot.sandbox)
      this.#ledger = new Ledger(snapshot.ledger)
      this.#offset = snapshot.offset
      this.#mempool = [...snapshot.mempool]
      this.#queue = [...snapshot.queue]
    })
  }

  async #settleInstantly(): Promise<void> {
    if (this.#pace === 'instant') await this.settle()
  }

  async #settle(): Promise<void> {
    while (this.#mempool.length + this.#queue.length > 0) await this.#produce()
    for (let i = 0; i < FINALITY; i++) await this.#produce()
  }

  async #produce(): Promise<Block> {
    const { head } = this.#ledger
    const [seqno, time] = [head.seqno + 1, Math.max(head.time, this.now)]
    const messages = ordered([...this.#queue, ...this.#mempool], this.#order)
    this.#queue = []
    this.#mempool = []
    const transactions: Executed[] = []
    const touched = new Map<string, Address>()
    for (const message of messages) {
      const transaction = await this.#execute(message, time)
      if (!transaction || !(message.info.dest instanceof Address)) continue
      const account = message.info.dest
      transactions.push({ account, transaction, seqno })
      touched.set(account.toRawString(), account)
      this.#queue.push(...transaction.outMessages.values().filter(({ info }) => info.type === 'internal'))
    }
    const block = { seqno, time, transactions }
    const states = await Promise.all([...touched.values()].map((address) => this.#sandbox.getContract(address)))
    this.#ledger.append(
      block,
      states.map(({ account }) => account),
    )
    return block
  }

  /** Undefined for an external message that is not accepted any more. */
  async #execute(message: Message, now: number): Promise<Transaction | undefined> {
    // An iterator of its own runs one transaction; its messages are ours to deliver, in a later block.
    const steps = await this.#sandbox.sendMessageIter(message, { allowParallel: true, now })
    try {
      const { value } = await steps[Symbol.asyncIterator]().next()
      return value as Transaction
    } catch (error) {
      if (error instanceof EmulationError && message.info.type === 'external-in') return undefined
      throw error
    }
  }

  async #emulate(to: Address, message: Message, ignoreChksig: boolean): Promise<Transaction> {
    const { account } = await this.#sandbox.getContract(to)
    const now = Math.max(this.#ledger.head.time, this.now)
    try {
      return await new SmartContract(account, this.#sandbox).receiveMessage(message, { now, ignoreChksig })
    } catch (error) {
      if (error instanceof EmulationError) throw new NotAccepted(error.exitCode)
      throw error
    }
  }

  /** One thing at a time: the sandbox is one machine. */
  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(run)
    this.#busy = done.catch(() => undefined)
    return done
  }
}
