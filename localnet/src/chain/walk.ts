import {
  accountOf,
  addressOf,
  ATTACH,
  Channel,
  channelState,
  type ClaimEntry,
  claimMessage,
  collectFeesMessage,
  finishCloseMessage,
  openMessage,
  parseStoredState,
  releaseMessage,
  requestCloseMessage,
  type StoredState,
} from '@cocoon/contracts'
import { type Bytes, createSigner, equal, fromHex, networks, type Signer } from '@cocoon/protocol'
import { type ChannelState, feeOn, parseAddress, terms } from '@cocoon/protocol/money'
import { type Address, Cell } from '@ton/core'
import { TonClient } from '@ton/ton'
import { FINALITY } from './chain.ts'
import { ChainControl } from './control.ts'
import { brokerSigner, developmentSeed, partyWallet } from './deployment.ts'
import { type Transfer, Wallet } from './w5.ts'
import { WalkedLane } from './walked-lane.ts'

const GRAM = 1_000_000_000n
/** A wallet's transaction, the channel's and the payee's: a block each, and one to spare. */
const HOPS = 4
const POLL_MS = 25
const VALID_SECONDS = 300
const PATIENCE_MS = 60_000

type Name = 'owner' | 'node' | 'broker' | 'broker sweep' | 'stranger'

/** One channel and everybody around it: what each would do, by the rules of `@cocoon/protocol/money`. */
export class ChannelWalk {
  readonly challenge: number
  readonly feeBasisPoints: number
  readonly channel: Channel
  readonly #control: ChainControl
  readonly #client: TonClient
  readonly #wallets: ReadonlyMap<Name, Wallet>
  readonly #payer: Signer
  readonly #node: Signer
  readonly #broker: Signer
  #lane: WalkedLane | undefined
  #entry: ClaimEntry | undefined
  #given = 0n

  private constructor(on: {
    control: ChainControl
    client: TonClient
    wallets: ReadonlyMap<Name, Wallet>
    channel: Channel
    payer: Signer
    node: Signer
    broker: Signer
    terms: { challenge: number; feeBasisPoints: number }
  }) {
    this.#control = on.control
    this.#client = on.client
    this.#wallets = on.wallets
    this.channel = on.channel
    this.#payer = on.payer
    this.#node = on.node
    this.#broker = on.broker
    this.challenge = on.terms.challenge
    this.feeBasisPoints = on.terms.feeBasisPoints
  }

  /** With coins for everybody and a channel that is not open yet. */
  static async begin(origin: string): Promise<ChannelWalk> {
    const control = new ChainControl(origin)
    const { broker, challenge } = await control.deployment()
    const wallets = new Map<Name, Wallet>([
      ['owner', new Wallet(developmentSeed('walk owner'))],
      ['node', new Wallet(developmentSeed('walk node'))],
      ['broker', partyWallet('broker')],
      ['broker sweep', partyWallet('broker sweep')],
      ['stranger', new Wallet(developmentSeed('walk stranger'))],
    ])
    const address = (name: Name): Address => walletOf(wallets, name).address
    const channel = Channel.of({
      owner: address('owner'),
      broker: addressOf(parseAddress(broker.address).account),
      feeBasisPoints: broker.feeBasisPoints,
      network: networks.localnet,
      brokerKey: fromHex(broker.key),
    })
    const signers = {
      payer: await createSigner(developmentSeed('walk payer key')),
      node: await createSigner(developmentSeed('walk node key')),
      broker: await brokerSigner(),
    }
    const client = new TonClient({ endpoint: control.endpoint })
    const on = { terms: { challenge, feeBasisPoints: broker.feeBasisPoints } }
    const walk = new ChannelWalk({ control, client, wallets, channel, ...signers, ...on })
    await walk.#fund(['owner', 'node', 'stranger'])
    return walk
  }

  get endpoint(): string {
    return this.#control.endpoint
  }

  get payer(): Bytes {
    return this.#payer.publicKey
  }

  /** What is left of a sum paid on a lane, once the fee on all of it is off. */
  withoutFee(paid: bigint): bigint {
    return paid - feeOn(paid, this.feeBasisPoints)
  }

