import { beforeAll, describe, expect, it } from 'vitest'
import {
  createPrekey,
  encodeCbor,
  equal,
  fromUtf8,
  hpkeOpen,
  hpkeSeal,
  type Header,
  jobIdOf,
  limits,
  noVoucher,
  readHeader,
  requestBucket,
  sealRequest,
  secureRandom,
  sha256,
  utf8,
  wrapContentKey,
} from '../src/index.ts'
import { attempt, bytesFrom, type Job, makeJob, makeNode, network, type Node } from '../vectors/material.ts'
import { insiderJob } from '../vectors/sealing.ts'
import { type Arrival, arrivalOf, openAt } from './job.ts'
import { codeOf } from './refused.ts'

let node: Node, other: Node
let a: Job, b: Job, paid: Job
beforeAll(async () => {
  ;[node, other] = await Promise.all([makeNode('node'), makeNode('other node')])
  a = await makeJob('a', node)
  b = await makeJob('b', node, { policy: 'private', model: 'cocoon/other' })
  paid = await makeJob('paid', node, { voucher: await bytesFrom('voucher') })
})

const refusedWith = (change: Partial<Arrival>, from: Job = a) =>
  codeOf(() => openAt(node.prekey, { ...arrivalOf(from), ...change }))

describe('a request', () => {
  it('opens at the node it was sealed for, and nowhere else', async () => {
    const { header, content } = await openAt(node.prekey, arrivalOf(a))
    expect(fromUtf8(new Uint8Array(content))).toBe('{"messages":[{"role":"user","content":"a"}]}')
    expect(header).toMatchObject({ version: 1, network, model: 'cocoon/demo', policy: 'open' })
    expect(await codeOf(() => openAt(other.prekey, arrivalOf(a)))).toBe('cannot-open')
  })

  it('sealed twice shares nothing, and a retry shares all but the wrap', async () => {
    const request = { network, model: 'm', policy: 'open', content: utf8('same') } as const
    const [first, second] = await Promise.all([sealRequest(request), sealRequest(request)])
    expect(equal(first.contentKey, second.contentKey)).toBe(false)
    expect(equal(first.sealed.jobId, second.sealed.jobId)).toBe(false)
    const again = await wrapContentKey(a.contentKey, other.prekey.publicKey, { ...a.binding, statement: other.digest })
    const retry = { ...arrivalOf(a), wrap: again.wrap, binding: { ...a.binding, statement: other.digest } }
    expect((await openAt(other.prekey, retry)).content).toEqual((await openAt(node.prekey, arrivalOf(a))).content)
  })

  it('has a length from the set of buckets, and the largest bucket is the limit', async () => {
    const seal = (length: number) =>
      sealRequest({ network, model: 'm', policy: 'open', content: new Uint8Array(length) })
    for (const length of [0, 252, 253, 5000, 65_532, 65_533, 300_000]) {
      const { sealed } = await seal(length)
      expect(sealed.body.length - 16).toBe(requestBucket(4 + length))
      expect([requestBucket(sealed.body.length - 16), sealed.body.length <= limits.request]).toEqual([
        sealed.body.length - 16,
        true,
      ])
    }
    const most = 8 * 1024 * 1024 - 128 * 1024 - 4
    expect((await seal(most)).sealed.body.length).toBe(most + 4 + 16)
    expect(await codeOf(() => seal(most + 1))).toBe('too-large')
  })

  it('names its voucher, or the digest of nothing', async () => {
    expect(await noVoucher()).toEqual(await sha256(new Uint8Array(0)))
    expect((await openAt(node.prekey, arrivalOf(paid))).header.policy).toBe('open')
  })

  it('is not sealed to a key that is none', async () => {
    for (const prekey of [new Uint8Array(1216), new Uint8Array(1216).fill(255), new Uint8Array(3)]) {
      expect(await codeOf(() => wrapContentKey(a.contentKey, prekey, a.binding))).toBe('bad-statement')
    }
  })

  const view = (bytes: Uint8Array) => {
    const larger = new Uint8Array(bytes.length + 64)
    larger.set(bytes, 32)
    return larger.subarray(32, 32 + bytes.length)
  }

  it('may be handed over in views of larger buffers', async () => {
    const random = (length: number) => view(secureRandom(length))
    const { wrap } = await wrapContentKey(view(a.contentKey), view(node.prekey.publicKey), a.binding, random)
    const arrival = {
      header: view(a.sealed.header),
      body: view(a.sealed.body),
      wrap: { enc: view(wrap.enc), ciphertext: view(wrap.ciphertext) },
      binding: a.binding,
    }
    expect((await openAt(node.prekey, arrival)).content.length).toBeGreaterThan(0)
  })

  it('is wrapped by an HPKE that takes views, too, at both ends', async () => {
    const [info, label, secret] = [view(utf8('info')), view(utf8('label')), view(utf8('secret'))]
    const sealed = await hpkeSeal(node.prekey.publicKey, info, secret, secureRandom)
    const opened = await hpkeOpen(node.prekey, info, sealed.enc, sealed.ciphertext)
    expect(fromUtf8(opened.plaintext)).toBe('secret')
    const exported = await sealed.exporter(utf8('label'), 32)
    expect([await sealed.exporter(label, 32), await opened.exporter(label, 32)]).toEqual([exported, exported])
  })
})

