import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amountOf, type Price, type Usage } from '../src/index.ts'
import { runs } from './property.ts'

const classes = ['prompt', 'cached', 'completion', 'reasoning'] as const
const four = <T>(each: fc.Arbitrary<T>) => fc.record({ prompt: each, cached: each, completion: each, reasoning: each })
const tokens = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 1_000_000 }),
  fc.constantFrom(0, 1, 63, 64, 65, 2 ** 40 + 1),
)
const usages: fc.Arbitrary<Usage> = four(tokens)
const prices: fc.Arbitrary<Price> = four(
  fc.oneof(fc.bigInt({ min: 0n, max: 2_000_000n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
)

/** As a fraction of nanograms, class by class, over one denominator; then the smallest integer not below it. */
function amountAsFraction(usage: Usage, price: Price): bigint {
  let numerator = 0n
  for (const name of classes) {
    let buckets = BigInt(usage[name]) / 64n
    if (buckets * 64n < BigInt(usage[name])) buckets += 1n
    numerator += buckets * 64n * price[name]
  }
  const whole = numerator / 1_000_000n
  return whole * 1_000_000n === numerator ? whole : whole + 1n
}

describe('an amount', () => {
  it('is the fraction rounded up once', () => {
    fc.assert(
      fc.property(usages, prices, (usage, price) => {
        expect(amountOf(usage, price)).toBe(amountAsFraction(usage, price))
      }),
      runs(300),
    )
  })

  it('never falls with more tokens or a higher price', () => {
    fc.assert(
      fc.property(usages, prices, fc.constantFrom(...classes), fc.nat({ max: 200 }), (usage, price, name, more) => {
        const amount = amountOf(usage, price)
        expect(amountOf({ ...usage, [name]: usage[name] + more }, price) >= amount).toBe(true)
        expect(amountOf(usage, { ...price, [name]: price[name] + BigInt(more) }) >= amount).toBe(true)
      }),
      runs(200),
    )
  })

  it('is never lowered by splitting an answer, and raised by at most what rounding takes', () => {
    fc.assert(
      fc.property(usages, usages, prices, (a, b, price) => {
        const both: Usage = {
          prompt: a.prompt + b.prompt,
          cached: a.cached + b.cached,
          completion: a.completion + b.completion,
          reasoning: a.reasoning + b.reasoning,
        }
        const [whole, split] = [amountOf(both, price), amountOf(a, price) + amountOf(b, price)]
        expect(split >= whole).toBe(true)
        const oneBucketEach = (64n * classes.reduce((sum, name) => sum + price[name], 0n)) / 1_000_000n
        expect(split <= whole + oneBucketEach + 2n).toBe(true)
      }),
      runs(200),
    )
  })

  it('tells nothing within a bucket', () => {
    const price = { prompt: 7n, cached: 7n, completion: 7n, reasoning: 7_000_001n }
    const amounts = new Set(
      Array.from({ length: 64 }, (_, i) => amountOf({ prompt: 1, cached: 0, completion: 0, reasoning: 65 + i }, price)),
    )
    expect(amounts.size).toBe(1)
  })

  it('is not made of what is no count', () => {
    const price = { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n }
    for (const name of classes) {
      for (const count of [-1, 0.5, Number.NaN, 2 ** 53]) {
        expect(() => amountOf({ prompt: 0, cached: 0, completion: 0, reasoning: 0, [name]: count }, price)).toThrow(
          RangeError,
        )
      }
    }
  })
})
