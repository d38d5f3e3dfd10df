import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hex } from '../../src/index.ts'
import {
  availableIn,
  type BrokerDecision,
  type ChannelState,
  claimTarget,
  type Commitments,
  decideReceipt,
  decideRelease,
  decideVoucher,
  laneName,
  laneOf,
  noCommitments,
  payout,
  type Release,
  type SignedVoucher,
  withPaid,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { filled } from './arbitrary.ts'
import { CHALLENGE, CHANNEL, channel, key, PAYER, signed, SINCE } from './channel.ts'

// Invariant 13 from its purpose: whatever an honest broker put its key to can be paid in full, at any time, in any order.

const FEE = 250
const lanes = [0, 1, 2, 3].map((i) => ({ payer: i % 2, payee: filled(0xb0 + (i >> 1)), receiptKey: filled(0xd0 + i) }))
const payers = [PAYER, filled(0xa2)]

/** What the contract would do, with what the broker signed and has not yet been carried. */
class Ledger {
  state: ChannelState = channel(
    { balance: 500n + 20_000_000n },
    { [hex(payers[1] ?? PAYER)]: { ...key, since: SINCE + 1n, limit: 300n } },
  )
  commitments: Commitments = noCommitments
  readonly paid = new Map<string, bigint>()
  readonly holds: SignedVoucher[] = []
  readonly settled: { voucher: SignedVoucher; total: bigint }[] = []
  /** Older finalized views: the broker sees one of them. */
  readonly seen: { state: ChannelState; paid: Map<string, bigint> }[] = []

  take(decision: BrokerDecision): boolean {
    if (decision.commitments !== null) this.commitments = decision.commitments
    return decision.commitments !== null
  }

  /** The broker's view, `lag` changes behind, paid sums of the same block as the balance. */
  view(lag: number): { state: ChannelState; commitments: Commitments } {
    const { state, paid } = this.seen.at(-1 - Math.min(lag, this.seen.length - 1)) ?? {
      state: this.state,
      paid: this.paid,
    }
    const all = [...this.commitments.lanes].map(([name, { lane, account }]) => {
      const whole = { ...account, paid: 0n }
      return [name, { lane, account: withPaid(whole, paid.get(name) ?? 0n) }] as const
    })
    return { state, commitments: { ...this.commitments, lanes: new Map(all) } }
  }

  remember(): void {
    this.seen.push({ state: this.state, paid: new Map(this.paid) })
  }

  /** Carries the best claim on a lane; returns what it fell short of. */
  claim(index: number): bigint {
    const vouchers = this.holds.filter((one) => this.onLane(one, index))
    const settled = this.settled.filter(({ voucher }) => this.onLane(voucher, index))
    // The node receipts up to its highest ceiling: the worst that an honest broker must be able to pay.
    const targets = [
      ...vouchers.map(({ object }) =>
        claimTarget({ ...object, total: object.ceiling, countersigned: 'voucher' }, this.state.time),
      ),
      ...settled.map(({ voucher, total }) =>
        claimTarget({ ...voucher.object, total, countersigned: 'receipt' }, this.state.time),
      ),
    ]
    const target = targets.reduce((most, one) => (one > most ? one : most), 0n)
    const [first] = vouchers
    if (first === undefined) return 0n
    const name = laneName(laneOf(first))
    const payer = hex(first.payer)
    const registered = this.state.keys.get(payer)
    if (!registered || this.state.time >= registered.expires + CHALLENGE) return 0n
    const paid = this.paid.get(name) ?? 0n
    const part = payout(target, { paid }, registered, availableIn(this.state), FEE)
    this.paid.set(name, paid + part.sum)
    const keys = new Map(this.state.keys).set(payer, { ...registered, spent: registered.spent + part.sum })
    const { balance, fees } = this.state
    this.state = { ...this.state, balance: balance - part.payee, fees: fees + part.fee, keys }
    return target > paid ? target - paid - part.sum : 0n
  }

  onLane({ object }: SignedVoucher, index: number): boolean {
    return hex(object.receiptKey) === hex(lanes[index]?.receiptKey ?? filled(0))
  }
}

type Step =
  | { do: 'sign'; lane: number; floor: bigint; above: bigint; hours: number; lag: number }
  | { do: 'settle'; pick: number; part: number; lag: number }
  | { do: 'claim'; lane: number }
  | { do: 'release'; more: bigint; hours: number; lag: number }
  | { do: 'carry' }
  | { do: 'deposit'; amount: bigint }
  | { do: 'wait'; hours: number }
  | { do: 'revoke'; payer: number }

const lane = fc.nat({ max: 3 })
const lag = fc.nat({ max: 3 })
const coins = fc.bigInt({ min: 0n, max: 200n })
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('sign'),
      lane,
      floor: coins,
      above: coins,
      hours: fc.integer({ min: 1, max: 24 }),
      lag,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('settle'), pick: fc.nat({ max: 20 }), part: fc.nat({ max: 100 }), lag }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim'), lane }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('release'), more: coins, hours: fc.integer({ min: 1, max: 24 }), lag }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('carry') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deposit'), amount: coins }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke'), payer: fc.nat({ max: 1 }) }) },
) as fc.Arbitrary<Step>