describe('pieces swapped between two jobs, job id kept: the job id is no longer their digest', () => {
  it('body', async () => expect(await refusedWith({ body: b.sealed.body })).toBe('wrong-job-id'))
  it('header', async () => expect(await refusedWith({ header: b.sealed.header })).toBe('wrong-job-id'))
  it.each(['model', 'policy', 'commit'] as const)('%s', async (field) => {
    const [mine, theirs] = [readHeader(a.sealed.header, network), readHeader(b.sealed.header, network)]
    expect(mine[field]).not.toEqual(theirs[field])
    expect(await refusedWith({ header: encodeCbor({ ...mine, [field]: theirs[field] }) })).toBe('wrong-job-id')
  })
  it('job id', async () => {
    expect(await refusedWith({ binding: { ...a.binding, jobId: b.sealed.jobId } })).toBe('wrong-job-id')
  })
})

describe('pieces swapped by somebody who also computes the job id anew: the wrap was made for another', () => {
  const mixed = async (header: Job['sealed']['header'], body: Job['sealed']['body']): Promise<Partial<Arrival>> => ({
    header,
    body,
    binding: { ...a.binding, jobId: await jobIdOf(header, body) },
  })
  const changed = (change: Partial<Header>) => encodeCbor({ ...readHeader(a.sealed.header, network), ...change })
  it('body', async () => expect(await refusedWith(await mixed(a.sealed.header, b.sealed.body))).toBe('cannot-open'))
  it('header', async () => expect(await refusedWith(await mixed(b.sealed.header, a.sealed.body))).toBe('cannot-open'))
  it('model', async () =>
    expect(await refusedWith(await mixed(changed({ model: 'm' }), a.sealed.body))).toBe('cannot-open'))
  it('policy', async () =>
    expect(await refusedWith(await mixed(changed({ policy: 'private' }), a.sealed.body))).toBe('cannot-open'))
  it('commit', async () =>
    expect(await refusedWith(await mixed(changed({ commit: b.commit }), a.sealed.body))).toBe('cannot-open'))
  it('network', async () =>
    expect(await refusedWith(await mixed(changed({ network: -239 }), a.sealed.body))).toBe('wrong-network'))
  it('version', async () =>
    expect(await refusedWith(await mixed(changed({ version: 2 }), a.sealed.body))).toBe('wrong-version'))
})

