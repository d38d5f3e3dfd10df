import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex } from '../../src/index.ts'
import {
  type ClientLane,
  clientObjection,
  emptyClientLane,
  emptyNodeLane,
  exposure,
  jobBegan,
  jobEnded,
  jobReceipted,
  jobSigned,
  nextSums,
  requiredCeiling,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { filled } from './arbitrary.ts'
import { channel, NOW, PAYER, signed, SINCE, withKey } from './channel.ts'

const sign = (lane: ClientLane, job: string, maximum: bigint): ClientLane =>
  jobSigned(lane, signed(nextSums(lane, maximum)).object, job, maximum)

describe('a device', () => {
  it('signs receipts as the floor and everything open as the ceiling', () => {
    let lane = sign(emptyClientLane(SINCE), 'a', 100n)
    expect(nextSums(lane, 50n)).toEqual({ floor: 0n, ceiling: 150n })
    lane = jobReceipted(lane, 'a', { total: 70n, amount: 70n }, 70n).lane ?? lane
    expect(nextSums(lane, 50n)).toEqual({ floor: 70n, ceiling: 120n })
  })

  it('that lost a receipt never guesses a floor, and the node takes its next voucher all the same', () => {
    const jobs = fc.array(
      fc.record({ maximum: fc.bigInt({ min: 1n, max: 1000n }), part: fc.nat({ max: 100 }), lost: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    )
    fc.assert(
      fc.property(jobs, (list) => {
        let [client, node] = [emptyClientLane(SINCE), emptyNodeLane(SINCE)]
        for (const [i, { maximum, part, lost }] of list.entries()) {
          const sums = nextSums(client, maximum)
          expect(sums.ceiling >= requiredCeiling(node, maximum)).toBe(true)
          expect(sums.floor <= node.total).toBe(true)
          client = jobSigned(client, signed(sums).object, `${i}`, maximum)
          const amount = (maximum * BigInt(part)) / 100n
          node = jobEnded(jobBegan(node, maximum), maximum, amount)
          if (lost) continue
          const checked = jobReceipted(client, `${i}`, { total: node.total, amount }, amount)
          expect(checked.objection).toBeNull()
          client = checked.lane ?? client
          expect(client.account.receipted).toBe(node.total)
        }
      }),
      runs(200),
    )
  })

  it.each([
    ['unknown-job', 'b', { total: 70n, amount: 70n }, 70n],
    ['above-maximum', 'a', { total: 101n, amount: 101n }, 101n],
    ['wrong-sum', 'a', { total: 70n, amount: 70n }, 69n],
    ['wrong-sum', 'a', { total: 71n, amount: 70n }, 70n],
    ['above-ceiling', 'a', { total: 101n, amount: 70n }, 70n],
  ] as const)('does not believe a receipt: %s', (objection, job, receipt, amount) => {
    const lane = sign(emptyClientLane(SINCE), 'a', 100n)
    expect(jobReceipted(lane, job, receipt, amount)).toEqual({ objection, lane: null })
  })

  it('counts open ceilings against its budgets: a refusal gives nothing back', () => {
    const one = sign(emptyClientLane(SINCE), 'a', 600n)
    expect(exposure([one], NOW)).toEqual({ owed: 600n, open: 600n })
    const both = [one, sign(emptyClientLane(SINCE), 'b', 500n)]
    const budgets = [{ most: 1000n, from: 0n }]
    expect(clientObjection(PAYER, SINCE, [one], budgets, channel())).toBeNull()
    expect(clientObjection(PAYER, SINCE, both, budgets, channel())).toBe('over-budget')
    expect(clientObjection(PAYER, SINCE, both, [{ most: 1000n, from: 100n }], channel())).toBeNull()
    const later = channel({ time: NOW + 86_401 })
    expect(clientObjection(PAYER, SINCE, both, budgets, later)).toBeNull()
  })

  it.each([
    ['confirming', channel({ keys: new Map() })],
    ['confirming', channel({ opened: 0n })],
    ['confirming', withKey({ since: SINCE + 1n })],
    ['channel-closing', channel({ closesAt: NOW + 5 })],
    ['key-ended', withKey({ revoked: true })],
    ['key-ended', withKey({ expires: NOW })],
    ['over-limit', withKey({ limit: 1000n, spent: 401n })],
    ['over-balance', channel({ balance: 20_000_599n })],
  ] as const)('signs nothing: %s', (objection, state) => {
    const lane = sign(emptyClientLane(SINCE), 'a', 600n)
    expect(clientObjection(PAYER, SINCE, [lane], [], state)).toBe(objection)
  })

  it('signs nothing with a key no finalized block shows', () => {
    expect(clientObjection(filled(1), SINCE, [], [], channel())).toBe('confirming')
    expect(channel().keys.has(hex(filled(1)))).toBe(false)
  })
})
