import { readFileSync } from 'node:fs'
import { type Bytes, type NetworkId, networks } from '@cocoon/protocol'
import type { Release, Signed } from '@cocoon/protocol/money'
import { Address, beginCell, Cell, type Transaction } from '@ton/core'
import { Blockchain, internal } from '@ton/sandbox'
import {
  accountOf,
  cancelCloseMessage,
  Channel,
  channelCode,
  type ClaimEntry,
  claimMessage,
  collectFeesMessage,
  finishCloseMessage,
  type InitialState,
  openMessage,
  operations,
  parseStoredState,
  releaseMessage,
  requestCloseMessage,
  revokeMessage,
  rotateBrokerKeyMessage,
  type StoredPayerKey,
  type StoredState,
} from '../src/index.ts'
import { config2026 } from './prices.ts'
import { claimEntry, digest, Key, NEVER, signedRelease, type Signers, type Terms } from './signed.ts'

export const GRAM = 1_000_000_000n
export const HOUR = 3600
export const DAY = 24 * HOUR
export const CHALLENGE = 48 * HOUR
export const RENT_RESERVE = GRAM / 50n
/** More than any message here needs; what is left over comes back. */
export const AMPLE = GRAM / 20n

const BEGINNING = 1_800_000_000

/** The code under test: scripts/mutate.ts puts a broken one here, which the tests must notice. */
const file = process.env['CHANNEL_CODE']
export const code = file === undefined ? channelCode : Cell.fromBase64(readFileSync(file, 'utf8'))

/** One emulated chain for a test file. Every world has accounts of its own on it, so worlds do not meet. */
let shared: Promise<Blockchain> | undefined
const sharedChain = () => (shared ??= Blockchain.create({ config: config2026() }))
let worlds = 0

/** What one message did to the channel. */
export interface Outcome {
  /** 0, or what the contract threw; -14 when gas ran out. */
  readonly exit: number
  /** True when compute and action phase both succeeded: only then anything changed. */
  readonly done: boolean
  /** Result code of the action phase; 0 when it succeeded or never began. */
  readonly action: number
  /** Coins that left for this account, the excess left out. */
  paidTo(account: Address): bigint
  /** Every account that was paid, the carrier's excess left out. */
  readonly payees: readonly string[]
  /** What went back to the carrier, as excess or bounced. */
  readonly returned: bigint
  readonly bounced: boolean
  readonly gas: bigint
  /** Of the channel's balance, the rent of this transaction left out. */
  readonly change: bigint
  readonly rent: bigint
  readonly transaction: Transaction
}

export interface Sent {
  readonly value?: bigint
  readonly bounce?: boolean
  /** With the initial state, as the first message to a channel has. */
  readonly deploy?: boolean
  readonly to?: Channel
}

/** An owner with a channel, the channel's broker, a node and a stranger. */
export class World {
  readonly chain: Blockchain
  readonly initial: InitialState
  readonly channel: Channel
  readonly account: Bytes
  readonly owner: Address
  readonly broker: Address
  readonly payee: Address
  readonly stranger: Address
  readonly signers: Signers
  now = BEGINNING
  readonly #number: number

  private constructor(chain: Blockchain, options: Partial<InitialState>) {
    this.chain = chain
    this.#number = ++worlds
    this.owner = this.party('owner')
    this.broker = this.party('broker')
    this.payee = this.party('payee')
    this.stranger = this.party('stranger')
    this.signers = { payer: this.key('payer'), node: this.key('node'), broker: this.key('broker') }
    this.initial = {
      owner: this.owner,
      broker: this.broker,
      feeBasisPoints: 500,
      network: networks.mainnet,
      brokerKey: this.signers.broker.publicKey,
      ...options,
    }
    this.channel = Channel.of(this.initial, code)
    this.account = accountOf(this.channel.address)
  }

  static async create(options: Partial<InitialState> = {}): Promise<World> {
    return new World(await sharedChain(), options)
  }

