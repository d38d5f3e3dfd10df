import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sign } from '../../../localnet/src/tee/index.ts'
import { type Bytes, hex, utf8 } from '../../src/index.ts'
import { appraisalCodes } from '../../src/appraisal/failure.ts'
import type { TdxCollateral } from '../../src/appraisal/tdx/collateral.ts'
import { appraiseTdx, tdxChecks, type TdxInput } from '../../src/appraisal/tdx/verify.ts'
import { runs } from '../property.ts'
import { inputOf, plan, refusalOf } from './simulated.ts'

const fields = [
  'tcbInfo',
  'tcbInfoSignature',
  'tcbInfoChain',
  'qeIdentity',
  'qeIdentitySignature',
  'qeIdentityChain',
  'rootCrl',
  'pckCrl',
] as const satisfies readonly (keyof TdxCollateral)[]

const edit = fc.record({
  /** Where, as a fraction of the length. */
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  value: fc.integer({ min: 0, max: 255 }),
  how: fc.constantFrom('replace', 'cut', 'insert', 'shorten', 'double'),
})
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

/** The same edits on text and on bytes. */
function mangle(whole: string | Bytes, { where, value, how }: Edit): string | Bytes {
  const at = Math.floor(where * whole.length)
  const codes = [...(typeof whole === 'string' ? utf8(whole) : whole)]
  if (how === 'shorten') codes.length = at
  else if (how === 'double') codes.push(...codes.slice(at))
  else codes.splice(at, how === 'insert' ? 0 : 1, ...(how === 'cut' ? [] : [value]))
  return typeof whole === 'string' ? String.fromCharCode(...codes) : Uint8Array.from(codes)
}

describe('mangled collateral', () => {
  it('is refused with the typed error, or says what it said before', async () => {
    const input = await inputOf()
    const { value: genuine } = await appraiseTdx(input)
    const search = fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...fields),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (field, edits) => {
          let changed: string | Bytes = input.collateral[field]
          for (const one of edits) changed = mangle(changed, one)
          const collateral = { ...input.collateral, [field]: changed }
          if ((await refusalOf({ ...input, collateral })) !== 'accepted') return
          const { value } = await appraiseTdx({ ...input, collateral })
          expect(value).toEqual(genuine)
        },
      ),
      runs(150),
    )
    await expect(search).resolves.toBe(undefined)
  })

  it('of any shape that its signer signs is refused with the typed error, or accepted', async () => {
    const place = fc.record({ path: fc.array(fc.nat(30), { maxLength: 5 }), value: fc.jsonValue({ maxDepth: 2 }) })
    const search = fc.assert(
      fc.asyncProperty(fc.constantFrom('tcbInfo', 'qeIdentity'), place, async (kind, { path, value }) => {
        const planned = await plan()
        replace(planned.collateral[kind], path, value)
        const refusal = await refusalOf(await inputOf({}, planned))
        expect(refusal === 'accepted' || refusal.code in appraisalCodes).toBe(true)
      }),
      runs(60),
    )
    await expect(search).resolves.toBe(undefined)
  })

  it.each([
    ['nested beyond reason', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['that is no object', '"TDX"'],
    ['that is nothing', ''],
    ['that is no JSON', '{"id":"TDX",}'],
    ['with a byte order mark', '\ufeff{}'],
  ])('%s is refused with the typed error, even when its signer signs it', async (_, tcbInfo) => {
    const input = await inputOf()
    const tcbInfoSignature = hex(await sign('tcbSigning', utf8(tcbInfo)))
    const collateral = { ...input.collateral, tcbInfo, tcbInfoSignature }
    expect(await refusalOf({ ...input, collateral })).toMatchObject({ code: 'tcb-info-format', step: 'tdx.tcb-info' })
  })
})

/** Puts `value` where `path` leads, from the content down. */
function replace(signed: { content: object }, path: readonly number[], value: unknown): void {
  let parent: Record<string, unknown> = signed as Record<string, unknown>
  let key = 'content'
  for (const step of path) {
    const child = parent[key]
    if (typeof child !== 'object' || child === null) break
    const keys = Object.keys(child)
    const next = keys[step % Math.max(1, keys.length)]
    if (next === undefined) break
    parent = child as Record<string, unknown>
    key = next
  }
  parent[key] = value
}

describe('an appraisal', () => {
  it('of anything at all ends with a record of every check', async () => {
    const input = await inputOf()
    const strange = fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 4096 }), fc.string())
    const search = fc.assert(
      fc.asyncProperty(
        fc.constantFrom('quote', 'collateral', 'root', 'now', 'grace', 'minimumEvaluation', 'names', ...fields),
        strange,
        async (field, value) => {
          const within = fields.find((one) => one === field)
          const changed = within ? { collateral: { ...input.collateral, [within]: value } } : { [field]: value }
          const { steps, failure } = await appraiseTdx({ ...input, ...changed } as TdxInput)
          expect(steps.map(({ name }) => name)).toEqual(tdxChecks.map(({ name }) => name))
          const failed = steps.findIndex(({ status }) => status === 'failed')
          expect(failed === -1).toBe(failure === null)
          for (const [i, { status, code, source }] of steps.entries()) {
            if (failed !== -1) expect(status).toBe(i < failed ? 'passed' : i === failed ? 'failed' : 'not-reached')
            expect(code === null).toBe(status !== 'failed')
            expect(source).not.toBe('')
          }
        },
      ),
      runs(120),
    )
    await expect(search).resolves.toBe(undefined)
  })

  it('under another root accepts nothing', async () => {
    const input = await inputOf()
    const search = fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (root) => {
        fc.pre(hex(root) !== hex(input.root))
        expect(await refusalOf({ ...input, root: new Uint8Array(root) })).toMatchObject({ code: 'chain-untrusted' })
      }),
      runs(50),
    )
    await expect(search).resolves.toBe(undefined)
  })
})
