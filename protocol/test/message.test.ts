import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  base64url,
  brokerCodes,
  type BrokerCode,
  decodeFrame,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  type Frame,
  frameHead,
  hex,
  limits,
  linkChallenge,
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_NODE_JOBS,
  type Message,
  refusalCodes,
  type RefusalCode,
  utf8,
} from '../src/index.ts'
import { sampleMessages } from '../vectors/encoding.ts'
import { runs } from './property.ts'
import { codeOf } from './refused.ts'

const bytes = (maxLength: number, minLength = 0) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => new Uint8Array(array))
const exactly = (length: number) => bytes(length, length)
const jobId = exactly(32)
const sequence = fc.integer({ min: 0, max: limits.frames })
const signed = fc.record({ body: bytes(200), signature: exactly(64) })
const jobFields = {
  jobId,
  header: bytes(100),
  bodyLength: fc.integer({ min: 300, max: limits.request }),
  body: bytes(300),
  statement: exactly(32),
  wrap: fc.record({ enc: exactly(1120), ciphertext: exactly(48) }),
  money: fc.constant<['none']>(['none']),
}
const kind = <K extends Message['kind']>(name: K) => fc.constant(name)
const codes = <T extends string>(table: Record<T, unknown>) => fc.constantFrom(...(Object.keys(table) as T[]))
const count = fc.maxSafeInteger().map(Math.abs)

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: kind('open'), lease: fc.string({ maxLength: 1024 }), ...jobFields }),
  fc.record({ kind: kind('resume'), jobId, from: sequence }),
  fc.record({ kind: kind('stopped'), jobId, code: codes<BrokerCode>(brokerCodes), retryAfterMs: fc.option(count) }),
  fc.record({ kind: kind('refusal'), jobId, code: codes<RefusalCode>(refusalCodes), signature: exactly(64) }),
  fc.record({ kind: kind('challenge'), nonce: exactly(32), network: fc.maxSafeInteger() }),
  fc.record({
    kind: kind('hello'),
    signature: exactly(64),
    statement: signed,
    slots: count,
    free: count,
    jobs: fc.array(jobId, { maxLength: 4 }),
  }),
  fc.record({ kind: kind('joined'), statement: exactly(32) }),
  fc.record({ kind: kind('statement'), statement: signed }),
  fc.record({ kind: kind('load'), slots: count, free: count, draining: fc.boolean() }),
  fc.record({ kind: kind('job'), ...jobFields }),
  fc.record({ kind: kind('forget'), jobId }),
  fc.record({ kind: kind('chunk'), jobId, body: bytes(300, 1) }),
  fc.record({ kind: kind('frame'), jobId, frame: bytes(300, 1) }),
  fc.record({ kind: kind('ack'), jobId, next: sequence }),
  fc.record({ kind: kind('resend'), jobId, next: sequence }),
  fc.record({ kind: kind('cancel'), jobId, token: exactly(32) }),
  fc.record({ kind: kind('read'), jobId, next: sequence }),
  fc.record({
    kind: kind('moved'),
    jobId,
    code: codes<BrokerCode>(brokerCodes),
    to: fc.record({
      node: exactly(32).map(hex),
      statement: fc.record({ body: fc.string({ maxLength: 200 }), signature: exactly(64).map(base64url) }),
      evidence: fc.option(exactly(32).map(hex)),
      lease: fc.string({ maxLength: 1024 }),
      expires: count,
    }),
  }),
)
const frames: fc.Arbitrary<Frame> = fc
  .record({
    number: fc.integer({ min: 0, max: limits.frames - 1 }),
    final: fc.boolean(),
    units: fc.integer({ min: 1, max: 3 }),
    nodeNonce: exactly(32),
  })
  .map(({ number, final, units, nodeNonce }) => ({
    sequence: number,
    final,
    nodeNonce: number === 0 ? nodeNonce : null,
    ciphertext: new Uint8Array(512 * units + 16).fill(number),
  }))

