import {
  type Bytes,
  concat,
  encodeFrame,
  type ErrorCode,
  type Final,
  hex,
  pad,
  padme,
  ResponseSealer,
  sha256,
  signRefusal,
  uint32,
  utf8,
} from '../src/index.ts'
import { cbor, frameNonce, gcmSeal, hkdf, type Plain } from './by-hand.ts'
import { bytesFrom, flip, handOut, type Job, makeJob, makeNode, readable } from './material.ts'
import { requestFields } from './sealing.ts'

const none = new Uint8Array(0)

export const done: Final = {
  status: 'done',
  code: null,
  finishReason: 'stop',
  usage: { prompt: 12, cached: 0, completion: 5, reasoning: 0 },
  receipt: null,
}

/** Encoded frames of a whole answer, one content frame for each text; the node nonce comes from the job id. */
export async function sealFrames(job: Job, texts: readonly string[], final: Final = done): Promise<readonly Bytes[]> {
  const nonce = await sha256(utf8('node nonce'), job.sealed.jobId)
  const sealer = ResponseSealer.create(job.sealed.jobId, job.wrap.enc, job.secret, handOut(nonce))
  const content = await Promise.all(texts.map((text) => sealer.seal(utf8(text))))
  return [...content, ...(await sealer.finish(final))].map(encodeFrame)
}

/** A frame sealed by hand with the right keys: what only a broken node sends. */
export async function frameByHand(job: Job, sequence: number, final: boolean, padded: Bytes): Promise<Bytes> {
  const nonce = await sha256(utf8('node nonce'), job.sealed.jobId)
  const salt = concat(job.wrap.enc, nonce)
  const key = await hkdf(job.secret, salt, 'cocoon/1 response key')
  const base = await hkdf(job.secret, salt, 'cocoon/1 response nonce', 12)
  const counter = concat(uint32(0), uint32(sequence))
  const flag = Uint8Array.of(final ? 1 : 0)
  const sealed = await gcmSeal(key, frameNonce(base, sequence), concat(job.sealed.jobId, counter, flag), padded)
  return concat(flag, counter, sequence === 0 ? nonce : none, sealed)
}

