import { type Bytes, networks } from '@cocoon/protocol'
import type { Release, Signed } from '@cocoon/protocol/money'
import { Address, beginCell, Cell } from '@ton/core'
import { type Blockchain, internal } from '@ton/sandbox'
import {
  accountOf,
  cancelCloseMessage,
  Channel,
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
import { code, deliver, newChain, type Outcome } from './chain.ts'
import { claimEntry, digest, Key, NEVER, signedRelease, type Signers, type Terms } from './signed.ts'

export const GRAM = 1_000_000_000n
export const TENTH = GRAM / 10n
export const CENT = GRAM / 100n
export const HOUR = 3600
export const DAY = 24 * HOUR
export const CHALLENGE = 48 * HOUR
export const RENT_RESERVE = GRAM / 50n
/** More than any message here needs; what is left over comes back. */
export const AMPLE = GRAM / 20n

/** What reaches the payee of a claim that pays `sum` on a new lane, at the usual fee of five in a hundred. */
export const net = (sum: bigint): bigint => sum - (sum * 500n) / 10_000n

const BEGINNING = 1_800_000_000

/** One emulated chain for a test file. Every world has accounts of its own on it, so worlds do not meet. */
let shared: Promise<Blockchain> | undefined
const sharedChain = () => (shared ??= newChain())
let worlds = 0

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
    const message = internal({
      from,
      to: to.address,
      value,
      body,
      bounce,
      ...(deploy && to.init ? { stateInit: to.init } : {}),
    })
    return deliver(this.chain, this.now, to.address, message)
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

  requestClose(from: Address = this.owner): Promise<Outcome> {
    return this.send(from, requestCloseMessage())
  }

  cancelClose(from: Address = this.owner): Promise<Outcome> {
    return this.send(from, cancelCloseMessage())
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