  /** Of every account, in nanograms. */
  async balances(): Promise<Map<string, bigint>> {
    const found = new Map<string, bigint>([['channel', await this.#client.getBalance(this.channel.address)]])
    for (const [name, { address }] of this.#wallets) found.set(name, await this.#client.getBalance(address))
    return found
  }

  /** What went into gas, forwarding and rent since the beginning. */
  async burned(): Promise<bigint> {
    let left = this.#given
    for (const balance of (await this.balances()).values()) left -= balance
    return left
  }

  /** One wallet message deploys and opens the channel and registers the payer key. Returns once that is final. */
  async open(value: bigint): Promise<void> {
    const expires = (await this.#now()) + terms.keySeconds
    const body = openMessage({ key: this.payer, limit: value, expires })
    const { init } = this.channel
    await this.#send('owner', { to: this.channel.address, value, body, ...(init ? { init } : {}) })
    const { stored } = await this.#read()
    const key = stored.payerKeys.find((one) => equal(one.key, this.payer))
    if (!key) throw new Error('the payer key was not registered')
    const { payer, node, broker } = { payer: this.#payer, node: this.#node, broker: this.#broker }
    const payee = accountOf(this.#address('node'))
    this.#lane = new WalkedLane({ payer, node, broker, payee, since: key.since, challenge: this.challenge })
  }

  /** A job from the voucher to the receipt; countersigned at the end when `settle`. Sums in nanograms. */
  async job(job: { maximum: bigint; amount: bigint; settle: boolean }): Promise<{ total: bigint }> {
    if (!this.#lane) throw new Error('open the channel first')
    const { state, stored } = await this.#read()
    const { entry, total } = await this.#lane.job(job, state, stored)
    this.#entry = entry
    return { total }
  }

  /** What reached the node, in nanograms. */
  claimByBroker(): Promise<bigint> {
    return this.#claim('broker sweep')
  }
  claimByNode(): Promise<bigint> {
    return this.#claim('node')
  }

  /** What reached the broker's cold wallet. */
  collectFees(): Promise<bigint> {
    return this.#moved('broker', 'broker sweep', collectFeesMessage())
  }

  /** What reached the owner. */
  async release(value: bigint): Promise<bigint> {
    if (!this.#lane) throw new Error('open the channel first')
    const { state, stored } = await this.#read()
    const release = await this.#lane.release(state.released + value, state, stored)
    return this.#moved('owner', 'broker sweep', releaseMessage({ release }))
  }

  async requestClose(): Promise<void> {
    await this.#send('owner', this.#toChannel(requestCloseMessage()))
  }

  /** By a stranger, once the challenge period is over: the chain's clock is put forward. */
  async finishClose(): Promise<void> {
    await this.#control.advance(this.challenge)
    await this.#send('stranger', this.#toChannel(finishCloseMessage()))
  }

  async #claim(carrier: Name): Promise<bigint> {
    if (!this.#entry) throw new Error('nothing to claim yet')
    return this.#moved('node', carrier, claimMessage({ entries: [this.#entry] }))
  }

  /** What the channel paid `to` for a message of `carrier`; the carrier's own excess is none of it. */
  async #moved(to: Name, carrier: Name, body: Cell): Promise<bigint> {
    const before = await this.#paidByChannel(to)
    await this.#send(carrier, this.#toChannel(body))
    return (await this.#paidByChannel(to)) - before
  }

  async #paidByChannel(to: Name): Promise<bigint> {
    const history = await this.#client.getTransactions(this.#address(to), { limit: 100 })
    let sum = 0n
    for (const { inMessage } of history) {
      const info = inMessage?.info
      if (info?.type !== 'internal' || !info.src.equals(this.channel.address)) continue
      // An excess says so; a payout has no body.
      if (inMessage?.body.bits.length === 0) sum += info.value.coins
    }
    return sum
  }

  #toChannel(body: Cell): Transfer {
    return { to: this.channel.address, value: ATTACH, body }
  }

  /** Balance and state of one block. */
  async #read(): Promise<{ state: ChannelState; stored: StoredState }> {
    const { data, balance, timestampt: time } = await this.#client.getContractState(this.channel.address)
    const [cell] = data ? Cell.fromBoc(data) : []
    if (!cell) throw new Error('the channel is not deployed')
    const stored = parseStoredState(cell)
    return { stored, state: channelState({ account: accountOf(this.channel.address), time, balance, stored }) }
  }

  /** Sends, and returns once everything that follows is final. */
  async #send(from: Name, transfer: Transfer): Promise<void> {
    const wallet = walletOf(this.#wallets, from)
    const seqno = await wallet.seqno(this.#client)
    await wallet.send(this.#client, [transfer], (await this.#now()) + VALID_SECONDS)
    await until(async () => (await wallet.seqno(this.#client)) > seqno)
    const { latestSeqno } = await this.#client.getMasterchainInfo()
    await until(async () => (await this.#client.getMasterchainInfo()).latestSeqno >= latestSeqno + HOPS + FINALITY)
  }

  async #fund(names: readonly Name[]): Promise<void> {
    for (const name of names) await this.#control.faucet(this.#address(name).toRawString(), 2n * GRAM)
    const last = names.at(-1) ?? 'owner'
    await until(async () => (await this.#client.getBalance(this.#address(last))) > 0n)
    for (const balance of (await this.balances()).values()) this.#given += balance
  }

  #address(name: Name): Address {
    return walletOf(this.#wallets, name).address
  }

  /** The chain's own date, in Unix seconds: it may be ahead of this machine's by a challenge period. */
  async #now(): Promise<number> {
    return (await this.#client.getContractState(this.channel.address)).timestampt
  }
}

function walletOf(wallets: ReadonlyMap<Name, Wallet>, name: Name): Wallet {
  const wallet = wallets.get(name)
  if (!wallet) throw new Error(`no wallet of ${name}`)
  return wallet
}

async function until(is: () => Promise<boolean>): Promise<void> {
  const began = Date.now()
  while (!(await is())) {
    if (Date.now() - began > PATIENCE_MS) throw new Error(`nothing came of it within ${PATIENCE_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