function apply(ledger: Ledger, step: Step, releases: Release[]): void {
  switch (step.do) {
    case 'sign': {
      const { payer, payee, receiptKey } = lanes[step.lane] ?? { payer: 0, payee: filled(0), receiptKey: filled(0) }
      const { state, commitments } = ledger.view(step.lag)
      const sums = { floor: step.floor, ceiling: step.floor + step.above }
      const until = state.time + step.hours * 3600
      const one = signed({ payee, receiptKey, since: SINCE + BigInt(payer), until, ...sums }, payers[payer])
      if (ledger.take(decideVoucher(one, commitments, state, state.time, CHALLENGE))) ledger.holds.push(one)
      return
    }
    case 'settle': {
      const voucher = ledger.holds[step.pick % Math.max(1, ledger.holds.length)]
      if (!voucher) return
      const total = (voucher.object.ceiling * BigInt(step.part)) / 100n
      const { since, payee } = voucher.object
      const receipt = { channel: CHANNEL, since, payee, total, amount: 0n, job: filled(9) }
      const { state, commitments } = ledger.view(step.lag)
      if (ledger.take(decideReceipt(laneOf(voucher), receipt, commitments, state, CHALLENGE))) {
        ledger.settled.push({ voucher, total })
      }
      return
    }
    case 'claim':
      expect(ledger.claim(step.lane)).toBe(0n)
      return
    case 'release': {
      const { state, commitments } = ledger.view(step.lag)
      const total = state.released + step.more
      const one = { channel: CHANNEL, opened: state.opened, total, until: state.time + step.hours * 3600 }
      if (ledger.take(decideRelease(one, commitments, state, CHALLENGE))) releases.push(one)
      return
    }
    case 'carry':
      for (const one of releases) carry(ledger, one)
      return
    case 'deposit':
      ledger.state = { ...ledger.state, balance: ledger.state.balance + step.amount }
      return
    case 'wait':
      ledger.state = { ...ledger.state, time: ledger.state.time + step.hours * 3600 }
      return
    default: {
      const payer = hex(payers[step.payer] ?? PAYER)
      const registered = ledger.state.keys.get(payer)
      if (!registered || registered.revoked) return
      const expires = Math.min(registered.expires, ledger.state.time)
      const keys = new Map(ledger.state.keys).set(payer, { ...registered, expires, revoked: true })
      ledger.state = { ...ledger.state, keys }
    }
  }
}

function carry(ledger: Ledger, { total, until }: Release): void {
  const { state } = ledger
  if (state.time > until || total <= state.released) return
  const due = total - state.released
  expect(due <= availableIn(state)).toBe(true)
  ledger.state = { ...state, balance: state.balance - due, released: total }
}

it('an honest broker, whatever it sees late, can always be paid from: nothing it signed falls short', () => {
  const plan = fc.array(steps, { minLength: 5, maxLength: 60 })
  let claimed = 0n
  let signatures = 0
  fc.assert(
    fc.property(plan, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), fc.boolean(), (list, order, first) => {
      const ledger = new Ledger()
      const releases: Release[] = []
      ledger.remember()
      for (const step of list) {
        apply(ledger, step, releases)
        ledger.remember()
      }
      if (first) for (const one of releases) carry(ledger, one)
      for (const index of order) expect(ledger.claim(index)).toBe(0n)
      for (const one of releases) carry(ledger, one)
      claimed += [...ledger.paid.values()].reduce((sum, paid) => sum + paid, 0n)
      signatures += ledger.holds.length
    }),
    runs(400),
  )
  // The search is worth something only if coins moved.
  expect([claimed > 1000n, signatures > 400]).toEqual([true, true])
})
