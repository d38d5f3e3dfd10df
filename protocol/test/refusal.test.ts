import { beforeAll, describe, expect, it } from 'vitest'
import { type Refusal, refusalCodes, type RefusalCode, signFor, signRefusal, verifyRefusal } from '../src/index.ts'
import { cbor } from '../vectors/by-hand.ts'
import { bytesFrom, type Job, makeJob, makeNode, type Node } from '../vectors/material.ts'

let node: Node, other: Node
let job: Job, paid: Job
let refusal: Refusal
beforeAll(async () => {
  ;[node, other] = await Promise.all([makeNode('node'), makeNode('other')])
  job = await makeJob('job', node)
  paid = await makeJob('paid', node, { voucher: await bytesFrom('voucher') })
  refusal = await signRefusal(job.binding, 'busy', node.signer)
})
const holds = (change: Partial<Refusal> = {}, binding = job.binding, identity = node.statement.identity) =>
  verifyRefusal({ ...refusal, ...change }, binding, identity)

describe('a refusal', () => {
  it('holds for its attempt, with every code', async () => {
    for (const code of Object.keys(refusalCodes) as RefusalCode[]) {
      expect(
        await verifyRefusal(await signRefusal(job.binding, code, node.signer), job.binding, node.statement.identity),
      ).toBe(true)
    }
  })
  it('does not hold for another job', async () => {
    expect(await holds({}, { ...job.binding, jobId: paid.sealed.jobId })).toBe(false)
    expect(await holds({ jobId: paid.sealed.jobId }, { ...job.binding, jobId: paid.sealed.jobId })).toBe(false)
  })
  it('does not hold when it names another job than it is signed for', async () => {
    expect(await holds({ jobId: paid.sealed.jobId })).toBe(false)
  })
  it('does not hold for another statement', async () => {
    expect(await holds({}, { ...job.binding, statement: other.digest })).toBe(false)
  })
  it('does not hold for another voucher', async () => {
    expect(await holds({}, { ...job.binding, voucher: paid.binding.voucher })).toBe(false)
  })
  it('does not hold with another code', async () => {
    for (const code of Object.keys(refusalCodes) as RefusalCode[]) expect(await holds({ code })).toBe(code === 'busy')
  })
  it('does not hold with a code nobody knows, even signed', async () => {
    const code = 'because' as RefusalCode
    const { jobId, statement, voucher } = job.binding
    const signature = await signFor(
      'cocoon/1 refusal',
      node.signer,
      cbor(['cocoon/1 refusal', jobId, statement, voucher, code]),
    )
    expect(await holds({ code, signature })).toBe(false)
  })
  it('does not hold for another signer', async () => {
    expect(await holds({}, job.binding, other.statement.identity)).toBe(false)
    expect(await holds(await signRefusal(job.binding, 'busy', other.signer))).toBe(false)
  })
})
