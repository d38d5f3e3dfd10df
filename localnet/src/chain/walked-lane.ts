import type { ClaimEntry, StoredState } from '@cocoon/contracts'
import { type Bytes, equal, hex, type Signer } from '@cocoon/protocol'
import {
  atRisk,
  type BrokerDecision,
  type ChannelState,
  type ClientLane,
  clientObjection,
  type Commitments,
  decideReceipt,
  decideRelease,
  decideVoucher,
  defaultCaps,
  emptyClientLane,
  emptyNodeLane,
  jobBegan,
  jobDigest,
  jobEnded,
  jobReceipted,
  jobSigned,
  laneOf,
  nextSums,
  noCommitments,
  type NodeLane,
  nodeObjection,
  receipt,
  release,
  type Release,
  type Signed,
  type SignedVoucher,
  signVoucher,
  terms,
  verifyVoucher,
  voucher,
  withPaid,
} from '@cocoon/protocol/money'

export interface LaneParties {
  readonly payer: Signer
  readonly node: Signer
  readonly broker: Signer
  /** Account id that is paid. */
  readonly payee: Bytes
  readonly since: bigint
  /** Seconds. */
  readonly challenge: number
}

/** One lane as its three parties keep it, each by its own rules and after its own checks of what the others signed. */
export class WalkedLane {
  readonly #parties: LaneParties
  #client: ClientLane
  #node: NodeLane
  #commitments: Commitments = noCommitments
  #jobs = 0

  constructor(parties: LaneParties) {
    this.#parties = parties
    this.#client = emptyClientLane(parties.since)
    this.#node = emptyNodeLane(parties.since)
  }

  /** What can be carried to the chain afterwards, and the lane's total. */
  async job(
    { maximum, amount, settle }: { maximum: bigint; amount: bigint; settle: boolean },
    state: ChannelState,
    stored: StoredState,
  ): Promise<{ entry: ClaimEntry; total: bigint }> {
    const { node, broker } = this.#parties
    const job = await jobDigest(new Uint8Array(32).fill(1), new Uint8Array(32).fill(++this.#jobs))
    const signed = await this.#signVoucher(job, maximum, state)
    this.#refresh(stored)
    const hold = await this.#countersign(signed, state)
    await this.#accept(signed, hold, maximum, state)

    this.#node = jobEnded(this.#node, maximum, amount)
    const { channel, since, payee } = signed.object
    const receipted = await receipt.sign({ channel, since, payee, total: this.#node.total, amount, job }, node)

    await ensure(receipt.verify(receipted, node.publicKey), 'the receipt is not by the node')
    const checked = jobReceipted(this.#client, hex(job), receipted.object, amount)
    if (checked.lane === null) throw new Error(`the client does not believe the receipt: ${checked.objection}`)
    this.#client = checked.lane

    const entry: ClaimEntry = {
      voucher: signed,
      receipt: receipted,
      countersigned: 'voucher',
      countersignature: hold.signature,
    }
    if (!settle) return { entry, total: this.#node.total }
    this.#take(decideReceipt(laneOf(signed), receipted.object, this.#commitments, state, this.#parties.challenge))
    const { signature } = await receipt.sign(receipted.object, broker)
    return { entry: { ...entry, countersigned: 'receipt', countersignature: signature }, total: this.#node.total }
  }

  async release(total: bigint, state: ChannelState, stored: StoredState): Promise<Signed<Release>> {
    this.#refresh(stored)
    const until = state.time + terms.holdSeconds
    const object = { channel: state.channel, opened: state.opened, total, until }
    this.#take(decideRelease(object, this.#commitments, state, this.#parties.challenge))
    return release.sign(object, this.#parties.broker)
  }

  async #signVoucher(job: Bytes, maximum: bigint, state: ChannelState): Promise<SignedVoucher> {
    const { payer, payee, node, since } = this.#parties
    const object = {
      channel: state.channel,
      since,
      payee,
      receiptKey: node.publicKey,
      ...nextSums(this.#client, maximum),
      until: state.time + terms.holdSeconds,
    }
    const client = jobSigned(this.#client, object, hex(job), maximum)
    const objection = clientObjection(payer.publicKey, since, [client], [], state)
    if (objection !== null) throw new Error(`the client does not sign: ${objection}`)
    this.#client = client
    return signVoucher(object, payer)
  }

  async #countersign(signed: SignedVoucher, state: ChannelState): Promise<SignedVoucher> {
    await ensure(verifyVoucher(signed), 'the voucher is not by its payer key')
    this.#take(decideVoucher(signed, this.#commitments, state, state.time, this.#parties.challenge))
    return { ...signed, ...(await voucher.sign(signed.object, this.#parties.broker)) }
  }

  async #accept(signed: SignedVoucher, hold: SignedVoucher, maximum: bigint, state: ChannelState): Promise<void> {
    await ensure(verifyVoucher(signed), 'the voucher is not by its payer key')
    await ensure(voucher.verify(hold, state.brokerKey), 'the hold is not by the broker')
    const risk = atRisk(this.#node)
    const objection = nodeObjection(signed, maximum, {
      payee: this.#parties.payee,
      receiptKey: this.#parties.node.publicKey,
      state,
      lane: this.#node,
      risk: { channel: risk, broker: risk },
      // The walk's jobs are dearer than a node takes from a stranger unclaimed.
      caps: { channel: 10n * defaultCaps.channel, broker: defaultCaps.broker },
      now: state.time,
      leastHoldSeconds: terms.leastHoldSeconds,
    })
    if (objection !== null) throw new Error(`the node does not work: ${objection}`)
    this.#node = jobBegan(this.#node, maximum)
  }

  #take(decision: BrokerDecision): void {
    if (decision.commitments === null) throw new Error(`the broker does not sign: ${decision.objection}`)
    this.#commitments = decision.commitments
  }

  /** Everybody reads from the chain what was paid. */
  #refresh({ payerKeys }: StoredState): void {
    const { payee, node, since } = this.#parties
    const lanes = payerKeys.find((key) => key.since === since)?.lanes ?? []
    const paid = lanes.find((lane) => equal(lane.payee, payee) && equal(lane.receiptKey, node.publicKey))?.paid ?? 0n
    this.#node = { ...this.#node, paid }
    this.#client = { ...this.#client, account: withPaid(this.#client.account, paid) }
    const all = [...this.#commitments.lanes].map(
      ([name, { lane, account }]) => [name, { lane, account: withPaid(account, paid) }] as const,
    )
    this.#commitments = { ...this.#commitments, lanes: new Map(all) }
  }
}

async function ensure(holds: Promise<boolean>, otherwise: string): Promise<void> {
  if (!(await holds)) throw new Error(otherwise)
}