  /** With a channel that is open and holds `value` less gas, and the payer key registered for a month. */
  static async opened(value: bigint = GRAM, options: Partial<InitialState> = {}): Promise<World> {
    const world = await World.create(options)
    await world.open({ value, limit: value })
    return world
  }

  /** The same owner's channel on another network, or with other terms. */
  twin(options: Partial<InitialState>): Channel {
    return Channel.of({ ...this.initial, ...options }, code)
  }

  party(name: string): Address {
    return new Address(0, Buffer.from(digest(`${this.#number} ${name}`)))
  }

  key(name: string): Key {
    return new Key(`${this.#number} ${name}`)
  }

  pass(seconds: number): void {
    this.now += seconds
  }

  async send(from: Address, body: Cell, sent: Sent = {}): Promise<Outcome> {
    const { value = AMPLE, bounce = true, deploy = false, to = this.channel } = sent
    const before = await this.balance(to.address)
    this.chain.now = this.now
    const message = internal({
      from,
      to: to.address,
      value,
      body,
      bounce,
      ...(deploy && to.init ? { stateInit: { code: to.init.code ?? null, data: to.init.data ?? null } } : {}),
    })
    // The channel's own transaction alone: what it sends stands in it, and no test but those of payees follows it further.
    const transaction = await (await this.chain.getContract(to.address)).receiveMessage(message)
    return outcomeOf(transaction, (await this.balance(to.address)) - before)
  }

  async balance(of: Address = this.channel.address): Promise<bigint> {
    return (await this.chain.getContract(of)).balance
  }

  /** What claims and releases can reach. */
  async available(): Promise<bigint> {
    return (await this.balance()) - RENT_RESERVE - (await this.state()).fees
  }

  async state(): Promise<StoredState> {
    const stored = await this.stored()
    if (!stored) throw new Error('the channel is not deployed')
    return stored
  }

  /** Undefined while nothing is deployed. */
  async stored(): Promise<StoredState | undefined> {
    const { accountState } = await this.chain.getContract(this.channel.address)
    const data = accountState?.type === 'active' ? accountState.state.data : undefined
    return data ? parseStoredState(data) : undefined
  }

  async payerKey(key: Key = this.signers.payer): Promise<StoredPayerKey> {
    const found = await this.findPayerKey(key)
    if (!found) throw new Error('the key is not registered')
    return found
  }

  async findPayerKey(key: Key = this.signers.payer): Promise<StoredPayerKey | undefined> {
    const { payerKeys } = await this.state()
    return payerKeys.find((stored) => Buffer.compare(stored.key, key.publicKey) === 0)
  }

  async open(
    open: {
      value?: bigint
      key?: Key
      limit?: bigint
      expires?: number
      from?: Address
      to?: Channel
      bounce?: boolean
    } = {},
  ): Promise<Outcome> {
    const { value = AMPLE, key = this.signers.payer, limit = GRAM, expires = this.now + 30 * DAY } = open
    const { from = this.owner, to = this.channel, bounce = true } = open
    const body = openMessage({ key: key.publicKey, limit, expires })
    return this.send(from, body, { value, deploy: true, to, bounce })
  }

  /** The terms of a voucher on the usual lane; whatever is given stands instead. */
  async terms(given: Partial<Terms> = {}): Promise<Terms> {
    const since = given.since ?? (await this.payerKey()).since
    return { channel: this.account, payee: accountOf(this.payee), since, ...given }
  }

  async entry(given: Partial<Terms> = {}, signers: Partial<Signers> = {}): Promise<ClaimEntry> {
    return claimEntry(await this.terms(given), { ...this.signers, ...signers })
  }

  /** The account id of a party. */
  id(name: string): Bytes {
    return accountOf(this.party(name))
  }

  topUp(value: bigint): Promise<Outcome> {
    return this.send(this.stranger, beginCell().endCell(), { value, deploy: true })
  }

