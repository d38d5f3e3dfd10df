import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Bytes,
  type Frame,
  hex,
  openRequest,
  padme,
  readHeader,
  requestBucket,
  ResponseSealer,
  sealRequest,
  secureRandom,
  sha256,
  utf8,
  wrapContentKey,
  responseSecret,
} from '../src/index.ts'
import { makeJob, makeNode, network, type Node } from '../vectors/material.ts'
import { done } from '../vectors/response.ts'
import { openerOf, sealerOf } from './job.ts'
import { runs } from './property.ts'

/**
 * Every AES-GCM encryption of this file passes here on its way to the real WebCrypto. Keys are told apart by an
 * encryption of their own, made with a nonce nobody else uses: two imports of the same bytes are one key.
 */
interface Encryption {
  readonly key: CryptoKey
  readonly iv: string
  readonly said: string
}
const recorded: Encryption[] = []
const encrypt = crypto.subtle.encrypt.bind(crypto.subtle)
const MARK = { name: 'AES-GCM', iv: new Uint8Array(12).fill(0xee) }

function bytesOf(data: BufferSource | undefined): Bytes {
  if (!data) return new Uint8Array(0)
  return data instanceof ArrayBuffer
    ? new Uint8Array(data.slice(0))
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
}

const recording: SubtleCrypto['encrypt'] = (algorithm, key, data) => {
  if (typeof algorithm === 'object' && 'iv' in algorithm) {
    const aad = 'additionalData' in algorithm ? (algorithm.additionalData as BufferSource) : undefined
    recorded.push({
      key,
      iv: hex(bytesOf(algorithm.iv as BufferSource)),
      said: `${hex(bytesOf(aad))}|${hex(bytesOf(data))}`,
    })
  }
  return encrypt(algorithm, key, data)
}

/** The first nonce used twice for different bytes, or null; and how many encryptions were seen. */
async function reuse(): Promise<{ seen: number; twice: string | null }> {
  const said = new Map<string, string>()
  const all = recorded.splice(0)
  let twice: string | null = null
  for (const { key, iv, said: bytes } of all) {
    const identity = hex(new Uint8Array(await encrypt(MARK, key, new Uint8Array(16))))
    const pair = `${identity} ${iv}`
    if ((said.get(pair) ?? bytes) !== bytes) twice = pair
    said.set(pair, bytes)
  }
  return { seen: all.length, twice }
}

let node: Node
beforeAll(async () => {
  node = await makeNode('node')
  Object.defineProperty(crypto.subtle, 'encrypt', { value: recording, configurable: true, writable: true })
})
afterAll(() => {
  Reflect.deleteProperty(crypto.subtle, 'encrypt')
})

describe('the recorder', () => {
  it('sees a nonce used twice, also under two imports of one key', async () => {
    const raw = secureRandom(32)
    const keys = [0, 1].map(() => crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']))
    for (const [i, key] of (await Promise.all(keys)).entries()) {
      await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, Uint8Array.of(i))
    }
    expect(await reuse()).toEqual({ seen: 2, twice: expect.any(String) })
  })
})

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('seal' as const),
      length: fc.integer({ min: 0, max: 1500 }),
      wait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tooLarge' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('finish' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
)

describe('no key and nonce serve for two different byte strings', () => {
  it('within an answer, however sealing, waiting, failing, ending and reading again interleave', async () => {
    const job = await makeJob('interleaved', node)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
        recorded.splice(0)
        // Randomness that repeats itself would be a fault; that of a restarted node is new.
        const sealer = sealerOf(job)
        const stored: Promise<Frame>[] = []
        let end: Promise<Frame[]> | undefined
        for (const one of steps) {
          if (one.do === 'tooLarge') expect(() => sealer.seal(new Uint8Array(70_000))).toThrow(RangeError)
          else if (one.do === 'finish') {
            if (end) expect(() => sealer.finish(done)).toThrow(RangeError)
            else end = sealer.finish(done)
          } else if (one.do === 'seal' && !end) {
            const sealing = sealer.seal(new Uint8Array(one.length).fill(stored.length))
            stored.push(sealing)
            if (one.wait) await sealing
          } else if (one.do === 'resume') {
            // A reader that comes back gets the stored frames: reading them again encrypts nothing.
            const reader = openerOf(job)
            for (const frame of await Promise.all(stored)) expect((await reader.open(frame)).kind).toBe('content')
          }
        }
        const frames = [...(await Promise.all(stored)), ...(await (end ?? sealer.finish(done)))]
        expect(frames.map((frame) => frame.sequence)).toEqual(frames.map((_, i) => i))
        expect(padme(frames.length)).toBe(frames.length)
        expect(await reuse()).toEqual({ seen: frames.length, twice: null })
        // Resumed anywhere, the answer reads the same.
        const opener = openerOf(job)
        const kinds = await Promise.all(frames.map((frame) => opener.open(frame)))
        expect(kinds.filter((opened) => opened.kind === 'final').length).toBe(1)
        expect(opener.finished).toBe(true)
      }),
      runs(40),
    )
  })

  it('between answers to one wrap: a second sealer has a node nonce of its own', async () => {
    const job = await makeJob('answered twice', node)
    recorded.splice(0)
    for (const text of ['first', 'second', 'third']) {
      const sealer = sealerOf(job)
      await Promise.all([sealer.seal(utf8(text)), sealer.seal(utf8(text)), sealer.finish(done)])
    }
    expect((await reuse()).twice).toBe(null)
  })

  it('between requests, their retries on other nodes, and the answers to them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        async (contents, attempts) => {
          recorded.splice(0)
          await Promise.all(
            contents.map(async (content) => {
              const { sealed, contentKey } = await sealRequest({
                network,
                model: 'm',
                policy: 'open',
                content: new Uint8Array(content),
              })
              expect(requestBucket(sealed.body.length - 16)).toBe(sealed.body.length - 16)
              const { commit } = readHeader(sealed.header, network)
              for (let i = 0; i < attempts; i++) {
                const binding = { jobId: sealed.jobId, statement: node.digest, voucher: await sha256(Uint8Array.of(i)) }
                const { wrap } = await wrapContentKey(contentKey, node.prekey.publicKey, binding)
                const { content: opened, exporter } = await openRequest(
                  { ...sealed, wrap, commit },
                  node.prekey,
                  binding,
                )
                expect(hex(opened)).toBe(hex(new Uint8Array(content)))
                const sealer = ResponseSealer.create(
                  sealed.jobId,
                  wrap.enc,
                  await responseSecret(exporter),
                  secureRandom,
                )
                await Promise.all([sealer.seal(opened.slice(0, 1000)), sealer.finish(done)])
              }
            }),
          )
          const { seen, twice } = await reuse()
          expect(twice).toBe(null)
          // Each request sealed once; each attempt one wrap and an answer of two frames.
          expect(seen).toBe(contents.length * (1 + attempts * 3))
        },
      ),
      runs(12),
    )
  })
})
