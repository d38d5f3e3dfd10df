import { describe, expect, it } from 'vitest'
import {
  type BrokerDecision,
  type ChannelState,
  committed,
  type Commitments,
  decideReceipt,
  decideRelease,
  decideVoucher,
  laneName,
  laneOf,
  noCommitments,
  type Release,
  type SignedVoucher,
} from '../../src/money/index.ts'
import { filled } from './arbitrary.ts'
import { BROKER, CHALLENGE, CHANNEL, channel, NOW, PAYEE, PAYER, signed, SINCE, withKey } from './channel.ts'

const DAY = 86_400
const after = (decision: BrokerDecision): Commitments => {
  if (decision.commitments === null) throw new Error(decision.objection)
  return decision.commitments
}
const hold = (one: SignedVoucher, before = noCommitments, state: ChannelState = channel()): BrokerDecision =>
  decideVoucher(one, before, state, state.time, CHALLENGE)
const receipt = (total: bigint) => ({
  channel: CHANNEL,
  since: SINCE,
  payee: PAYEE,
  total,
  amount: 0n,
  job: filled(1),
})
const settle = (total: bigint, before: Commitments, state = channel(), one = signed()): BrokerDecision =>
  decideReceipt(laneOf(one), receipt(total), before, state, CHALLENGE)
const release = (total: bigint, change: Partial<Release> = {}): Release => ({
  channel: CHANNEL,
  opened: 5n,
  total,
  until: NOW + DAY,
  ...change,
})
const give = (one: Release, before = noCommitments, state = channel()): BrokerDecision =>
  decideRelease(one, before, state, CHALLENGE)

describe('a broker countersigns a voucher', () => {
  it('up to what the channel can pay, to the nanogram', () => {
    expect(hold(signed({ ceiling: 1_000_000_000n })).objection).toBeNull()
    expect(hold(signed({ ceiling: 1_000_000_001n }), noCommitments, withKey({ limit: 2n ** 63n })).objection).toBe(
      'over-committed',
    )
    const poorer = channel({ fees: 1n })
    expect(hold(signed({ ceiling: 1_000_000_000n }), noCommitments, poorer).objection).toBe('over-committed')
  })

  it('up to the limit of the key, over all its lanes, what is spent included', () => {
    const state = withKey({ limit: 10n, spent: 4n })
    const first = after(hold(signed({ ceiling: 4n }), noCommitments, state))
    const other = { receiptKey: filled(1) }
    expect(hold(signed({ ceiling: 2n, ...other }), first, state).objection).toBeNull()
    expect(hold(signed({ ceiling: 3n, ...other }), first, state).objection).toBe('over-limit')
  })

  it('on one lane in place of the one before, on two lanes beside it', () => {
    const first = after(hold(signed({ ceiling: 600n })))
    expect(committed(after(hold(signed({ ceiling: 800n }), first)), channel(), CHALLENGE)).toBe(800n)
    const second = after(hold(signed({ ceiling: 800n, payee: filled(1) }), first))
    expect(committed(second, channel(), CHALLENGE)).toBe(1400n)
    const lower = after(hold(signed({ ceiling: 100n }), first))
    expect(committed(lower, channel(), CHALLENGE)).toBe(600n)
  })

  it.each([
    ['other-channel', signed({ channel: filled(1) }), channel()],
    ['channel-not-open', signed(), channel({ opened: 0n })],
    ['channel-closing', signed(), channel({ closesAt: NOW + 1 })],
    ['channel-closing', signed(), channel({ closesAt: NOW - 1 })],
    ['broker-key', signed({}, BROKER), channel()],
    ['unknown-key', signed({}, filled(1)), channel()],
    ['other-registration', signed({ since: SINCE + 1n }), channel()],
    ['key-ended', signed(), withKey({ revoked: true })],
    ['key-ended', signed(), withKey({ expires: NOW })],
    ['hold-over', signed({ until: NOW }), channel()],
    ['hold-too-long', signed({ until: NOW + DAY + 601 }), channel()],
  ] as const)('but not: %s', (objection, one, state) => {
    expect(hold(one, noCommitments, state)).toEqual({ objection, commitments: null })
  })
})

