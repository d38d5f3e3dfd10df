import { describe, expect, it } from 'vitest'
import {
  emptyLane,
  laneName,
  laneOf,
  openAtMost,
  owedAtMost,
  withPaid,
  withReceipted,
  withVoucher,
} from '../../src/money/index.ts'
import { filled } from './arbitrary.ts'
import { NODE, PAYEE, PAYER, signed, SINCE } from './channel.ts'

describe('a lane', () => {
  it('is payer key, payee and receipt key: another of any is another lane', () => {
    const names = [
      laneOf(signed()),
      laneOf(signed({}, filled(1))),
      laneOf(signed({ payee: filled(1) })),
      laneOf(signed({ receiptKey: filled(1) })),
    ].map(laneName)
    expect(new Set(names).size).toBe(4)
    expect(laneName({ payer: PAYER, payee: PAYEE, receiptKey: NODE })).toBe(names[0])
  })

  it('owes the largest of its highest floor, its receipts and its live ceilings', () => {
    let lane = withVoucher(emptyLane(SINCE), signed({ floor: 3n, ceiling: 10n, until: 100 }).object)
    lane = withVoucher(lane, signed({ floor: 2n, ceiling: 6n, until: 200 }).object)
    expect([100, 200, 201].map((time) => owedAtMost(lane, time))).toEqual([10n, 6n, 3n])
    lane = withReceipted(lane, 8n)
    expect([100, 200, 201].map((time) => owedAtMost(lane, time))).toEqual([10n, 8n, 8n])
    expect(openAtMost(withPaid(lane, 5n), 201)).toBe(3n)
    expect(openAtMost(withPaid(lane, 9n), 201)).toBe(0n)
    expect(lane.ceiling).toBe(10n)
  })

  it('never counts down: an older receipt or payment changes nothing', () => {
    const lane = withPaid(withReceipted(emptyLane(SINCE), 8n), 5n)
    expect(withPaid(withReceipted(lane, 7n), 4n)).toEqual(lane)
  })

  it('takes no voucher of another registration, whose sums begin elsewhere', () => {
    expect(() => withVoucher(emptyLane(SINCE), signed({ since: SINCE + 1n }).object)).toThrow(RangeError)
  })
})