describe('wrap and what it is bound to', () => {
  it('wrap of another job', async () => expect(await refusedWith({ wrap: b.wrap })).toBe('cannot-open'))
  it('encapsulation of another job', async () => {
    expect(await refusedWith({ wrap: { ...a.wrap, enc: b.wrap.enc } })).toBe('cannot-open')
  })
  it('sealed content key of another job', async () => {
    expect(await refusedWith({ wrap: { ...a.wrap, ciphertext: b.wrap.ciphertext } })).toBe('cannot-open')
  })
  it('statement of another node', async () => {
    expect(await refusedWith({ binding: { ...a.binding, statement: other.digest } })).toBe('cannot-open')
  })
  it('voucher of another job, none for one, one for none', async () => {
    expect(await refusedWith({ binding: { ...a.binding, voucher: paid.binding.voucher } })).toBe('cannot-open')
    expect(await refusedWith({ binding: { ...paid.binding, voucher: a.binding.voucher } }, paid)).toBe('cannot-open')
    expect(await refusedWith({ binding: { ...paid.binding, voucher: await bytesFrom('x') } }, paid)).toBe('cannot-open')
  })
  it('wrong and unknown prekey', async () => {
    expect(await codeOf(async () => openAt(await createPrekey(), arrivalOf(a)))).toBe('cannot-open')
    const toOther = await attempt('wrong prekey', a.contentKey, other, a.binding)
    expect(await refusedWith({ wrap: toOther.wrap })).toBe('cannot-open')
  })
  it('junk of every length', async () => {
    for (const length of [0, 1, 1119, 1121]) {
      expect(await refusedWith({ wrap: { enc: new Uint8Array(length), ciphertext: a.wrap.ciphertext } })).toBe(
        'cannot-open',
      )
    }
    for (const length of [0, 15, 16, 47, 49]) {
      expect(await refusedWith({ wrap: { enc: a.wrap.enc, ciphertext: new Uint8Array(length) } })).toBe('cannot-open')
    }
    expect(await refusedWith({ wrap: { enc: new Uint8Array(1120), ciphertext: new Uint8Array(48) } })).toBe(
      'cannot-open',
    )
  })
})

describe('an insider, who knows the content key', () => {
  it('wraps it to another job id: that is not the digest of this body', async () => {
    const binding = { ...a.binding, jobId: b.sealed.jobId }
    const { wrap } = await attempt('insider', a.contentKey, node, binding)
    expect(await refusedWith({ wrap, binding })).toBe('wrong-job-id')
  })
  it('puts the body under another header: it is authenticated with its own', async () => {
    for (const change of [{ model: 'm' }, { policy: 'private' as const }]) {
      const header = encodeCbor({ ...readHeader(a.sealed.header, network), ...change })
      const binding = { ...a.binding, jobId: await jobIdOf(header, a.sealed.body) }
      const { wrap } = await attempt('insider', a.contentKey, node, binding)
      expect(await refusedWith({ header, wrap, binding })).toBe('cannot-open')
    }
  })
  it('wraps the key of another job: the header commits to its own', async () => {
    const { wrap } = await attempt('insider', b.contentKey, node, a.binding)
    expect(await refusedWith({ wrap })).toBe('wrong-commit')
  })
  it('commits to another key', async () => {
    const job = await insiderJob('insider', node, { commit: a.commit }, new Uint8Array(256))
    expect(await refusedWith({}, job)).toBe('wrong-commit')
  })
  it('hides bytes in the padding, or chooses another bucket', async () => {
    const dirty = new Uint8Array(256)
    dirty[100] = 1
    expect(await refusedWith({}, await insiderJob('dirty', node, {}, dirty))).toBe('bad-padding')
    for (const length of [0, 3, 255, 257, 512, 1024]) {
      expect(await refusedWith({}, await insiderJob(`length ${length}`, node, {}, new Uint8Array(length)))).toBe(
        'bad-padding',
      )
    }
    expect(
      (await openAt(node.prekey, arrivalOf(await insiderJob('clean', node, {}, new Uint8Array(256))))).content,
    ).toEqual(new Uint8Array(0))
  })
})

it('a bit flipped anywhere in header, body or wrap is refused', async () => {
  const flipped = (bytes: Uint8Array<ArrayBuffer>, at: number) =>
    bytes.map((byte, i) => (i === at ? byte ^ 0x80 : byte))
  for (const at of [0, 20, a.sealed.header.length - 1]) {
    expect(['wrong-job-id', 'broken-encoding']).toContain(await refusedWith({ header: flipped(a.sealed.header, at) }))
  }
  for (const at of [0, 255, 271]) expect(await refusedWith({ body: flipped(a.sealed.body, at) })).toBe('wrong-job-id')
  for (const at of [0, 1087, 1088, 1118]) {
    expect(await refusedWith({ wrap: { ...a.wrap, enc: flipped(a.wrap.enc, at) } })).toBe('cannot-open')
  }
  for (const at of [0, 47]) {
    expect(await refusedWith({ wrap: { ...a.wrap, ciphertext: flipped(a.wrap.ciphertext, at) } })).toBe('cannot-open')
  }
})

it('a header too large is refused unread', async () => {
  expect(await codeOf(() => readHeader(new Uint8Array(limits.object + 1), network))).toBe('broken-encoding')
})