describe('coins are free again', () => {
  const first = after(hold(signed({ floor: 300n, ceiling: 800n, until: NOW + 100 })))

  it('only past the date, above the floor', () => {
    const at = (time: number) => committed(first, channel({ time }), CHALLENGE)
    expect([NOW, NOW + 100, NOW + 101].map(at)).toEqual([800n, 800n, 300n])
  })

  it('not when the receipt was countersigned before', () => {
    const settled = after(settle(700n, first))
    const at = (time: number) => committed(settled, channel({ time }), CHALLENGE)
    expect([NOW + 100, NOW + 101].map(at)).toEqual([800n, 700n])
  })

  it('as far as they were paid', () => {
    const name = laneName(laneOf(signed()))
    const known = first.lanes.get(name)
    if (!known) throw new Error('no lane')
    const paid = { ...first, lanes: new Map([[name, { ...known, account: { ...known.account, paid: 500n } }]]) }
    expect(committed(paid, channel(), CHALLENGE)).toBe(300n)
  })

  it('when the key is gone, registered anew, or a challenge period past its end', () => {
    expect(committed(first, channel({ keys: new Map() }), CHALLENGE)).toBe(0n)
    expect(committed(first, withKey({ since: SINCE + 1n }), CHALLENGE)).toBe(0n)
    const ended = (time: number) => committed(first, { ...withKey({ expires: 500, revoked: true }), time }, CHALLENGE)
    expect([CHALLENGE + 499, CHALLENGE + 500].map(ended)).toEqual([300n, 0n])
  })
})

describe('a broker countersigns a receipt', () => {
  const first = after(hold(signed({ ceiling: 800n, until: NOW + 100 })))

  it('within the ceiling it countersigned', () => {
    expect(settle(800n, first).objection).toBeNull()
    expect(settle(801n, first).objection).toBe('above-ceiling')
    expect(settle(1n, first, channel(), signed({ receiptKey: filled(1) })).objection).toBe('unknown-lane')
    expect(settle(1n, noCommitments).objection).toBe('unknown-lane')
  })

  it('of a hold that is over, only if the coins are still there', () => {
    const later = channel({ time: NOW + 101, balance: 20_000_900n })
    const taken = after(hold(signed({ ceiling: 500n, payee: filled(1), until: NOW + 200 }), first, later))
    expect(settle(400n, taken, later).objection).toBeNull()
    expect(settle(401n, taken, later).objection).toBe('over-committed')
  })

  it('of this channel and registration alone', () => {
    const wrong = (change: object) =>
      decideReceipt(laneOf(signed()), { ...receipt(1n), ...change }, first, channel(), CHALLENGE).objection
    expect(wrong({ channel: filled(1) })).toBe('other-channel')
    expect(wrong({ since: SINCE + 1n })).toBe('other-registration')
    expect(wrong({ payee: filled(1) })).toBe('unknown-lane')
  })
})

describe('a broker releases to the owner', () => {
  const first = after(hold(signed({ ceiling: 800_000_000n })))

  it('what nothing else needs', () => {
    expect(give(release(200_000_000n), first).objection).toBeNull()
    expect(give(release(200_000_001n), first).objection).toBe('over-committed')
    expect(give(release(300_000_000n), first, channel({ released: 100_000_000n })).objection).toBeNull()
  })

  it('and countersigns nothing on those coins until they left or the release is over', () => {
    const given = after(give(release(900_000_000n)))
    expect(hold(signed({ ceiling: 100_000_001n }), given).objection).toBe('over-committed')
    const carried = channel({ balance: 120_000_000n, released: 900_000_000n })
    expect(hold(signed({ ceiling: 100_000_000n }), given, carried).objection).toBeNull()
    const over = channel({ time: NOW + DAY + 1 })
    expect(hold(signed({ ceiling: 100_000_001n, until: NOW + 2 * DAY }), given, over).objection).toBeNull()
  })

  it('one at a time', () => {
    const given = after(give(release(100n)))
    expect(give(release(100n), given).objection).toBeNull()
    expect(give(release(200n), given).objection).toBe('release-outstanding')
    expect(give(release(200n), given, channel({ released: 100n })).objection).toBeNull()
  })

  it.each([
    ['other-channel', release(1n, { channel: filled(1) }), channel()],
    ['channel-not-open', release(1n, { opened: 6n }), channel()],
    ['channel-not-open', release(1n), channel({ opened: 0n })],
    ['nothing-released', release(5n), channel({ released: 5n })],
    ['hold-over', release(1n, { until: NOW - 1 }), channel()],
  ] as const)('but not: %s', (objection, one, state) => {
    expect(give(one, noCommitments, state)).toEqual({ objection, commitments: null })
  })
})

it('a decision changes nothing of what it was asked about', () => {
  const before = after(hold(signed({ ceiling: 600n })))
  const copy = structuredClone(before)
  hold(signed({ ceiling: 800n }), before)
  settle(500n, before)
  give(release(5n), before)
  expect(before).toEqual(copy)
  expect(PAYER.length).toBe(32)
})
