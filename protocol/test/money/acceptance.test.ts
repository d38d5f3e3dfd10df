import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  atRisk,
  defaultCaps,
  emptyNodeLane,
  jobBegan,
  jobEnded,
  nodeObjection,
  type NodeView,
  requiredCeiling,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { filled } from './arbitrary.ts'
import { channel, NODE, NOW, PAYEE, signed, SINCE, withKey } from './channel.ts'

const view = (change: Partial<NodeView> = {}): NodeView => ({
  payee: PAYEE,
  receiptKey: NODE,
  state: channel(),
  lane: emptyNodeLane(SINCE),
  risk: { channel: 0n, broker: 0n },
  caps: defaultCaps,
  now: NOW,
  leastHoldSeconds: 43_200,
  ...change,
})

describe('a node', () => {
  it('takes a good voucher, however low its floor', () => {
    expect(nodeObjection(signed({ floor: 0n }), 1_000_000n, view())).toBeNull()
  })

  it('refuses a ceiling below what it is owed, what runs and what this job may cost, by a nanogram', () => {
    const lane = { since: SINCE, total: 500n, inFlight: 300n, paid: 0n }
    expect(nodeObjection(signed({ ceiling: 1000n }), 200n, view({ lane }))).toBeNull()
    expect(nodeObjection(signed({ ceiling: 999n }), 200n, view({ lane }))).toBe('ceiling-too-low')
  })

  it.each([
    ['other-channel', signed({ channel: filled(1) }), view()],
    ['other-payee', signed({ payee: filled(1) }), view()],
    ['other-receipt-key', signed({ receiptKey: filled(1) }), view()],
    ['channel-not-open', signed(), view({ state: channel({ opened: 0n }) })],
    ['channel-closing', signed(), view({ state: channel({ closesAt: NOW + 9 }) })],
    ['channel-closing', signed(), view({ state: channel({ closesAt: NOW - 9 }) })],
    ['unknown-key', signed({}, filled(1)), view()],
    ['other-registration', signed({ since: SINCE + 1n }), view()],
    ['other-registration', signed(), view({ lane: emptyNodeLane(SINCE - 1n) })],
    ['key-ended', signed(), view({ state: withKey({ revoked: true }) })],
    ['key-ended', signed(), view({ state: withKey({ expires: NOW }) })],
    ['hold-too-short', signed({ until: NOW + 43_199 }), view()],
    ['limit-too-low', signed(), view({ state: withKey({ limit: 1_000_000n, spent: 1n }) })],
    ['channel-too-poor', signed(), view({ state: channel({ balance: 20_999_999n }) })],
    ['channel-too-poor', signed(), view({ state: channel({ balance: 21_000_000n, fees: 1n }) })],
    ['unclaimed-in-channel', signed(), view({ risk: { channel: 99_000_001n, broker: 0n } })],
    ['unclaimed-at-broker', signed(), view({ risk: { channel: 0n, broker: 4_999_000_001n } })],
  ] as const)('says %s', (objection, voucher, seen) => {
    expect(nodeObjection(voucher, 1_000_000n, seen)).toBe(objection)
  })

  it('counts what was paid already against neither limit nor balance', () => {
    const lane = { since: SINCE, total: 900_000n, inFlight: 0n, paid: 900_000n }
    const state = withKey({ limit: 1_000_000n, spent: 900_000n })
    expect(nodeObjection(signed(), 100_000n, view({ lane, state }))).toBeNull()
  })

  it('accepts no more than its caps and can always be paid what it accepted', () => {
    const jobs = fc.array(
      fc.record({ maximum: fc.bigInt({ min: 1n, max: 40_000_000n }), part: fc.nat({ max: 100 }) }),
      {
        maxLength: 20,
      },
    )
    fc.assert(
      fc.property(jobs, fc.infiniteStream(fc.boolean()), (list, ends) => {
        let lane = emptyNodeLane(SINCE)
        let ceiling = 0n
        const running: { maximum: bigint; amount: bigint }[] = []
        for (const { maximum, part } of list) {
          const needed = requiredCeiling(lane, maximum)
          const risk = { channel: atRisk(lane), broker: atRisk(lane) }
          if (nodeObjection(signed({ ceiling: needed }), maximum, view({ lane, risk })) === null) {
            lane = jobBegan(lane, maximum)
            ceiling = needed > ceiling ? needed : ceiling
            running.push({ maximum, amount: (maximum * BigInt(part)) / 100n })
          }
          const ended = ends.next().value ? running.shift() : undefined
          if (ended) lane = jobEnded(lane, ended.maximum, ended.amount)
          expect(atRisk(lane) <= defaultCaps.channel).toBe(true)
          expect(lane.total + lane.inFlight <= ceiling).toBe(true)
        }
      }),
      runs(200),
    )
  })

  it('never receipts more than the job was accepted for', () => {
    const lane = jobBegan(emptyNodeLane(SINCE), 10n)
    expect(jobEnded(lane, 10n, 7n)).toEqual({ since: SINCE, total: 7n, inFlight: 0n, paid: 0n })
    expect(() => jobEnded(lane, 10n, 11n)).toThrow(RangeError)
    expect(() => jobEnded(lane, 10n, -1n)).toThrow(RangeError)
    expect(() => jobEnded(lane, 11n, 1n)).toThrow(RangeError)
  })
})