describe('messages', () => {
  it('come back as they went, with bytes on buffers of their own', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const encoded = encodeMessage(message)
        const decoded = decodeMessage(encoded)
        expect(decoded).toEqual(message)
        encoded.fill(0)
        expect(decoded).toEqual(message)
      }),
      runs(200),
    )
  })

  it('decoding arbitrary bytes throws nothing but a CocoonError, and what it takes has one encoding', async () => {
    const kinds = [
      0, 1, 2, 3, 4, 5, 6, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
      0xff,
    ]
    const inputs = fc.tuple(fc.constantFrom(...kinds), bytes(80)).map(([byte, rest]) => Uint8Array.of(byte, ...rest))
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        let message: Message | undefined
        const code = await codeOf(() => (message = decodeMessage(input)))
        expect(['accepted', 'broken-encoding']).toContain(code)
        if (message) expect(hex(encodeMessage(message))).toBe(hex(input))
      }),
      runs(1000),
    )
  })

  describe('changed on the way', () => {
    let samples: readonly Uint8Array<ArrayBuffer>[]
    beforeAll(async () => {
      samples = (await sampleMessages()).map(encodeMessage)
    })
    it('are refused, or are other messages with one encoding', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.nat(),
          fc.nat({ max: 255 }),
          fc.nat({ max: 40 }),
          async (which, at, byte, cut) => {
            const sample = samples[which % samples.length] ?? new Uint8Array(0)
            const input = sample.slice(0, sample.length - (cut > 20 ? cut : 0))
            input[at % input.length] = byte
            let message: Message | undefined
            expect(['accepted', 'broken-encoding']).toContain(await codeOf(() => (message = decodeMessage(input))))
            if (message) expect(hex(encodeMessage(message))).toBe(hex(input))
          },
        ),
        runs(500),
      )
    })
  })

  it('have limits', async () => {
    const id = new Uint8Array(32)
    const refused = (message: Message) => codeOf(() => decodeMessage(encodeMessage(message)))
    expect(await refused({ kind: 'chunk', jobId: id, body: new Uint8Array(limits.chunk) })).toBe('accepted')
    expect(await refused({ kind: 'chunk', jobId: id, body: new Uint8Array(limits.chunk + 1) })).toBe('broken-encoding')
    expect(await refused({ kind: 'frame', jobId: id, frame: new Uint8Array(MAX_FRAME_BYTES) })).toBe('accepted')
    expect(await refused({ kind: 'frame', jobId: id, frame: new Uint8Array(MAX_FRAME_BYTES + 1) })).toBe(
      'broken-encoding',
    )
    const signature = new Uint8Array(64)
    const statement = { signature, body: new Uint8Array(limits.object) }
    expect(await refused({ kind: 'statement', statement })).toBe('accepted')
    expect(
      await refused({ kind: 'statement', statement: { signature, body: new Uint8Array(limits.object + 1) } }),
    ).toBe('broken-encoding')
    const hello = { kind: 'hello', signature, statement, slots: 1, free: 1 } as const
    const jobs = Array.from({ length: MAX_NODE_JOBS + 1 }, () => id)
    expect(await refused({ ...hello, jobs: jobs.slice(1) })).toBe('accepted')
    expect(await refused({ ...hello, jobs })).toBe('broken-encoding')
    const money: ['none'] = ['none']
    const job = {
      kind: 'job',
      jobId: id,
      statement: id,
      money,
      wrap: { enc: new Uint8Array(1120), ciphertext: new Uint8Array(48) },
    } as const
    const largest = {
      ...job,
      header: new Uint8Array(limits.object),
      body: new Uint8Array(limits.chunk),
      bodyLength: limits.request,
    } satisfies Message
    expect(await refused(largest)).toBe('accepted')
    expect(await refused({ ...largest, body: new Uint8Array(limits.chunk + 1) })).toBe('broken-encoding')
    expect(await refused({ ...largest, header: new Uint8Array(limits.object + 1) })).toBe('broken-encoding')
    expect(await refused({ ...largest, bodyLength: limits.request + 1 })).toBe('broken-encoding')
    const open = { ...largest, kind: 'open', lease: 'x'.repeat(1024) } satisfies Message
    expect(encodeMessage(open).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    expect(await refused(open)).toBe('accepted')
    expect(await refused({ ...open, lease: 'x'.repeat(1025) })).toBe('broken-encoding')
    const tooLarge = new Uint8Array(MAX_MESSAGE_BYTES + 1).fill(0x20)
    await expect(async () => decodeMessage(tooLarge)).rejects.toThrow(/message too large/)
  })

  it('to join with are bound to the relay and its nonce', () => {
    const nonce = new Uint8Array(32).fill(7)
    expect(hex(linkChallenge(nonce, 'a.b'))).toBe(`${'07'.repeat(32)}${hex(utf8('a.b'))}`)
  })
})

describe('frames', () => {
  it('come back as they went, and a relay reads their head', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const encoded = encodeFrame(frame)
        expect(frameHead(encoded)).toEqual({ sequence: frame.sequence, final: frame.final })
        expect(decodeFrame(encoded)).toEqual(frame)
      }),
      runs(200),
    )
  })

  it('decoding arbitrary bytes throws nothing but a CocoonError, and what it takes has one encoding', async () => {
    const heads = fc.tuple(
      fc.nat({ max: 2 }),
      fc.constantFrom(0, 1),
      fc.nat({ max: 40 }),
      fc.constantFrom(0, 1, 16, 527, 528, 529, 560, 1040, 1072),
    )
    const inputs = fc.oneof(
      bytes(100),
      heads.map(([flags, high, low, length]) =>
        Uint8Array.of(flags, 0, 0, 0, high, 0, 0, low, low, ...new Uint8Array(length)),
      ),
    )
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        let frame: Frame | undefined
        expect(['accepted', 'broken-encoding']).toContain(await codeOf(() => (frame = decodeFrame(input))))
        if (frame) expect(hex(encodeFrame(frame))).toBe(hex(input))
      }),
      runs(500),
    )
  })

  it('may be read within a larger buffer', () => {
    const encoded = encodeFrame({ sequence: 5, final: true, nodeNonce: null, ciphertext: new Uint8Array(528) })
    const larger = new Uint8Array(encoded.length + 20).fill(255)
    larger.set(encoded, 10)
    const view = larger.subarray(10, 10 + encoded.length)
    expect(frameHead(view)).toEqual({ sequence: 5, final: true })
    expect(decodeFrame(view)).toEqual(decodeFrame(encoded))
  })

  it('the first carries the node nonce, and it alone', () => {
    const frame = { final: false, ciphertext: new Uint8Array(528) }
    expect(() => encodeFrame({ ...frame, sequence: 0, nodeNonce: null })).toThrow(RangeError)
    expect(() => encodeFrame({ ...frame, sequence: 1, nodeNonce: new Uint8Array(32) })).toThrow(RangeError)
  })
})
