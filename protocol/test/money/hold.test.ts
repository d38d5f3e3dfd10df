import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Hold, heldBy, isFreed, reservedUntil, withHold } from '../../src/money/index.ts'
import { runs } from '../property.ts'

const holds: fc.Arbitrary<Hold> = fc.record({ ceiling: fc.bigInt({ min: 0n, max: 20n }), until: fc.nat({ max: 20 }) })

describe('a hold', () => {
  it('ends with a finalized block dated past its last second, not with that second', () => {
    const hold = { ceiling: 5n, until: 100 }
    expect([99, 100, 101].map((time) => isFreed(hold, time))).toEqual([false, false, true])
    expect([100, 101].map((time) => heldBy([hold], time))).toEqual([5n, 0n])
  })

  it('on one lane replaces lower ones and never adds up', () => {
    const list = withHold(withHold([], { ceiling: 5n, until: 100 }), { ceiling: 7n, until: 90 })
    expect(heldBy(list, 50)).toBe(7n)
    expect(heldBy(list, 95)).toBe(5n)
    expect(heldBy(list, 101)).toBe(0n)
    expect(heldBy([], 0)).toBe(0n)
  })

  it('that another outlasts and covers is forgotten, and nothing else is', () => {
    fc.assert(
      fc.property(fc.array(holds, { maxLength: 12 }), fc.nat({ max: 21 }), (all, time) => {
        const kept = all.reduce<readonly Hold[]>(withHold, [])
        const most = all.reduce((sum, one) => (time <= one.until && one.ceiling > sum ? one.ceiling : sum), 0n)
        expect(heldBy(kept, time)).toBe(most)
        const covered = kept.some((a) => kept.some((b) => a !== b && b.ceiling >= a.ceiling && b.until >= a.until))
        expect(covered).toBe(false)
      }),
      runs(300),
    )
  })

  it('shows a person until when coins are reserved', () => {
    const list = [
      { ceiling: 5n, until: 100 },
      { ceiling: 7n, until: 90 },
    ]
    expect([50, 95, 101].map((time) => reservedUntil(list, time))).toEqual([100, 100, null])
  })
})
