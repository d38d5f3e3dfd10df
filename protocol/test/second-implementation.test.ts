import { describe, expect, it } from 'vitest'
import { type Bytes, concat, createPrekey, fromHex, hex, sha256, uint32, utf8, verifySignature } from '../src/index.ts'
import { cbor, frameNonce, gcmOpen, gcmSeal, hkdf, hpkeBase, type Plain } from '../vectors/by-hand.ts'
import refusal from '../vectors/refusal.json' with { type: 'json' }
import request from '../vectors/request.json' with { type: 'json' }
import response from '../vectors/response.json' with { type: 'json' }
import statement from '../vectors/statement.json' with { type: 'json' }

// Everything here is computed from SPEC.md with by-hand.ts, so that the vectors bind more than the code that made them.
const none = new Uint8Array(0)

describe('request, from the specification alone', () => {
  it.each(request.valid)('$name', async (one) => {
    const contentKey = fromHex(one.contentKey)
    const bodyKey = await hkdf(contentKey, none, 'cocoon/1 body')
    const commit = await hkdf(contentKey, none, 'cocoon/1 commit')
    expect(hex(commit)).toBe(one.commit)

    const policy = one.name === 'private' ? 'private' : 'open'
    const header = cbor({ version: 1, network: request.network, model: 'cocoon/demo', policy, commit })
    expect(hex(header)).toBe(one.header)

    const padded = await gcmOpen(bodyKey, new Uint8Array(12), header, fromHex(one.body))
    expect(padded.length).toBe(one.name === 'larger than a bucket' ? 512 : 256)
    expect(hex(await gcmSeal(bodyKey, new Uint8Array(12), header, padded))).toBe(one.body)

    const jobId = await sha256(utf8('cocoon/1 job'), uint32(header.length), header, fromHex(one.body))
    expect(hex(jobId)).toBe(one.jobId)

    const info = cbor(['cocoon/1 request', jobId, fromHex(one.statement), fromHex(one.voucher)])
    const wrap = await hpkeBase(fromHex(request.prekey), fromHex(one.encapsulationSeed), info, contentKey)
    expect(hex(wrap.enc)).toBe(one.enc)
    expect(hex(wrap.ciphertext)).toBe(one.ciphertext)
    expect(hex(await wrap.exported('cocoon/1 response'))).toBe(one.responseSecret)
    expect(hex(await wrap.exported('cocoon/1 cancel'))).toBe(one.cancelToken)
  })
})

describe('response, from the specification alone', () => {
  it.each(response.valid)('$name', async (one) => {
    const jobId = fromHex(one.jobId)
    const frames = one.frames.map((frame) => fromHex(frame))
    const salt = concat(fromHex(one.enc), (frames[0] ?? none).slice(9, 41))
    const key = await hkdf(fromHex(one.responseSecret), salt, 'cocoon/1 response key')
    const base = await hkdf(fromHex(one.responseSecret), salt, 'cocoon/1 response nonce', 12)
    const contents: Bytes[] = []
    for (const [sequence, frame] of frames.entries()) {
      const final = sequence === frames.length - 1 ? 1 : 0
      const head = concat(Uint8Array.of(final), uint32(0), uint32(sequence))
      expect(hex(frame.slice(0, 9))).toBe(hex(head))
      const aad = concat(jobId, head.slice(1), Uint8Array.of(final))
      const padded = await gcmOpen(key, frameNonce(base, sequence), aad, frame.slice(sequence === 0 ? 41 : 9))
      const length = new DataView(padded.buffer).getUint32(0)
      expect(padded.length).toBe(Math.ceil((4 + length) / 512) * 512)
      contents.push(padded.slice(4, 4 + length))
    }
    const usage = { prompt: 12, cached: 0, completion: 5, reasoning: 0 }
    const failed = {
      status: 'failed',
      code: 'engine-failed',
      finishReason: null,
      usage,
      receipt: fromHex(one.final.receipt ?? ''),
    }
    const done = { status: 'done', code: null, finishReason: 'stop', usage, receipt: null }
    expect(hex(contents.at(-1) ?? none)).toBe(hex(cbor(one.final.status === 'done' ? done : failed)))
    const texts = contents.slice(0, -1).filter((content) => content.length > 0)
    expect(texts.map((content) => hex(content))).toEqual(one.contents.map((text) => hex(utf8(text))))
  })
})

describe('signed objects, from the specification alone', () => {
  it.each(statement.valid)('statement of $nodeId', async (one) => {
    const body = fromHex(one.body)
    const prekey = await createPrekey(fromHex(one.prekeySeed))
    const said = one.statement
    const fields = {
      ...said,
      identity: fromHex(said.identity),
      prekey: prekey.publicKey,
      evidence: said.evidence === null ? null : fromHex(said.evidence),
      offers: said.offers.map((offer) => ({
        ...offer,
        price: Object.fromEntries(Object.entries(offer.price).map(([name, value]) => [name, BigInt(value)])),
      })),
    } satisfies Plain
    expect(hex(cbor(fields))).toBe(one.body)
    expect(hex(await sha256(utf8('cocoon/1 statement\n'), body))).toBe(one.digest)
    expect(hex(await sha256(fields.identity))).toBe(one.nodeId)
  })

  it('refusal', async () => {
    for (const one of refusal.valid) {
      const [jobId, digest, voucher] = [fromHex(one.jobId), fromHex(one.statement), fromHex(one.voucher)]
      const message = cbor(['cocoon/1 refusal', jobId, digest, voucher, one.refusal])
      const verified = verifySignature('cocoon/1 refusal', fromHex(one.identity), fromHex(one.signature), message)
      expect(await verified).toBe(true)
    }
  })
})
