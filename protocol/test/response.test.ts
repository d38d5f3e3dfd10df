import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  decodeCbor,
  decodeFrame,
  encodeCbor,
  encodeFrame,
  equal,
  type Frame,
  fromUtf8,
  limits,
  MAX_FRAME_BYTES,
  MAX_FRAME_CONTENT,
  pad,
  padme,
  ResponseOpener,
  ResponseState,
  secureRandom,
  utf8,
} from '../src/index.ts'
import { attempt, type Job, makeJob, makeNode, type Node } from '../vectors/material.ts'
import { done, frameByHand, sealFrames } from '../vectors/response.ts'
import { openerOf, sealerOf, sent } from './job.ts'
import { codeOf } from './refused.ts'

let node: Node
let job: Job, other: Job
let frames: readonly Frame[]
const texts = ['one', 'two', 'three', 'four', 'five']
beforeAll(async () => {
  node = await makeNode('node')
  ;[job, other] = await Promise.all([makeJob('job', node), makeJob('other job', node)])
  frames = (await sealFrames(job, texts)).map(decodeFrame)
})

const frame = (index: number): Frame => {
  const one = frames.at(index)
  if (!one) throw new RangeError(`there is no frame ${index}`)
  return one
}
const flip = (bytes: Uint8Array<ArrayBuffer>, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

/** An opener that has opened so many frames. */
async function openerAt(count: number): Promise<ResponseOpener> {
  const opener = openerOf(job)
  for (const one of frames.slice(0, count)) await opener.open(one)
  return opener
}

describe('an answer', () => {
  it('arrives whole, over the wire, and ends once', async () => {
    const opener = openerOf(job)
    const contents: string[] = []
    for (const one of frames.map(sent)) {
      expect(opener.finished).toBe(false)
      const opened = await opener.open(one)
      if (opened.kind === 'content') contents.push(fromUtf8(opened.content))
      else expect(opened).toEqual({ kind: 'final', final: done })
    }
    expect(contents.join('')).toBe(texts.join(''))
    expect(opener.finished).toBe(true)
  })

  it('without its final frame is not finished, however many frames came', async () => {
    for (let count = 0; count < frames.length; count++) expect((await openerAt(count)).finished).toBe(false)
  })

  it('has frames of 512 bytes and their multiples, and a number of them that Padmé would choose', async () => {
    for (const count of [0, 1, 2, 8, 9, 16, 17, 40]) {
      const sealer = sealerOf(job)
      const content = Array.from({ length: count }, (_, i) => sealer.seal(new Uint8Array(i * 50)))
      const all = [...(await Promise.all(content)), ...(await sealer.finish(done))]
      expect(padme(all.length)).toBe(all.length)
      expect(all.filter((one) => one.final)).toEqual([all.at(-1)])
      for (const one of all) expect((one.ciphertext.length - 16) % 512).toBe(0)
      expect(all.map((one) => one.sequence)).toEqual(all.map((_, i) => i))
      expect(all.map((one) => one.nodeNonce !== null)).toEqual(all.map((_, i) => i === 0))
    }
  })

  it('may use its buffers again before a frame is sealed', async () => {
    const [sealer, buffer] = [sealerOf(job), utf8('kept')]
    const sealing = sealer.seal(buffer)
    buffer.fill(0)
    expect(await openerOf(job).open(await sealing)).toEqual({ kind: 'content', content: utf8('kept') })
  })

  it('seals nothing behind the end', async () => {
    const sealer = sealerOf(job)
    const last = await sealer.finish(done)
    expect(() => sealer.seal(utf8('more'))).toThrow(RangeError)
    expect(() => sealer.finish(done)).toThrow(RangeError)
    expect(last.length).toBe(1)
  })

  it('fills a frame to the last byte and no further', async () => {
    const [whole] = [await sealerOf(job).seal(new Uint8Array(MAX_FRAME_CONTENT))]
    expect(encodeFrame(whole).length).toBe(MAX_FRAME_BYTES)
    expect(await openerOf(job).open(sent(whole))).toMatchObject({ kind: 'content' })
    expect(() => sealerOf(job).seal(new Uint8Array(MAX_FRAME_CONTENT + 1))).toThrow(RangeError)
  })
})

describe('limits of an answer', () => {
  it('content: refused at the node, and the answer can still end', async () => {
    const sealer = sealerOf(job)
    const opener = openerOf(job)
    const fitting = Math.floor(limits.answer / MAX_FRAME_CONTENT)
    for (let i = 0; i < fitting; i++) await opener.open(await sealer.seal(new Uint8Array(MAX_FRAME_CONTENT)))
    const rest = limits.answer - fitting * MAX_FRAME_CONTENT
    expect(await codeOf(() => sealer.seal(new Uint8Array(rest + 1)))).toBe('answer-too-large')
    await opener.open(await sealer.seal(new Uint8Array(rest)))
    expect(await codeOf(() => sealer.seal(new Uint8Array(1)))).toBe('answer-too-large')

    const end = await sealer.finish(done)
    for (const one of end) await opener.open(one)
    expect(opener.finished).toBe(true)
  })

  it('content: refused at the client too', async () => {
    const more = decodeFrame(
      await frameByHand(
        job,
        0,
        false,
        pad(utf8('x'), () => 512),
      ),
    )
    const openerWith = (received: number) => new ResponseOpener({ ...openerOf(job).state, received })
    expect(await codeOf(() => openerWith(limits.answer).open(more))).toBe('forged-frame')
    expect(await codeOf(() => openerWith(limits.answer - 1).open(more))).toBe('accepted')
  })

  it('frames: the last number there is goes to the final one', async () => {
    const sealer = sealerOf(job)
    for (let i = 0; i < limits.frames - 1; i += 512) {
      await Promise.all(
        Array.from({ length: Math.min(512, limits.frames - 1 - i) }, () => sealer.seal(new Uint8Array(0))),
      )
    }
    expect(await codeOf(() => sealer.seal(new Uint8Array(0)))).toBe('answer-too-large')
    const end = await sealer.finish(done)
    expect(end.map((one) => [one.sequence, one.final])).toEqual([[limits.frames - 1, true]])
  })
})

describe('what a relay can do to frames', () => {
  it('send one twice, or twice at once: delivered once', async () => {
    const opener = await openerAt(2)
    expect(await opener.open(frame(0))).toEqual({ kind: 'duplicate' })
    expect(await opener.open(frame(1))).toEqual({ kind: 'duplicate' })
    const both = await Promise.all([opener.open(frame(2)), opener.open(frame(2))])
    expect(both.map((opened) => opened.kind)).toEqual(['content', 'duplicate'])
  })

  it('send them all at once: opened in order', async () => {
    const opener = openerOf(job)
    const opened = await Promise.all(frames.map((one) => opener.open(one)))
    expect(opened.map((one) => one.kind)).toEqual(['content', 'content', 'content', 'content', 'content', 'final'])
  })

  it('reorder them or leave one out: a gap, and nothing changes', async () => {
    const opener = await openerAt(1)
    const before = opener.state
    expect(await codeOf(() => opener.open(frame(2)))).toBe('frame-gap')
    expect(await codeOf(() => opener.open(frame(-1)))).toBe('frame-gap')
    expect(opener.state).toEqual(before)
    expect(await opener.open(frame(1))).toMatchObject({ kind: 'content' })
  })

  it('flip a bit of any part: it does not open, changes nothing, and the true frame still opens', async () => {
    const length = frame(1).ciphertext.length
    for (const at of [0, 3, 4, 8, 511, length - 16, length - 1]) {
      const opener = await openerAt(1)
      const before = opener.state
      expect(await codeOf(() => opener.open({ ...frame(1), ciphertext: flip(frame(1).ciphertext, at) }))).toBe(
        'forged-frame',
      )
      expect(opener.state).toEqual(before)
      expect(await opener.open(frame(1))).toMatchObject({ kind: 'content' })
    }
  })

  it('cut a frame short or make it longer', async () => {
    const bytes = encodeFrame(frame(1))
    for (const end of [0, 8, 9, 25, bytes.length - 1]) {
      expect(await codeOf(() => decodeFrame(bytes.slice(0, end)))).toBe('broken-encoding')
    }
    const longer = new Uint8Array(bytes.length + 512)
    longer.set(bytes)
    expect(await codeOf(async () => (await openerAt(1)).open(decodeFrame(longer)))).toBe('forged-frame')
    expect(await codeOf(() => decodeFrame(new Uint8Array(MAX_FRAME_BYTES + 512)))).toBe('broken-encoding')
  })

  it('set or take away the final flag', async () => {
    expect(await codeOf(async () => (await openerAt(1)).open({ ...frame(1), final: true }))).toBe('forged-frame')
    const opener = await openerAt(frames.length - 1)
    expect(await codeOf(() => opener.open({ ...frame(-1), final: false }))).toBe('forged-frame')
    expect(opener.finished).toBe(false)
  })

  it('send a frame under another number', async () => {
    expect(await codeOf(async () => (await openerAt(1)).open({ ...frame(2), sequence: 1 }))).toBe('forged-frame')
  })

  it('answer first, with a node nonce of its own: that pins nothing', async () => {
    const opener = openerOf(job)
    const forged = { ...frame(0), nodeNonce: secureRandom(32) }
    expect(await codeOf(() => opener.open(forged))).toBe('forged-frame')
    expect(opener.state.nodeNonce).toBe(null)
    expect(await codeOf(() => opener.open({ ...frame(0), nodeNonce: null }))).toBe('forged-frame')
    expect(await opener.open(frame(0))).toMatchObject({ kind: 'content' })
    expect(opener.state.nodeNonce).toEqual(frame(0).nodeNonce)
  })

  it('begin anew with another node nonce after the first frame: the pinned one counts', async () => {
    const again = sealerOf(job)
    const second = (await Promise.all([again.seal(utf8('one')), again.seal(utf8('other'))]))[1]
    expect(await codeOf(async () => (await openerAt(1)).open({ ...second, nodeNonce: frame(0).nodeNonce }))).toBe(
      'forged-frame',
    )
    expect(await codeOf(async () => (await openerAt(1)).open({ ...second, nodeNonce: secureRandom(32) }))).toBe(
      'forged-frame',
    )
  })

  it('send data behind the end: ignored', async () => {
    const opener = await openerAt(frames.length)
    const state = opener.state
    expect(await opener.open({ ...frame(1), sequence: frames.length })).toEqual({ kind: 'duplicate' })
    expect(await opener.open(frame(0))).toEqual({ kind: 'duplicate' })
    expect(opener.state).toEqual(state)
  })
})

describe('frames of something else', () => {
  it('another job, from the first frame or later', async () => {
    const theirs = (await sealFrames(other, texts)).map(decodeFrame)
    const codes = [0, 1].map(async (count) => {
      const [opener, stranger] = [await openerAt(count), theirs[count]]
      return codeOf(() => stranger && opener.open(stranger))
    })
    expect(await Promise.all(codes)).toEqual(['forged-frame', 'forged-frame'])
  })

  it('another job id with the same secret: the job id is authenticated', async () => {
    const stranger = ResponseOpener.start(other.sealed.jobId, job.wrap.enc, job.secret)
    expect(await codeOf(() => stranger.open(frame(0)))).toBe('forged-frame')
  })

  it('another attempt, that is another wrap of the same request', async () => {
    const again = { ...job, ...(await attempt('second attempt', job.contentKey, node, job.binding)) }
    expect(equal(again.secret, job.secret)).toBe(false)
    expect(equal(again.cancel, job.cancel)).toBe(false)
    const [first, second] = (await sealFrames(again, texts)).map(decodeFrame)
    if (!first || !second) throw new Error('no frames')
    expect(await codeOf(() => openerOf(job).open(first))).toBe('forged-frame')
    expect(await codeOf(async () => (await openerAt(1)).open(second))).toBe('forged-frame')
    const mixed = ResponseOpener.start(job.sealed.jobId, again.wrap.enc, job.secret)
    expect(await codeOf(() => mixed.open(frame(0)))).toBe('forged-frame')
  })
})

describe('a cancel token', () => {
  it('is the same at both ends, and is neither the response secret nor that of another job', () => {
    expect(job.cancel.length).toBe(32)
    for (const stranger of [job.secret, other.cancel]) expect(equal(job.cancel, stranger)).toBe(false)
  })
})

describe('after a reload', () => {
  it('goes on from the stored state at every frame, and pins what was pinned', async () => {
    for (let count = 0; count <= frames.length; count++) {
      const stored = encodeCbor((await openerAt(count)).state)
      const opener = new ResponseOpener(decodeCbor(ResponseState, stored, 4096))
      for (const one of frames.slice(0, count)) expect(await opener.open(one)).toEqual({ kind: 'duplicate' })
      const rest = []
      for (const one of frames.slice(count)) rest.push((await opener.open(one)).kind)
      expect(rest.at(-1) ?? 'final').toBe('final')
      expect(opener.finished).toBe(true)
    }
  })

  it('still holds to the pinned node nonce, whatever a frame says', async () => {
    const nonce = secureRandom(32)
    const again = sealerOf(job, () => nonce)
    const [, second] = await Promise.all([again.seal(utf8('one')), again.seal(utf8('other'))])
    const { state } = await openerAt(1)
    expect(await codeOf(() => new ResponseOpener(state).open({ ...second, nodeNonce: nonce }))).toBe('forged-frame')
    expect(await new ResponseOpener(state).open(frame(1))).toMatchObject({ kind: 'content' })
  })

  it('refuses a state of another form', () => {
    const { state } = openerOf(job)
    expect(v.is(ResponseState, state)).toBe(true)
    expect(v.is(ResponseState, { ...state, secret: new Uint8Array(31) })).toBe(false)
    expect(v.is(ResponseState, { ...state, next: -1 })).toBe(false)
  })
})
