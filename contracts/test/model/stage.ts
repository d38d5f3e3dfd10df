import type { Address } from '@ton/core'
import { Address as TonAddress, beginCell, type Cell } from '@ton/core'
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
  parseStoredState,
  releaseMessage,
  requestCloseMessage,
  revokeMessage,
  rotateBrokerKeyMessage,
  type StoredState,
} from '../../src/index.ts'
import { code, deliver, type Outcome } from '../chain.ts'
import { receiptCell, signedRelease, voucherCell } from '../signed.ts'
import {
  apply,
  type ModelChannel,
  type ModelEntry,
  type ModelKey,
  type ModelMessage,
  type ModelOutcome,
  name,
} from './reference.ts'

/** What the virtual machine says when gas runs out, and `Outcome.exit` when there was none to begin with. */
const OUT_OF_GAS = -14
const NO_GAS = -1

/** A message on its way: what it is, who sends it, what is attached. */
export interface Act {
  readonly message: ModelMessage
  readonly from: Address
  readonly value: bigint
  readonly bounce: boolean
}

/** One channel on the emulated chain, and the same in the reference model. */
export class Stage {
  readonly channel: Channel
  readonly account: Uint8Array<ArrayBuffer>
  readonly owner: Address
  readonly broker: Address
  model: ModelChannel
  balance = 0n
  readonly #chain: Blockchain
  #deployed = false

  constructor(chain: Blockchain, initial: InitialState, challenge: number) {
    this.#chain = chain
    this.channel = Channel.of(initial, code)
    this.account = accountOf(this.channel.address)
    this.owner = initial.owner
    this.broker = initial.broker
    this.model = {
      account: name(this.account),
      owner: name(accountOf(initial.owner)),
      broker: name(accountOf(initial.broker)),
      feeBasisPoints: initial.feeBasisPoints,
      challenge,
      opened: 0n,
      released: 0n,
      fees: 0n,
      closesAt: null,
      brokerKey: name(initial.brokerKey),
      previous: null,
      keys: new Map(),
    }
  }

  /**
   * Does `act` on the chain and in the model, and compares everything: what was thrown or paid, the whole state, the
   * balance to the nanogram.
   * @throws Error that says where the two differ
   */
  async perform(act: Act, now: number): Promise<{ outcome: Outcome; predicted: ModelOutcome }> {
    const { message, from, value, bounce } = act
    const before = this.balance
    const outcome = await deliver(
      this.#chain,
      now,
      this.channel.address,
      internal({
        from,
        to: this.channel.address,
        value,
        bounce,
        body: bodyOf(message),
        ...(this.#deployed || !this.channel.init ? {} : { stateInit: this.channel.init }),
      }),
    )
    const own = before - outcome.rent
    const next = copyOf(this.model)
    const moment = {
      from: name(accountOf(from)),
      now,
      lt: outcome.transaction.lt,
      balance: own,
      withValue: own + value - outcome.debt,
    }
    const predicted = apply(next, message, moment)
    // Rent that is owed comes out of the message before any gas is bought.
    const short = !outcome.done && value - outcome.debt < enoughFor(message)
    const lacking = short && (predicted.exit === 0 || outcome.exit === OUT_OF_GAS || outcome.exit === NO_GAS)
    if (!lacking) compare('exit', outcome.done ? 0 : outcome.exit, predicted.exit)
    if (outcome.done) this.model = next
    const { balance, accountState } = await this.#chain.getContract(this.channel.address)
    this.balance = balance
    this.#deployed = accountState?.type === 'active'
    comparePayments(act, outcome, lacking ? { exit: -1 } : predicted)
    compare('state', describe(await this.#stored()), describe(this.model))
    return { outcome, predicted: lacking ? { exit: -1 } : predicted }
  }

  async #stored(): Promise<StoredState | ModelChannel> {
    const { accountState } = await this.#chain.getContract(this.channel.address)
    const data = accountState?.type === 'active' ? accountState.state.data : undefined
    // A first message that failed leaves nothing behind but coins.
    return data ? parseStoredState(data) : this.model
  }
}

function comparePayments({ message, value, bounce }: Act, outcome: Outcome, predicted: ModelOutcome): void {
  const { totalFees } = outcome.transaction
  const deposit = value - totalFees.coins + outcome.rent
  if (!('payouts' in predicted)) {
    compare('payouts', outcome.payees, [])
    if (!bounce) compare('kept', outcome.change, deposit)
    else if (outcome.bounced) compare('change', outcome.change, 0n)
    else if (outcome.change < 0n) throw new Error(`the deposit lost ${-outcome.change}`)
    return
  }
  const payouts = predicted.payouts.map(({ to }) => new TonAddress(0, Buffer.from(to, 'hex')).toString())
  compare('payees', outcome.payees, payouts)
  for (const payee of new Set(payouts)) {
    const sum = predicted.payouts
      .filter((_, i) => payouts[i] === payee)
      .reduce((total, { amount }) => total + amount, 0n)
    compare('payout', outcome.paidTo(TonAddress.parse(payee)), sum)
  }
  const out = predicted.payouts.reduce((total, { amount }) => total + amount, 0n)
  if (message.kind === 'open' || message.kind === 'transfer' || message.kind === 'comment') {
    compare('deposit', outcome.change, deposit)
  } else if (outcome.returned > 0n) compare('change', outcome.change, -out)
  // An excess too small to be sent stays.
  else if (outcome.change < -out || value >= enoughFor(message)) throw new Error(`changed by ${outcome.change}`)
}

/** Below this, a message may lack gas. */
export function enoughFor(message: ModelMessage): bigint {
  return message.kind === 'claim' ? 10_000_000n * BigInt(Math.max(1, message.entries.length)) : 10_000_000n
}

function compare(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [actual, expected].map((value) =>
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)),
  )
  if (is !== should) throw new Error(`${what}: the chain has ${is}, the model ${should}`)
}

