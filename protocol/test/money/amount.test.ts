import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  amountOf,
  formatGrams,
  feeOn,
  MAX_NANOGRAMS,
  maximumOf,
  parseGrams,
  parseNanograms,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { uint64 } from './arbitrary.ts'

const nanograms = fc.oneof(fc.bigInt({ min: 0n, max: 50n }), fc.bigInt({ min: 0n, max: 2_000_000n }))
const prices = fc.record({ prompt: nanograms, cached: nanograms, completion: nanograms, reasoning: nanograms })
const few = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 200 }))

describe('the maximum of a job', () => {
  it('is reached by some usage within its bounds, and by none exceeded', () => {
    fc.assert(
      fc.property(few, few, prices, (prompt, answer, price) => {
        let largest = 0n
        // The amount depends on counts only by 64s, so these splits stand for all.
        const splits = (bound: number) =>
          new Set([0, bound, ...[0, 1, 2, 3].flatMap((n) => [64 * n + 1, bound - 64 * n - 1])])
        for (const cached of splits(prompt)) {
          for (const reasoning of splits(answer)) {
            if (cached < 0 || cached > prompt || reasoning < 0 || reasoning > answer) continue
            const usage = { prompt: prompt - cached, cached, completion: answer - reasoning, reasoning }
            const amount = amountOf(usage, price)
            if (amount > largest) largest = amount
          }
        }
        expect(maximumOf({ prompt, answer }, price)).toBe(largest)
      }),
      runs(300),
    )
  })

  it('is not passed by any usage that stays within the bounds', () => {
    const within = fc.tuple(fc.nat({ max: 100_000 }), fc.nat({ max: 100_000 }))
    fc.assert(
      fc.property(
        within,
        within,
        prices,
        fc.nat({ max: 300 }),
        ([prompt, cached], [completion, reasoning], price, more) => {
          const most = { prompt: prompt + cached + more, answer: completion + reasoning + more }
          expect(amountOf({ prompt, cached, completion, reasoning }, price) <= maximumOf(most, price)).toBe(true)
        },
      ),
      runs(300),
    )
  })

  it('of nothing is nothing, and of no count is an error', () => {
    const price = { prompt: 9n, cached: 9n, completion: 9n, reasoning: 9n }
    expect(maximumOf({ prompt: 0, answer: 0 }, price)).toBe(0n)
    expect(() => maximumOf({ prompt: -1, answer: 0 }, price)).toThrow(RangeError)
    expect(() => maximumOf({ prompt: 0, answer: 0.5 }, price)).toThrow(RangeError)
  })
})

describe('nanograms on the wire', () => {
  it('have one text for each amount', () => {
    fc.assert(
      fc.property(uint64, (value) => {
        expect(parseNanograms(value.toString())).toBe(value)
      }),
      runs(100),
    )
  })
  it.each(['', '01', '-1', '+1', '1.0', ' 1', '1n', '0x1', '18446744073709551616', '1'.repeat(21)])(
    'refuse %j',
    (text) => {
      expect(() => parseNanograms(text)).toThrow(RangeError)
    },
  )
})

describe('what a person reads and types', () => {
  it('is exact in both directions', () => {
    fc.assert(
      fc.property(uint64, (value) => {
        expect(parseGrams(formatGrams(value))).toBe(value)
      }),
      runs(200),
    )
  })
  it.each([
    [0n, '0'],
    [1n, '0.000000001'],
    [500_000_000n, '0.5'],
    [1_000_000_000n, '1'],
    [-1_500_000_000n, '-1.5'],
    [MAX_NANOGRAMS, '18446744073.709551615'],
  ])('%i nanograms are %s', (value, text) => expect(formatGrams(value)).toBe(text))
  it.each(['', '.5', '1.', '1,5', '1.0000000001', '-1', '1e3', 'NaN', '18446744073.709551616', ' 1'])(
    'refuses %j',
    (text) => {
      expect(() => parseGrams(text)).toThrow(RangeError)
    },
  )
})

describe('the fee', () => {
  it('is the same however a payment is split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { maxLength: 8 }),
        fc.nat({ max: 10_000 }),
        (parts, rate) => {
          let [paid, fees] = [0n, 0n]
          for (const part of parts) {
            fees += feeOn(paid + part, rate) - feeOn(paid, rate)
            paid += part
          }
          expect(fees).toBe(feeOn(paid, rate))
          expect(fees <= paid).toBe(true)
        },
      ),
      runs(200),
    )
  })
  it.each([-1, 10_001, 0.5])('has no rate of %s', (rate) => expect(() => feeOn(1n, rate)).toThrow(RangeError))
})