  revoke(key: Key = this.signers.payer, from: Address = this.owner): Promise<Outcome> {
    return this.send(from, revokeMessage({ key: key.publicKey }))
  }

  requestClose(): Promise<Outcome> {
    return this.send(this.owner, requestCloseMessage())
  }

  cancelClose(): Promise<Outcome> {
    return this.send(this.owner, cancelCloseMessage())
  }

  finishClose(from: Address = this.stranger, sent: Sent = {}): Promise<Outcome> {
    return this.send(from, finishCloseMessage(), sent)
  }

  async closeAndFinish(): Promise<Outcome> {
    await this.requestClose()
    this.pass(CHALLENGE)
    return this.finishClose()
  }

  collect(from: Address = this.stranger, sent: Sent = {}): Promise<Outcome> {
    return this.send(from, collectFeesMessage(), sent)
  }

  rotate(key: Key, from: Address = this.broker): Promise<Outcome> {
    return this.send(from, rotateBrokerKeyMessage({ key: key.publicKey }))
  }

  /** A release by the current broker key of this opening; whatever is given stands instead. */
  async release(given: Partial<Release> = {}, broker: Key = this.signers.broker): Promise<Signed<Release>> {
    const { opened } = await this.state()
    return signedRelease({ channel: this.account, opened, total: 0n, until: NEVER, ...given }, broker)
  }

  carry(release: Signed<Release>, sent: Sent & { from?: Address } = {}): Promise<Outcome> {
    return this.send(sent.from ?? this.stranger, releaseMessage({ release }), sent)
  }

  async claim(entries: readonly ClaimEntry[], sent: Sent & { from?: Address } = {}): Promise<Outcome> {
    return this.send(sent.from ?? this.stranger, claimMessage({ entries }), sent)
  }

  /** Any number of entries, which no wrapper would send. */
  async claimRaw(entries: readonly ClaimEntry[]): Promise<Outcome> {
    const body = beginCell().storeUint(operations.claim, 32).storeUint(0, 64)
    for (const entry of entries) body.storeRef(claimMessage({ entries: [entry] }).refs[0] ?? Cell.EMPTY)
    return this.send(this.stranger, body.endCell())
  }

  async paidOnLane(payee: Address = this.payee, node: Key = this.signers.node, key?: Key): Promise<bigint> {
    const lanes = (await this.findPayerKey(key))?.lanes ?? []
    const lane = lanes.find(
      (one) => payee.hash.equals(one.payee) && Buffer.compare(one.receiptKey, node.publicKey) === 0,
    )
    return lane?.paid ?? 0n
  }
}

const EXCESS = 0xd53276db

function outcomeOf(transaction: Transaction, change: bigint): Outcome {
  const { description } = transaction
  if (description.type !== 'generic') throw new Error(`no ordinary transaction: ${description.type}`)
  const compute = description.computePhase
  const action = description.actionPhase
  const ran = compute.type === 'vm' ? compute : undefined
  const payments: { to: string; value: bigint }[] = []
  let returned = 0n
  let bounced = false
  for (const { info, body } of transaction.outMessages.values()) {
    if (info.type !== 'internal') throw new Error('a message that is not internal')
    const isExcess = body.bits.length >= 32 && body.beginParse().preloadUint(32) === EXCESS
    if (isExcess || info.bounced) returned += info.value.coins
    else payments.push({ to: info.dest.toString(), value: info.value.coins })
    bounced ||= info.bounced
  }
  const rent = description.storagePhase?.storageFeesCollected ?? 0n
  return {
    exit: ran ? ran.exitCode : -1,
    done: ran?.success === true && action?.success === true,
    action: action?.resultCode ?? 0,
    paidTo: (account) =>
      payments.filter(({ to }) => to === account.toString()).reduce((sum, { value }) => sum + value, 0n),
    payees: payments.map(({ to }) => to),
    returned,
    bounced,
    gas: ran?.gasUsed ?? 0n,
    change: change + rent,
    rent,
    transaction,
  }
}
