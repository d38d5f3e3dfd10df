import { readFileSync } from 'node:fs'
import type { Bytes } from '@cocoon/protocol'
import { Address, Cell } from '@ton/core'
import { Blockchain, internal } from '@ton/sandbox'
import {
  applyChangeMessage,
  type Change,
  type InitialRegistry,
  queueChangeMessage,
  Registry,
  REGISTRY_DELAY,
  registryCode,
  type RegistryState,
} from '../src/registry.ts'
import { config2026 } from './prices.ts'
import { digest } from './signed.ts'

const GRAM = 1_000_000_000n
const BEGINNING = 1_800_000_000
/** Covers any message here, with sixteen changes waiting. */
export const AMPLE = GRAM / 10n

/** The code under test: scripts/mutate.ts puts a broken one here, which the tests must notice. */
const file = process.env['REGISTRY_CODE']
const tested = file === undefined ? registryCode : Cell.fromBase64(readFileSync(file, 'utf8'))

let shared: Promise<Blockchain> | undefined
let worlds = 0

/** What one message did to the Registry. */
export interface Answer {
  /** 0, or what the contract threw. */
  readonly exit: number
  readonly done: boolean
  /** Of the Registry's balance, the rent of this transaction left out. */
  readonly change: bigint
  readonly returned: bigint
  /** To anyone but the sender. */
  readonly paidToOthers: bigint
}

/** A Registry with an owner, a guardian and a stranger. */
export class RegistryWorld {
  readonly chain: Blockchain
  readonly initial: InitialRegistry
  readonly registry: Registry
  readonly owner: Address
  readonly guardian: Address
  readonly stranger: Address
  now = BEGINNING
  readonly #number = ++worlds

  private constructor(chain: Blockchain, initial: Partial<InitialRegistry>) {
    this.chain = chain
    this.owner = this.account('owner')
    this.guardian = this.account('guardian')
    this.stranger = this.account('stranger')
    this.initial = {
      owner: this.owner,
      guardian: this.guardian,
      delay: REGISTRY_DELAY,
      codes: [digest('code')],
      brokers: [{ account: this.account('broker'), key: digest('broker key'), maximumFee: 500 }],
      ...initial,
    }
    this.registry = Registry.of(this.initial, tested)
  }

  static async deployed(initial: Partial<InitialRegistry> = {}): Promise<RegistryWorld> {
    shared ??= Blockchain.create({ config: config2026() })
    const world = new RegistryWorld(await shared, initial)
    await world.deploy()
    return world
  }

  async deploy(): Promise<void> {
    const { init } = this.registry
    if (!init?.code || !init.data) throw new Error('nothing to deploy')
    this.chain.now = this.now
    const stateInit = { code: init.code, data: init.data }
    const { address: to } = this.registry
    await this.chain.sendMessage(internal({ from: this.stranger, to, value: GRAM, bounce: false, stateInit }))
  }

  account(name: string): Address {
    return new Address(0, Buffer.from(digest(`registry ${this.#number} ${name}`)))
  }

  pass(seconds: number): void {
    this.now += seconds
  }

  async send(from: Address, body: Cell, value = AMPLE): Promise<Answer> {
    const { address: to } = this.registry
    const before = await this.balance()
    this.chain.now = this.now
    const { transactions } = await this.chain.sendMessage(internal({ from, to, value, body, bounce: true }))
    const transaction = transactions[0]
    if (transaction?.description.type !== 'generic') throw new Error('the Registry saw no message')
    const { computePhase: compute, actionPhase: action, storagePhase } = transaction.description
    let [returned, paidToOthers] = [0n, 0n]
    for (const { info } of transaction.outMessages.values()) {
      if (info.type !== 'internal') throw new Error('a message that is not internal')
      if (info.dest.equals(from)) returned += info.value.coins
      else paidToOthers += info.value.coins
    }
    return {
      exit: compute.type === 'vm' ? compute.exitCode : -1,
      done: compute.type === 'vm' && compute.success && action?.success === true,
      change: (await this.balance()) - before + (storagePhase?.storageFeesCollected ?? 0n),
      returned,
      paidToOthers,
    }
  }

  queue(change: Change, from = this.owner): Promise<Answer> {
    return this.send(from, queueChangeMessage({ change }))
  }

  apply(from = this.stranger): Promise<Answer> {
    return this.send(from, applyChangeMessage())
  }

  /** Queues, waits out the delay and applies. */
  async make(change: Change): Promise<void> {
    const { exit } = await this.queue(change)
    if (exit !== 0) throw new Error(`refused with ${exit}`)
    this.pass((await this.state()).delay)
    await this.apply()
  }

  async state(): Promise<RegistryState> {
    return this.open().getState()
  }

  open() {
    return this.chain.openContract(this.registry)
  }

  async codeHash(): Promise<string> {
    const { accountState } = await this.chain.getContract(this.registry.address)
    if (accountState?.type !== 'active') throw new Error('not deployed')
    return accountState.state.code?.hash().toString('hex') ?? ''
  }

  async balance(): Promise<bigint> {
    return (await this.chain.getContract(this.registry.address)).balance
  }
}

export const bytes = (name: string): Bytes => digest(name)

/** For `expect.addEqualityTesters`: two `Address` objects of one account hold closures that differ. */
export function sameAddress(a: unknown, b: unknown): boolean | undefined {
  return Address.isAddress(a) && Address.isAddress(b) ? a.equals(b) : undefined
}

export const HOUR = 3600
export const code = (name: string): Change => ({ kind: 'accept-code', hash: bytes(name) })
export const content = (name: string, sequence: bigint): Change => ({
  kind: 'set-content',
  digest: bytes(name),
  sequence,
})

export function oneOfEach(world: RegistryWorld): Change[] {
  const other = world.account('other')
  return [
    code('new code'),
    { kind: 'set-broker', account: other, broker: { key: bytes('key'), maximumFee: 10_000 } },
    content('content', 1n),
    { kind: 'set-owner', owner: other },
    { kind: 'set-guardian', guardian: other },
    { kind: 'set-delay', delay: 1 },
    { kind: 'set-successor', account: other },
  ]
}