/** The state in one form, whichever side it is of. */
function describe(state: StoredState | ModelChannel): unknown {
  const keys = 'keys' in state ? [...state.keys].map(fromModel) : state.payerKeys.map(fromStored)
  const previous = 'keys' in state ? state.previous : state.previousBrokerKey
  const hexOf = (key: string | Uint8Array) => (typeof key === 'string' ? key : Buffer.from(key).toString('hex'))
  const { opened, released, fees, closesAt } = state
  return {
    opened,
    released,
    fees,
    closesAt,
    brokerKey: hexOf(state.brokerKey),
    previous: previous && [hexOf(previous.key), previous.until],
    keys: keys.sort((a, b) => (a.since < b.since ? -1 : 1)),
  }
}
const fromModel = ([since, { key, limit, spent, expires, revoked, lanes }]: [bigint, ModelKey]) => ({
  since,
  key,
  limit,
  spent,
  expires,
  revoked,
  lanes: [...lanes].map(([lane, paid]) => `${lane} ${paid}`).sort(),
})
const fromStored = ({ since, key, limit, spent, expires, revoked, lanes }: StoredState['payerKeys'][number]) => ({
  since,
  key: name(key),
  limit,
  spent,
  expires,
  revoked,
  lanes: lanes.map(({ payee, receiptKey, paid }) => `${name(payee)} ${name(receiptKey)} ${paid}`).sort(),
})

function copyOf(channel: ModelChannel): ModelChannel {
  const keys = [...channel.keys].map(([since, key]) => [since, { ...key, lanes: new Map(key.lanes) }] as const)
  return { ...channel, keys: new Map(keys) }
}

function entryOf({ voucher, payer, receipt, countersigned, broker }: ModelEntry): ClaimEntry {
  const over = countersigned === 'receipt' && receipt ? receiptCell(receipt.object) : voucherCell(voucher)
  return {
    voucher: { object: voucher, signature: payer.sign(voucherCell(voucher)) },
    ...(receipt
      ? { receipt: { object: receipt.object, signature: receipt.node.sign(receiptCell(receipt.object)) } }
      : {}),
    countersigned,
    countersignature: broker.sign(over),
  }
}

function bodyOf(message: ModelMessage): Cell {
  switch (message.kind) {
    case 'open':
      return openMessage({ key: message.key.publicKey, limit: message.limit, expires: message.expires })
    case 'revoke':
      return revokeMessage({ key: message.key.publicKey })
    case 'claim':
      return claimMessage({ entries: message.entries.map(entryOf) })
    case 'release':
      return releaseMessage({ release: signedRelease(message.release, message.signer) })
    case 'rotate':
      return rotateBrokerKeyMessage({ key: message.key.publicKey })
    case 'collect':
      return collectFeesMessage()
    case 'request':
      return requestCloseMessage()
    case 'cancel':
      return cancelCloseMessage()
    case 'finish':
      return finishCloseMessage()
    case 'transfer':
      return beginCell().endCell()
    case 'comment':
      return beginCell().storeUint(0, 32).storeStringTail('thank you').endCell()
    case 'garbage':
      return beginCell().storeUint(0x2000_00ff, 32).endCell()
  }
}
