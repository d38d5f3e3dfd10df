import { describe, expect, it } from 'vitest'
import { encodeQuote } from '../../../localnet/src/tee/index.ts'
import { fromHex } from '../../src/index.ts'
import { inSteps } from '../../src/appraisal/failure.ts'
import { readQuote } from '../../src/appraisal/tdx/quote.ts'
import { tdChecks, verifyTd } from '../../src/appraisal/tdx/td.ts'
import { plan } from './simulated.ts'

async function codeOf(change: { attributes?: string; xfam?: string; mrServiceTd?: Uint8Array<ArrayBuffer> }) {
  const { quote } = await plan()
  Object.assign(quote, { version: 5, bodyType: 3 })
  if (change.attributes) quote.td.attributes = fromHex(change.attributes)
  if (change.xfam) quote.td.xfam = fromHex(change.xfam)
  if (change.mrServiceTd) quote.td.mrServiceTd = change.mrServiceTd
  const { report } = readQuote(await encodeQuote(quote))
  const { failure } = await inSteps(tdChecks, (steps) => verifyTd(steps, report))
  return failure ? `${failure.code} at ${failure.step}` : 'accepted'
}

/** Little-endian hex of 8 bytes with these bits set. */
const bits = (...positions: number[]) => {
  const bytes = new Uint8Array(8)
  for (const position of positions) bytes[position >> 3] = (bytes[position >> 3] ?? 0) | (1 << (position & 7))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
const SEPT_VE_DISABLE = 28

describe('checklist step 10, the trust domain', () => {
  it('as QEMU and the clouds start it passes', async () => {
    expect(await codeOf({})).toBe('accepted')
    expect(await codeOf({ attributes: bits(SEPT_VE_DISABLE, 27, 30, 31, 63) })).toBe('accepted')
  })
  it.each([
    ['that can be debugged', bits(SEPT_VE_DISABLE, 0), 'td-debug'],
    ['that can be migrated', bits(SEPT_VE_DISABLE, 29), 'td-migratable'],
    ['in which the host can provoke faults', bits(30), 'td-sept-ve'],
    ['without any attribute', bits(), 'td-sept-ve'],
  ])('%s is refused', async (_, attributes, code) => {
    expect(await codeOf({ attributes })).toBe(`${code} at td.attributes`)
  })
  it('with any reserved attribute is refused', async () => {
    const allowed = new Set([0, 27, 28, 29, 30, 31, 63])
    for (let bit = 0; bit < 64; bit++) {
      if (allowed.has(bit)) continue
      expect(await codeOf({ attributes: bits(SEPT_VE_DISABLE, bit) })).toBe('td-reserved at td.attributes')
    }
  })
  it('without x87 or SSE, or with features nobody has, is refused', async () => {
    expect(await codeOf({ xfam: bits(0, 1) })).toBe('accepted')
    for (const xfam of [bits(0), bits(1), bits(), bits(0, 1, 63), bits(0, 1, 3), bits(0, 1, 19)]) {
      expect(await codeOf({ xfam })).toBe('td-xfam at td.features')
    }
  })
  it('that another domain serves is refused', async () => {
    const mrServiceTd = new Uint8Array(48)
    mrServiceTd[47] = 1
    expect(await codeOf({ mrServiceTd })).toBe('td-service at td.service')
  })
})
