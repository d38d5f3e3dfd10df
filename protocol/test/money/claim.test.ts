import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { broughtByBroker, type Claim, claimedByNodeAt, claimTarget, laneOf, payout } from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { CHALLENGE, channel, key, NOW, signed, withKey } from './channel.ts'

const sum = fc.bigInt({ min: 0n, max: 100n })
const claims: fc.Arbitrary<Claim> = fc
  .record({
    sums: fc.tuple(sum, sum),
    until: fc.nat({ max: 20 }),
    total: fc.option(sum),
    countersigned: fc.constantFrom('voucher' as const, 'receipt' as const),
  })
  .map(({ sums: [a, b], ...rest }) => ({ ...rest, floor: a < b ? a : b, ceiling: a < b ? b : a }))

describe('a claim', () => {
  const claim = { floor: 3n, ceiling: 10n, until: 100, total: 8n, countersigned: 'voucher' } as const

  it('reaches max(floor, min(total, ceiling)) while the hold lasts, its last second included', () => {
    expect([99, 100].map((now) => claimTarget(claim, now))).toEqual([8n, 8n])
    expect(claimTarget({ ...claim, total: 12n }, 100)).toBe(10n)
    expect(claimTarget({ ...claim, total: 2n }, 100)).toBe(3n)
  })
  it('without a receipt reaches the floor, at any time', () => {
    expect([1, 100, 10 ** 9].map((now) => claimTarget({ ...claim, total: null }, now))).toEqual([3n, 3n, 3n])
  })
  it('past the hold reaches the floor, unless the receipt itself is countersigned', () => {
    expect(claimTarget(claim, 101)).toBe(3n)
    expect(claimTarget({ ...claim, countersigned: 'receipt' }, 101)).toBe(8n)
  })
  it('of a voucher the broker never countersigned reaches the settled receipt and no floor', () => {
    expect(claimTarget({ ...claim, total: 2n, countersigned: 'receipt' }, 1)).toBe(2n)
    expect(claimTarget({ ...claim, total: null, countersigned: 'receipt' }, 1)).toBe(0n)
  })
  it('never reaches beyond the ceiling, and above the floor never beyond the receipt', () => {
    fc.assert(
      fc.property(claims, fc.nat({ max: 25 }), (one, now) => {
        const target = claimTarget(one, now)
        expect(target <= one.ceiling).toBe(true)
        if (target > one.floor) expect(target <= (one.total ?? 0n)).toBe(true)
      }),
      runs(300),
    )
  })
})

describe('a payout', () => {
  it('is what is due, allowed and there, and never an error', () => {
    const open = { limit: 100n, spent: 0n }
    expect(payout(50n, { paid: 20n }, open, 1000n, 0).sum).toBe(30n)
    expect(payout(50n, { paid: 20n }, { limit: 100n, spent: 90n }, 1000n, 0).sum).toBe(10n)
    expect(payout(50n, { paid: 20n }, open, 7n, 0).sum).toBe(7n)
    for (const none of [
      payout(20n, { paid: 50n }, open, 1000n, 100),
      payout(50n, { paid: 20n }, { limit: 5n, spent: 9n }, 1000n, 100),
      payout(50n, { paid: 20n }, open, -5n, 100),
    ]) {
      expect(none).toEqual({ payee: 0n, fee: 0n, sum: 0n })
    }
  })

  it('in any order, repeated or split, ends in the same sums when coins and limit suffice', () => {
    const list = fc.array(claims, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(list, fc.infiniteStream(fc.nat({ max: 5 })), fc.nat({ max: 10_000 }), (all, order, rate) => {
        const run = (sequence: readonly Claim[]) => {
          let [paid, payee, fee] = [0n, 0n, 0n]
          for (const one of sequence) {
            const part = payout(claimTarget(one, 0), { paid }, { limit: 10n ** 6n, spent: paid }, 10n ** 6n, rate)
            expect(part.payee + part.fee).toBe(part.sum)
            paid += part.sum
            payee += part.payee
            fee += part.fee
          }
          return { paid, payee, fee }
        }
        const picks = [...order.take(12)].flatMap((i) => all[i % all.length] ?? [])
        expect(run([...picks, ...all.toReversed()])).toEqual(run(all))
      }),
      runs(200),
    )
  })
})

describe('the broker carries a claim', () => {
  const lane = laneOf(signed())
  const carried = (unclaimed: bigint, state = channel()) => broughtByBroker(unclaimed, lane, state, NOW, CHALLENGE)

  it('from 0.1 on', () => {
    expect([99_999_999n, 100_000_000n].map((sums) => carried(sums))).toEqual([false, true])
  })
  it('from 0.003 on, when the key is revoked, over, or ends within the challenge period', () => {
    for (const state of [
      withKey({ revoked: true }),
      withKey({ expires: NOW - 1 }),
      withKey({ expires: NOW + CHALLENGE }),
    ]) {
      expect([2_999_999n, 3_000_000n].map((sums) => carried(sums, state))).toEqual([false, true])
    }
    expect(carried(3_000_000n, withKey({ expires: NOW + CHALLENGE + 1 }))).toBe(false)
  })
  it('from 0.0015 on, when the channel is closing', () => {
    expect([1_499_999n, 1_500_000n].map((sums) => carried(sums, channel({ closesAt: 5 })))).toEqual([false, true])
  })
  it('never for a key that is gone', () => {
    expect(carried(10n ** 9n, channel({ keys: new Map() }))).toBe(false)
    expect(key.revoked).toBe(false)
  })
})

it('a node claims by itself at half the hold', () => {
  expect(claimedByNodeAt(1000, 1000 + 86_400)).toBe(1000 + 43_200)
})