export async function responseVectors() {
  const node = await makeNode('response node')
  const job = await makeJob('response job', node)
  const other = await makeJob('another answer', node)
  const texts = ['{"choices":[]}\n', 'x'.repeat(600), 'y', 'z', 'end']
  const frames = (await sealFrames(job, texts)).map(hex)
  const [first = '', second = '', third = ''] = frames
  const last = frames.at(-1) ?? ''
  const otherFrames = (await sealFrames(other, texts)).map(hex)
  const padded = pad(utf8('x'), () => 512)
  const dirty = padded.slice()
  dirty[511] = 1
  const hand = async (sequence: number, final: boolean, content: Bytes) =>
    hex(await frameByHand(job, sequence, final, content))
  const finalOf = (fields: object) => pad(cbor({ ...done, ...fields } as Plain), () => 512)
  /** `frames` before the last open; the last is refused with the code. */
  const malformed: readonly { name: string; code: ErrorCode; frames: readonly string[] }[] = [
    { name: 'starts behind the beginning', code: 'frame-gap', frames: [second] },
    { name: 'a frame left out', code: 'frame-gap', frames: [first, third] },
    { name: 'final frame too early', code: 'frame-gap', frames: [first, last] },
    { name: 'first frame with another node nonce', code: 'forged-frame', frames: [flip(first, 9)] },
    { name: 'content with a bit flipped', code: 'forged-frame', frames: [first, flip(second, 9)] },
    { name: 'tag with a bit flipped', code: 'forged-frame', frames: [first, flip(second, second.length / 2 - 1)] },
    { name: 'final flag set by another', code: 'forged-frame', frames: [first, `01${second.slice(2)}`] },
    { name: 'final flag taken away', code: 'forged-frame', frames: [...frames.slice(0, -1), `00${last.slice(2)}`] },
    {
      name: 'third frame under the second number',
      code: 'forged-frame',
      frames: [first, second.slice(0, 18) + third.slice(18)],
    },
    { name: 'first frame of another job', code: 'forged-frame', frames: [otherFrames[0] ?? ''] },
    { name: 'second frame of another job', code: 'forged-frame', frames: [first, otherFrames[1] ?? ''] },
    { name: 'authentic, padding not zero', code: 'forged-frame', frames: [await hand(0, false, dirty)] },
    {
      name: 'authentic, padded too far',
      code: 'forged-frame',
      frames: [await hand(0, false, concat(padded, new Uint8Array(512)))],
    },
    {
      name: 'authentic final frame that is no CBOR',
      code: 'broken-encoding',
      frames: [
        await hand(
          0,
          true,
          pad(utf8('{}'), () => 512),
        ),
      ],
    },
    {
      name: 'done with a code',
      code: 'broken-encoding',
      frames: [await hand(0, true, finalOf({ code: 'engine-failed' }))],
    },
    {
      name: 'failed without a code',
      code: 'broken-encoding',
      frames: [await hand(0, true, finalOf({ status: 'failed' }))],
    },
    {
      name: 'failed with a code of a refusal',
      code: 'broken-encoding',
      frames: [await hand(0, true, finalOf({ status: 'failed', code: 'busy' }))],
    },
    {
      name: 'final with an unknown field',
      code: 'broken-encoding',
      frames: [await hand(0, true, finalOf({ note: 'x' }))],
    },
    {
      name: 'negative usage',
      code: 'broken-encoding',
      frames: [await hand(0, true, finalOf({ usage: { ...done.usage, prompt: -1 } }))],
    },
    { name: 'shorter than a head', code: 'broken-encoding', frames: ['0000000000000000'] },
    { name: 'unknown flag', code: 'broken-encoding', frames: [`02${first.slice(2)}`] },
    {
      name: 'number beyond the last frame',
      code: 'broken-encoding',
      frames: [`000000000000002000${second.slice(18)}`],
    },
    { name: 'number beyond 32 bits', code: 'broken-encoding', frames: [`000000000100000001${second.slice(18)}`] },
    { name: 'cut short', code: 'broken-encoding', frames: [first.slice(0, -2)] },
    { name: 'no content', code: 'broken-encoding', frames: [first.slice(0, 2 * (41 + 16))] },
    { name: 'a byte too long', code: 'broken-encoding', frames: [`${second}00`] },
    { name: 'first frame without its nonce', code: 'broken-encoding', frames: [first.slice(0, 18) + first.slice(82)] },
  ]
  const failed = {
    ...done,
    status: 'failed',
    code: 'engine-failed',
    finishReason: null,
    receipt: await bytesFrom('receipt'),
  } as const
  const empty = await makeJob('failed job', node)
  const valid = [
    { name: 'five frames of content, one dummy padded to six', ...answer(job, texts, done), frames },
    { name: 'failed at once', ...answer(empty, [], failed), frames: (await sealFrames(empty, [], failed)).map(hex) },
    {
      name: 'ten frames',
      ...answer(other, Array.from('abcdefghi'), done),
      frames: (await sealFrames(other, Array.from('abcdefghi'))).map(hex),
    },
  ]
  return {
    ...answer(job, texts, done),
    valid,
    malformed,
    counts: [1, 2, 9, 10, 100, 1000].map((count) => ({ count, frames: padme(count) })),
  }
}

function answer(job: Job, texts: readonly string[], final: Final) {
  return {
    jobId: hex(job.sealed.jobId),
    enc: hex(job.wrap.enc),
    responseSecret: hex(job.secret),
    contents: texts,
    final: readable(final) as object,
  }
}

export async function refusalVectors() {
  const node = await makeNode('refusing node')
  const other = await makeNode('another node')
  const job = await makeJob('refused job', node)
  const paid = await makeJob('refused paid job', node, { voucher: await bytesFrom('voucher') })
  const fields = async (one: Job, code: 'busy' | 'wrong-commit', signer = node.signer) => {
    const { signature } = await signRefusal(one.binding, code, signer)
    const { jobId, statement, voucher } = requestFields(one)
    return {
      identity: hex(node.statement.identity),
      jobId,
      statement,
      voucher,
      refusedJobId: jobId,
      refusal: code,
      signature: hex(signature),
    }
  }
  const good = await fields(job, 'busy')
  const another = await fields(paid, 'busy')
  const forged = (name: string, change: Partial<typeof good>) => ({ name, code: 'forged-refusal', ...good, ...change })
  return {
    valid: [good, another, await fields(job, 'wrong-commit')],
    malformed: [
      forged('another job', { jobId: another.jobId, refusedJobId: another.jobId }),
      forged('names another job than it is signed for', { refusedJobId: another.jobId }),
      forged('another statement', { statement: hex(other.digest) }),
      forged('another voucher', { voucher: another.voucher }),
      forged('another code', { refusal: 'wrong-commit' }),
      forged('code nobody knows', { refusal: 'because' as 'busy' }),
      forged('another signer', { signature: (await fields(job, 'busy', other.signer)).signature }),
      forged('signature with a bit flipped', { signature: flip(good.signature) }),
      forged('signature cut short', { signature: good.signature.slice(2) }),
    ],
  }
}
