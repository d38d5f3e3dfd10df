import { describe, expect, it } from 'vitest'
import { type Bytes, concat, hex } from '../../src/index.ts'
import { type Workload, workloadDigest, workloadRegister } from '../../src/appraisal/workload.ts'
import { cbor } from '../../vectors/by-hand.ts'

const bytes = (value: number): Bytes => new Uint8Array(32).fill(value)
const workload: Workload = {
  engine: { image: bytes(1), arguments: ['--socket', '/run/engine.sock'] },
  models: [{ model: 'cocoon-demo', root: bytes(2) }],
  policy: bytes(3),
}
const sha384 = async (...parts: readonly Uint8Array[]): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-384', concat(...parts)))

describe('a workload', () => {
  it('is measured as SHA-384 of its encoding', async () => {
    expect(hex(await workloadDigest(workload))).toBe(hex(await sha384(cbor(workload))))
  })

  it('makes RTMR3 what one extension of an empty register makes it', async () => {
    const expected = await sha384(new Uint8Array(48), await sha384(cbor(workload)))
    expect(hex(await workloadRegister(workload))).toBe(hex(expected))
  })

  it('has the values that a third implementation finds', async () => {
    expect(hex(await workloadDigest(workload))).toBe(
      'c57b80e7519b03aff121e812d9a263b779646cf9993ebe28867f7f07ad86e3a34ca33439796d38c4746083729204103e',
    )
    expect(hex(await workloadRegister(workload))).toBe(
      '7bc2c89485ab0292858c8cfd525118515e98b16ea976f2c460e9e1f1183ffb5e2006ff174871cafb1773644e64eecbcc',
    )
  })

  it('measures differently whatever is changed', async () => {
    const { engine, models } = workload
    const others: Workload[] = [
      workload,
      { ...workload, engine: { ...engine, image: bytes(9) } },
      { ...workload, engine: { ...engine, arguments: engine.arguments.toReversed() } },
      { ...workload, engine: { ...engine, arguments: ['--socket /run/engine.sock'] } },
      { ...workload, models: [{ model: 'cocoon-demo', root: bytes(9) }] },
      { ...workload, models: [{ model: 'cocoon-large', root: bytes(2) }] },
      { ...workload, models: [...models, { model: 'cocoon-large', root: bytes(9) }] },
      { ...workload, policy: bytes(9) },
    ]
    const registers = await Promise.all(others.map(async (one) => hex(await workloadRegister(one))))
    expect(new Set(registers).size).toBe(others.length)
  })
})
